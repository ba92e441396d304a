"""Text as the terms that lexical search compares: stems of words, and parts of them by script."""

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b

from memory.irregular import IRREGULAR

VERSION = "6"
"""Of what becomes of a text; indexes made by another are useless."""

# Scripts written without spaces, and Korean with its particles, are searched by overlapping pairs of
# characters: of questions in Chinese and Japanese that finds 68 % among the first five, whole runs as
# words 22 %.
_TOKEN = re.compile(
    r"(?P<run>[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    r"\uac00-\ud7af]+)|(?P<word>[^\W_]+)"
)
_CYRILLIC = re.compile("[\u0400-\u052f]")
_BRITISH = re.compile("(?<=[a-z]{3})our(?=$|s$|ed$|ing$|ite|ful|able|less|hood|ly)")
_KANA = re.compile("[\u3040-\u30ff]")
_ALONE = re.compile("(?<![\u3400-\u9fff])[\u3400-\u9fff](?=[のはがをにでともへや]|$)")
_NUMBER = re.compile(
    r"\d|[一二三四五六七八九十百千万两]+(?:[个月日号年歳岁点時时元円块码人分匹本度階楼番])"
)

GRAM = 4
"""Words of languages other than English are also searched by parts of so many characters, for their
endings and compounds. On tests/memory/language_cases.py BM25 alone finds among the first ten, of 20
each in German, Spanish, Russian: words as they are 50 55 50 %, stems 55 65 80, stems and parts 90 75
85; a part of five characters less, the first five alone much less."""
SHORTEST_WITH_PARTS = 5
LONGEST = 40
"""Characters of a word; longer ones are data."""

# Words that say nothing of what is asked for. They count in no ranking; the verbs of asking and
# remembering stand here too, because "what did I tell you about …" is not about telling. Words that
# mean something in another of the languages are left out (German war, French son). They also tell
# the language of a text.
_ENGLISH = """
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
"""
_GERMAN = """
der die das den dem des ein eine einen einem einer eines und oder aber ich du er sie es wir ihr mir
mich dir dich ihn ihm ihnen uns euch mein meine meinen meinem meiner meines dein deine deinen
deiner sein seine seinen seiner unser unsere unseren unserem unserer euer eure ist sind waren bist
hat habe hatte haben wird werden wurde wer wen wem wie wo wann warum was woher wohin womit wovon
wovor wozu wofür wieviel wieviele welche welcher welches welchen welchem zu zum zur im auf aus bei
beim vom mit nach von vor für über nicht kein keine noch nur auch als wenn dass daß gesagt sagen
sagte erzählt kannst können bitte sich doch schon sehr dann denn da hier dort diese dieser dieses
hallo danke geht gibt erzähl erzähle erklär erkläre
"""
_SPANISH = """
el la los las un una unos unas y o u pero yo tú él ella ellos nosotros mi mis tu tus su sus nuestro
nuestra nuestros nuestras era eran fue ha han he hay es son está están ser estar qué que quién
quien quiénes cómo como dónde donde adónde cuándo cuando cuál cual cuáles cuánto cuánta cuántos
cuántas por para con de del al a en sí si se te le les lo nos ya muy más no ni también porque dije
dijo estoy estás estamos este esta esto ese esa eso esos esas hola gracias cuéntame buenos
"""
_FRENCH = """
les une et ou mais je il elle nous vous ils elles mon ma mes ta tes sa ses leur leurs notre votre
est sont était ai avons ont qui quoi où quand comment pourquoi combien quel quelle quels quelles au
aux dans sur avec sans par pas ne ce cet cette ces que des du dit
"""
_RUSSIAN = """
и в во на с со к ко по о об не ни что чего чем чему кто кого кому кем как какой какая какое какие
какую каком каким каких где куда откуда когда почему зачем сколько чей чья чьё чьи я ты он она оно
мы вы они мой моя моё мои моего моей моему моих мою твой твоя твои наш наша наше наши нашу нашей
свой своя свои меня мне мной тебе тебя его её ему ей нас нам их им это этот эта эти был была было
были быть есть у из за для от до при под над а но да же ли или бы если то так уже ещё сказал сказала
"""
_SAY_NOTHING = {
    "english": frozenset(_ENGLISH.split()),
    "german": frozenset(_GERMAN.split()),
    "spanish": frozenset(_SPANISH.split()),
    "french": frozenset(_FRENCH.split()),
    "russian": frozenset(_RUSSIAN.split()),
}
STOPWORDS = frozenset().union(*_SAY_NOTHING.values())
MONTH = "May"
"""The one stopword that is a word of its own in capitals."""


Term = tuple[str, tuple[str, ...]]
"""The stem of a word, and the parts by which it is also found."""


def read(text: str, language: str | None = None) -> list[Term]:
    """In order, repeated as often as they occur, without stopwords."""
    if language is None:
        language = language_of(text)
    found: list[Term] = []
    for match in _TOKEN.finditer(_normal(text)):
        token = match.group()
        if match.lastgroup == "run":
            found += [(pair, ()) for pair in _pairs(token)]
        elif token == MONTH or token.casefold() not in STOPWORDS:
            found.append(_of_word(token.casefold(), language))
    return found


def has_number(text: str) -> bool:
    """An amount, a date or a time of day, by its digits or as Chinese and Japanese write it out."""
    return _NUMBER.search(text) is not None


def language_of(text: str) -> str:
    """One of those above, by its small words; empty where they do not tell, English at a draw."""
    words = [match.group().casefold() for match in _TOKEN.finditer(_normal(text))]
    counts = {name: sum(word in some for word in words) for name, some in _SAY_NOTHING.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""


def terms(text: str) -> list[str]:
    """The stems alone."""
    return [term for term, _ in read(text)]


def keys(text: str) -> list[int]:
    """The same as they are kept and compared: hashed."""
    return [hashed(term) for term in terms(text)]


def name_keys(name: str) -> frozenset[int]:
    """The words of a name, hashed as they are: "Will" is one too."""
    return frozenset(hashed(folded(word)) for word in re.findall(r"\w+", name))


def folded(text: str) -> str:
    """Lower case without accents: `Müller` and `MULLER` are the same word."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


@lru_cache(maxsize=1 << 16)
def hashed(text: str) -> int:
    """64 bits that tell `text` from others, the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def stem_of(word: str, language: str) -> str:
    """Of a folded word, as the stemmer of its language cuts it; of English where that is not known."""
    return folded(_stemmed(word, "russian" if _CYRILLIC.search(word) else language or "english"))


def _pairs(run: str) -> list[str]:
    """Overlapping pairs of characters; in Japanese also an ideograph that is a noun (母は)."""
    found = [run[i : i + 2] for i in range(len(run) - 1)] or [run]
    return found + _ALONE.findall(run) if _KANA.search(run) else found


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=1 << 16)
def _of_word(word: str, language: str) -> Term:
    """Its stem, and its parts unless it is English; endings are cut with their accents on."""
    if len(word) > LONGEST:
        return folded(word[:LONGEST]), ()
    language = "russian" if _CYRILLIC.search(word) else language
    term = folded(_stemmed(word, language or "english"))
    whole = f"^{folded(word)}"
    if language == "english" or len(whole) <= SHORTEST_WITH_PARTS or word.isdigit():
        return term, ()
    return term, tuple(f"#{whole[i : i + GRAM]}" for i in range(len(whole) - GRAM + 1))


def _stemmed(word: str, language: str) -> str:
    import snowballstemmer  # type: ignore[import-untyped]  # takes 40 ms

    if language == "english":
        word = _BRITISH.sub("or", IRREGULAR.get(word, word))
    # A stemmer holds the word it is at, and this may run in several threads.
    stemmed: str = snowballstemmer.stemmer(language).stemWord(word)
    return stemmed
