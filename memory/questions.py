"""What a question asks for, in view of what its owner has: terms, rarity, names, sentences."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from memory.chunks import sentences
from memory.weights import Weights
from memory.words import STOPWORDS, hashed, language_of, name_keys, read

_ASKS_FOR_REPLY = re.compile(
    r"\byou (?:\w+ )?(?:said|told|suggested|recommended|advised|answered|gave|mentioned|explained)\b"
    r"|\b(?:did|have) you (?:\w+ )?(?:say|said|tell|told|suggest|recommend|advise|answer|mention)"
    r"|\byour (?:advice|answer|reply|suggestion|recommendation)"
    r"|\b(?:hast|hattest) du (?:\w+ ){0,4}?(?:gesagt|empfohlen|vorgeschlagen|geraten|erklärt)"
    r"|\b(?:me|nos) (?:dijiste|recomendaste|sugeriste|aconsejaste|explicaste)\b"
    r"|\bты (?:\w+ ){0,2}?(?:говорил|сказал|советовал|посоветовал|предложил|рекомендовал)"
    r"|你(?:\w{0,6})(?:说过|建议|推荐|告诉我)|(?:勧めて|教えて|提案して)くれた",
    re.IGNORECASE,
)
_OF_ONESELF = re.compile(
    r"\b(?:ich|mich|mir|wir|uns|unser\w*|mein\w*|mama|papa|oma|opa|moi|j|je|mon|ma|mes|nous|notre|nos)\b.*\?"
    r"|\b(?:mis?|yo|nosotros|nuestr[oa]s?|\w+(?:amos|emos|imos)|soy|tengo|estoy|quiero|puedo|debo|necesito|mamá|papá|abuel[oa])\b.*\?"
    r"|\b(?:я|мы|мо[йяеёию]\w*|меня|мне|нас|нам|наш\w*|мам\w|пап\w|бабушк\w+|дедушк\w+|брат\w*|сестр\w+"
    r"|сын\w*|доч\w+|муж\w*|жен[аеуы]|племянни\w+)\b.*\?"
    r"|(?:我|咱|爸|妈|爷|奶奶|哥|姐|弟|妹|儿子|女儿|家里|侄|老公|老婆).*[?？]"
    r"|(?:私|僕|俺|うち|わが|家の|父|母|兄|姉|弟|妹|娘|息子|祖母|祖父|夫|妻|姪|甥|いとこ).*[?？]",
    re.IGNORECASE | re.DOTALL,
)
_OF_ONESELF_IN_ENGLISH = re.compile(
    r"\b(?:(?<!how )do|did|have|had|was|were|am|are|will) (?:i|we)\b[^.!\n]*\?"
    r"|\b(?:who|whom|whose|what|which|where|when|why|how (?:many|much|long|old|often|far|tall|big)"
    r"|do you know|did|has|was|were|is|are|['’]s)\b[^.!\n]*\b(?:my|mine|our|ours)\b[^.!\n]*\?",
    re.IGNORECASE,
)
_FOR_A_NUMBER = re.compile(
    r"\b(?:wann|wie (?:viele?|lange?|hoch|alt|groß|weit|oft|spät)|wieviele?"
    r"|welche (?:größe|nummer|uhrzeit)|cuánt[oa]s?|cuándo|qué (?:hora|día|número|talla|edad)"
    r"|когда|сколько|какой (?:размер|номер)|какого числа)\b"
    r"|多少|几|哪天|哪年|什么时候|多大|多久"
    r"|いつ|いくら|何(?:時|人|歳|年|月|日|回|個|番|分|階|センチ)|どのくらい|どれくらい|サイズ",
    re.IGNORECASE,
)
_NOT_LATIN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")
_WORD = re.compile(r"\w+")
_SMALL = re.compile(r"\d{1,2}")

Names = Mapping[int, frozenset[int]]
"""Of the people who speak: who (hashed), and the words of the name."""


@dataclass(frozen=True, slots=True)
class Word:
    """Its stem and its parts, hashed."""

    stem: int
    parts: tuple[int, ...]
    rarity: float


@dataclass(frozen=True, slots=True)
class Question:
    """`meaning` is what to embed: the text without the names of those who speak in the log.

    `rarity` says how much each of its lower-case words counts there. `terms` are all that is looked
    for, hashed; `telling` the words that can lift a memory above the floor. `whole` is the rarity of
    all its words together. `speaker` is the one person it names, or 0. `of_oneself`: it asks about
    whoever asks or their family; `abroad`: it asks anything in another language than English, and
    `for_number`: how many, how much or when.
    `sentences` are there where it has several.
    """

    meaning: str
    rarity: Mapping[str, float]
    terms: Sequence[int]
    telling: tuple[Word, ...]
    whole: float
    speaker: int
    for_reply: bool
    of_oneself: bool
    abroad: bool
    for_number: bool
    unlike_latin: bool
    sentences: tuple["Question", ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads questions to one owner. `rarity_of` a term (hashed), by how many memories have it."""

    rarity_of: Callable[[int], float]
    names: Names
    weights: Weights

    def read(self, text: str) -> Question:
        several = [self._one(part) for part in sentences(text, self.weights.sentences)]
        enough = tuple(one for one in several if len(one.telling) >= self.weights.sentence_terms)
        return replace(self._one(text), sentences=enough)

    def _one(self, text: str) -> Question:
        language = language_of(text)
        abroad = language != "english" and text.rstrip().endswith(("?", "？"))
        words = {
            term: Word(hashed(term), tuple(map(hashed, parts)), self.rarity_of(hashed(term)))
            for term, parts in read(text, language)
        }
        said = [word.group() for word in _WORD.finditer(text)]
        names = {word for word in said if self._names(word)} if len(self.names) > 1 else set()
        bare = _WORD.sub(lambda word: "" if word.group() in names else word.group(), text)
        return Question(
            meaning=bare if bare.strip(" ?!.,'’") else text,
            rarity={word.casefold(): self._rarity(word.casefold(), language) for word in said},
            terms=list({key: 1 for word in words.values() for key in (word.stem, *word.parts)}),
            # Small numbers are about anything.
            telling=tuple(word for term, word in words.items() if not _SMALL.fullmatch(term)),
            whole=sum(word.rarity for word in words.values()),
            speaker=self._speaker(names),
            for_reply=_ASKS_FOR_REPLY.search(text) is not None,
            of_oneself=_of_oneself(text, language),
            abroad=abroad,
            for_number=abroad and _FOR_A_NUMBER.search(text) is not None,
            unlike_latin=len(_NOT_LATIN.findall(text)) * 2 > len("".join(said)),
        )

    def _rarity(self, word: str, language: str) -> float:
        found = [hashed(term) for term, _ in read(word, language)]
        if word in STOPWORDS or not found:
            return self.weights.stopword
        return sum(self.rarity_of(key) for key in found) / len(found)

    def _names(self, word: str) -> bool:
        """Whether it is part of a speaker's name; "will" is none where "Will" speaks."""
        if word.casefold() in STOPWORDS and not word[:1].isupper():
            return False
        return any(name_keys(word) <= name for name in self.names.values())

    def _speaker(self, names: set[str]) -> int:
        """The one person named: who has most of the names, if nobody else has as many."""
        told = frozenset(key for name in names for key in name_keys(name))
        shared = sorted(((len(told & name), who) for who, name in self.names.items()), reverse=True)
        if not shared or not shared[0][0]:
            return 0
        [(most, who), *others] = shared
        rest = told - self.names[who]
        alone = not any(count == most or rest & self.names[other] for count, other in others)
        return who if alone else 0


def _of_oneself(text: str, language: str) -> bool:
    asks = _OF_ONESELF_IN_ENGLISH if language == "english" else _OF_ONESELF
    return asks.search(text) is not None


def rarity(having: int, among: int) -> float:
    """The idf of BM25 as Lucene has it, never below 0: of what `having` of `among` have."""
    return math.log1p((among - having + 0.5) / (having + 0.5))
