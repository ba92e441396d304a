"""Text as the terms that lexical search compares: folded words, or pairs of characters."""

import re
import unicodedata

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
yet you your yours der die das den dem des ein eine einen einem einer und oder aber ich du er sie
es wir ihr mir mich dir dich mein meine meinen meinem meiner dein deine ist sind waren bist habe
hatte haben wer wie wo wann warum welche welcher welches zu zum zur im auf aus bei mit nach von
vor für über nicht kein keine noch nur auch als wenn dass daß gesagt sagen sagte erzählt kannst
können bitte el la los las un una unos unas y o pero yo tú él ella mi mis tu tus su sus era fue ha
qué que quién quien cómo como dónde donde cuándo cuando cuál cual por para con de del al en sí se
te lo le dije dijo les une et ou mais je il elle nous vous ils elles mon ma mes ta tes sa ses est
sont était ai avons qui quoi où quand pourquoi quel quelle au aux dans sur avec sans par pas ne ce
cette dit и в на с к по о об не что кто как где когда почему я ты он она мы вы они мой моя моё мои
меня мне тебе это был была было у из за для от до же ли бы сказал сказала
"""
STOPWORDS = frozenset(_STOPWORDS.split())


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
    for match in _TOKEN.finditer(unicodedata.normalize("NFKC", text)):
        token = match.group().casefold()
        if match.lastgroup == "run":
            found += [token[i : i + 2] for i in range(len(token) - 1)] or [token]
        elif token not in STOPWORDS:
            found.append(stem(folded(token)))
    return found
