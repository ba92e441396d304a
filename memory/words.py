"""Text as the terms that lexical search compares: folded words, or pairs of characters."""

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b

VERSION = "2"
"""Of what becomes of a text; indexes made by another are useless."""

# Scripts written without spaces are searched by overlapping pairs of characters: of questions in
# Chinese and Japanese that finds 68 % among the first five, whole runs as words 22 %.
_TOKEN = re.compile(
    r"(?P<run>[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<word>[^\W_]+)"
)
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("edly", ""), ("ed", ""), ("s", ""))
SHORTEST_STEM = 3

# Words that say nothing of what is asked for. They count in no ranking; the verbs of asking and
# remembering stand here too, because "what did I tell you about …" is not about telling. Words that
# mean something in another of the languages are left out (German war, French son).
_STOPWORDS = """
a about after again all also am an and any anything are as ask asked at be because been before
being between both but by can could did do does doing don down each else ever every few for from
further get give got had has have having he hello her here hers hey hi him his how i if in into is
it its just know let like ll made make many may me mention mentioned might more most much must my
no nor not now of off ok okay on once one only or other our ours out over own please re really
recall remember remind s said same say saying says shall she should so some something still such
suggest suggested t tell than thank thanks that the their theirs them then there these they thing
things this those though thought through to today told too under until up us ve very want was way
we well were what when where whether which while who whom whose why will with would yes yesterday
yet you your yours

der die das den dem des ein eine einen einem einer eines und oder aber ich du er sie es wir ihr mir
mich dir dich ihn ihm ihnen uns euch mein meine meinen meinem meiner meines dein deine deinen
deiner sein seine seinen seiner unser unsere unseren unserem unserer euer eure ist sind waren bist
hat habe hatte haben wird werden wurde wer wen wem wie wo wann warum was woher wohin womit wovon
wovor wozu wofür wieviel wieviele welche welcher welches welchen welchem zu zum zur im auf aus bei
beim vom mit nach von vor für über nicht kein keine noch nur auch als wenn dass daß gesagt sagen
sagte erzählt kannst können bitte sich doch schon sehr dann denn da hier dort diese dieser dieses

el la los las un una unos unas y o u pero yo tú él ella ellos nosotros mi mis tu tus su sus nuestro
nuestra nuestros nuestras era eran fue ha han he hay es son está están ser estar qué que quién
quien quiénes cómo como dónde donde adónde cuándo cuando cuál cual cuáles cuánto cuánta cuántos
cuántas por para con de del al a en sí si se te le les lo nos ya muy más no ni también porque dije
dijo este esta esto ese esa eso esos esas

les une et ou mais je il elle nous vous ils elles mon ma mes ta tes sa ses leur leurs notre votre
est sont était ai avons ont qui quoi où quand comment pourquoi combien quel quelle quels quelles au
aux dans sur avec sans par pas ne ce cet cette ces que des du dit

и в во на с со к ко по о об не ни что чего чем чему кто кого кому кем как какой какая какое какие
какую каком каким каких где куда откуда когда почему зачем сколько чей чья чьё чьи я ты он она оно
мы вы они мой моя моё мои моего моей моему моих мою твой твоя твои наш наша наше наши нашу нашей
свой своя свои меня мне мной тебе тебя его её ему ей нас нам их им это этот эта эти был была было
были быть есть у из за для от до при под над а но да же ли или бы если то так уже ещё сказал сказала
"""
_BY_LANGUAGE = [frozenset(words.split()) for words in _STOPWORDS.split("\n\n")]
STOPWORDS = frozenset().union(*_BY_LANGUAGE)
BEGINNINGS = (3, 5)
"""Letters by which words of languages other than English are compared, beside the whole word."""


def folded(text: str) -> str:
    """Lower case without accents: `Müller` and `MULLER` are the same word."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def stem(word: str) -> str:
    """A word without its commonest English endings; crude, but the same for text and query."""
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return _undoubled(word[: -len(ending)] + instead)
    return word[:-1] if len(word) > SHORTEST_STEM + 1 and word.endswith("e") else word


def _undoubled(word: str) -> str:
    """`plann` (from planning) is `plan`, `allerg`ies is left; a last e goes as in `stem`."""
    if len(word) > SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "aeiouls":
        return word[:-1]
    return word[:-1] if len(word) > SHORTEST_STEM + 1 and word.endswith("e") else word


def terms(text: str) -> list[str]:
    """The terms of `text` in order, repeated as often as they occur, without stopwords."""
    found: list[str] = []
    words = [(m.lastgroup, m.group().casefold()) for m in _TOKEN.finditer(_normal(text))]
    inflected = _is_inflected([token for kind, token in words if kind == "word"])
    for kind, token in words:
        if kind == "run":
            found += [token[i : i + 2] for i in range(len(token) - 1)] or [token]
        elif token not in STOPWORDS:
            term = _term(token)
            found.append(term)
            if inflected and not term.isdigit():
                found += [f"{term[:most]}…" for most in BEGINNINGS if len(term) > most]
    return found


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _is_inflected(words: list[str]) -> bool:
    """Whether a text is in a language with more endings than `stem` knows: by its small words, or
    by letters that English has not."""
    english, *others = (sum(word in small for word in words) for small in _BY_LANGUAGE)
    foreign = sum(not word.isascii() for word in words)
    return max(*others, foreign) > english


def keys(text: str) -> list[int]:
    """The terms of `text` as they are kept and compared: hashed."""
    return [hashed(term) for term in terms(text)]


@lru_cache(maxsize=1 << 16)
def hashed(text: str) -> int:
    """64 bits that tell `text` from others, the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


@lru_cache(maxsize=1 << 16)
def _term(token: str) -> str:
    return stem(folded(token))
