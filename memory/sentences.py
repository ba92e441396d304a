"""A message as sentences its author says in their own name: without code, quotations and pasted text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 2_000
"""A longer text is taken for something pasted: nothing in it is told."""

HIDDEN = "\ue000"
"""Stands for each character that is somebody else's; offsets stay those of the text."""

_FENCED = re.compile(r"(?:```|~~~).*?(?:```|~~~|\Z)", re.DOTALL)
_INLINE = re.compile(r"`[^`\n]+`")
_CITED_LINES = re.compile(r"^[ \t]*(?:>|\||[-*•] |\d+[.)] ).*$", re.MULTILINE)
_QUOTED = re.compile(
    r"\"[^\"\n]+\"|“[^”\n]+”|„[^“”\n]+[“”]|«[^»\n]+»|»[^«\n]+«|「[^」\n]+」|『[^』\n]+』|‘[^’\n]+’"
    r"|(?<!\w)'[^'\n]+'(?!\w)"
)
_NAME_WORDS = 3  # so many words in quotation marks may be a name: my dog is called "Rex"
_NAME_CHARS = 40

_END = re.compile(r"[.!?…]+(?=[\s\"'”»)]|$)|[。！？]+|\n+|;\s")
_ABBREVIATED = re.compile(
    r"\b(?:dr|mr|mrs|ms|st|prof|hr|fr|nr|vs|sr|sra|dra|mme|e\.g|i\.e|z\.b|(?-i:[A-ZÄÖÜ]))\.$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    r"(?<!\d)\d{1,2}\.\s+(?:Jan|Feb|März|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)", re.IGNORECASE
)
_ASKS = re.compile(
    r"[?？][\s\"'”)!.]*$|(?:吗|呢|嗎|(?:です|ます|でした|ました|の|だろう)か)[。.]?\s*$"
)
_GREETS = re.compile(
    r"(?:hi|hello|hey|thanks|thank you|ok(?:ay)?|great|hallo|danke|hola|gracias|bonjour|salut|merci|"
    r"你好|谢谢|こんにちは|ありがとう)\b.{0,24}",
    re.IGNORECASE,
)

# What follows a colon, stands in a letter, or belongs to a story or a task is material, not told.
_LETTER = re.compile(
    r"^\s*(?:dear|sehr geehrte[rs]?|liebe[rs]?|estimad[oa]s?|cher|chère|madame|to whom it)\b.*"
    r"|^\s*(?:(?:best|kind|warm) regards|sincerely|yours (?:truly|faithfully)|mit freundlichen|"
    r"cordialement|atentamente|saludos cordiales)\b",
    re.IGNORECASE | re.MULTILINE,
)
_MATERIAL = re.compile(
    r"\b(?:imagine|pretend|suppose|supposing|let'?s say|role-?play|hypothetical\w*|fictional|"
    r"act as|you are (?:an?|the) |you're (?:an?|the) |play the|story|poem|dialogue|lyrics|novel|"
    r"screenplay|character|essay|cover letter|translat\w+|proof-?read|rewrite|rephrase|"
    r"paraphrase|summari[sz]e|grammar|for example\b|for instance|e\.g\.|example sentence|"
    r"how (?:do|would) (?:you|i|one) say|what does .* mean|"
    r"(?:write|draft|compose|make up|come up with|generate|continue|complete|fix|correct|improve|"
    r"edit|analy[sz]e|review|debug|classify) (?:me |us )?(?:an?|the|this|my|some|it|following)|"
    r"stell dir vor|angenommen|übersetz\w*|geschichte|gedicht|schreib\w* (?:mir |uns )?(?:einen?|das|den)|"
    r"imagina|supon(?:gamos)?|traduc\w+|cuento|poema|escrib\w+ (?:una?|el|la)|"
    r"imaginons|supposons|tradui\w+|histoire|poème|écris (?:une?|le|la|moi))"
    r"|翻译|想象|假设|故事|例如|比如|写一|翻訳|想像|物語|例えば|仮に",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be remembered, in its author's words.

    `subject` is what it is about, in lower case, empty where nothing later can contradict it;
    `value` is what is said of that, so that the same said in other words is known.
    """

    text: str
    subject: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """`mask` is `text` with what is not its author's hidden. `alone`: nothing else is said but a greeting.

    `material`: it, or another of the message, speaks of a task or a tale, so it may be part of one.
    """

    text: str
    mask: str
    asks: bool
    alone: bool
    material: bool


def sentences(text: str) -> list[Sentence]:
    """Those said in the author's own name, up to a colon that ends a line; none of a letter."""
    if len(text) > LONGEST or _LETTER.search(text):
        return []
    mask = _masked(text)
    spans = [(start, end) for start, end in _split(mask) if mask[start:end].strip(f" \t\n{HIDDEN}")]
    speaking = [n for n, (start, end) in enumerate(spans) if not _GREETS.fullmatch(text[start:end])]
    tasks = [bool(_MATERIAL.search(mask[start:end])) for start, end in spans]
    own: list[Sentence] = []
    for number, (start, end) in enumerate(spans):
        said, seen = text[start:end], mask[start:end]
        own.append(
            Sentence(
                said,
                seen,
                asks=bool(_ASKS.search(seen)),
                alone=speaking == [number],
                material=any(tasks),
            )
        )
        if seen.rstrip().endswith((":", "：")):
            break
    return own


def folded_line(text: str) -> str:
    """For comparing: lower case, one space between words, no marks at the end."""
    return " ".join(text.casefold().split()).strip(" .!,;:。！，")


def told_text(text: str) -> str:
    """`text` on one line, beginning as a sentence does."""
    line = " ".join(text.split()).strip(" ,;:，：")
    return line[:1].upper() + line[1:]


def _masked(text: str) -> str:
    for pattern in (_FENCED, _INLINE, _CITED_LINES):
        text = pattern.sub(lambda m: _hidden(m.group()), text)
    return _QUOTED.sub(lambda m: m.group() if _may_be_name(m.group()) else _hidden(m.group()), text)


def _hidden(text: str) -> str:
    return "".join("\n" if character == "\n" else HIDDEN for character in text)


def _may_be_name(quoted: str) -> bool:
    return len(quoted) <= _NAME_CHARS and len(quoted.split()) <= _NAME_WORDS


def _split(mask: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _END.finditer(mask):
        end = match.end()
        if match.group() == "." and _goes_on(mask, start, end):
            continue
        yield _trimmed(mask, start, end)
        start = end
    yield _trimmed(mask, start, len(mask))


def _goes_on(mask: str, start: int, end: int) -> bool:
    """Whether the full stop before `end` only abbreviates: Dr. Okafor, den 2. März."""
    following = mask[end : end + 40].lstrip(" \t")
    if not following or following.startswith("\n"):
        return False
    near = max(start, end - 12)
    return bool(_ABBREVIATED.search(mask, near, end) or _ORDINAL.match(mask, _number_at(mask, end)))


def _number_at(mask: str, end: int) -> int:
    """Where the digits begin that stand before the full stop at `end`."""
    start = end - 1
    while start > 0 and mask[start - 1].isdigit():
        start -= 1
    return start


def _trimmed(mask: str, start: int, end: int) -> tuple[int, int]:
    while start < end and mask[start].isspace():
        start += 1
    while end > start and mask[end - 1].isspace():
        end -= 1
    return start, end
