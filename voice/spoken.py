"""What a voice says of a written reply: its words, without the marks."""

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from voice import figures, formulas
from voice.language import guess
from voice.sentences import Sentences

_NAMED = {
    "en": ("There is {} on the screen.", "code", "a table", "a formula"),
    "de": ("Auf dem Bildschirm steht {}.", "Code", "eine Tabelle", "eine Formel"),
    "fr": ("Il y a {} à l'écran.", "du code", "un tableau", "une formule"),
    "es": ("Hay {} en la pantalla.", "código", "una tabla", "una fórmula"),
    "it": ("Sullo schermo c'è {}.", "del codice", "una tabella", "una formula"),
    "pt": ("Há {} na tela.", "código", "uma tabela", "uma fórmula"),
}
_CODE, _TABLE, _FORMULA = 1, 2, 3
_LEARNT_FROM = 600  # characters by which the language is guessed

_THINKING = re.compile(r"<think>.*?(?:</think>|\Z)|<!--.*?(?:-->|\Z)", re.S)
_FENCE = re.compile(r"[ \t]*(?:`{3,}[^`]*(?:\n|\Z)|~{3,})")
_DEFINITION = re.compile(r"[ \t]*\[[^\]\n]+\]:")
_RULE = re.compile(r"[ \t]*(?:[-*_=][ \t]*){3,}\s*$")
_MARKER = re.compile(r"[ \t>]*(?:#{1,6}[ \t]+|[-*+•][ \t]+(?:\[[ xX]\][ \t]+)?|>[ \t]?)+")
_NUMBERED = r"\[\d{1,3}(?:[,–-] ?\d{1,3})*\](?![(\[:\w])"
_CITATION = re.compile(
    rf" ?\[\^[^\]\s]+\]| ?{_NUMBERED}(?:, ?{_NUMBERED})*| ?【[^】]*】| ?\[citation needed\]"
)
_URL = re.compile(r"(?:https?://|(?<![\w@/.])www\.)[^\s<>\"'）」】]+[^\s<>\"'.,;:!?)\]）」】*_~]")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u23e9-\u23fa\u231a\u231b\U000e0000-\U000e007f\u200d\ufe0e\ufe0f\u20e3]"
)
_SHORT_CODE = re.compile(r"(?<![\w:]):[a-z][a-z_]+:(?![\w:])")
_LEFT_OVER = re.compile(
    r"(?<!\w)\*{1,3}(?=\S)|(?<=\S)\*{1,3}(?!\w)|\*{2,3}|__|~~|`+|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)"
)
_ENDS = ".!?…:;,。！？：；、।॥؟۔–—"


def spoken(markdown: str) -> str:
    """Plain sentences, a paragraph a line; code, tables and formulas are named, not read."""
    reading = Reading()
    return "".join([*reading.feed(markdown), *reading.close()]).strip()


class Reading:
    """A reply that is read out while it arrives, by sentences.

    Each one comes with what stands after it: a blank, or a line break where a paragraph ends. They
    are the same whatever the sizes in which the reply came.
    """

    def __init__(self) -> None:
        self._sentences = Sentences()
        self._heard = ""
        self._last_named = ""
        self._begins_line = True
        self._in_list = False

    def feed(self, markdown: str) -> list[str]:
        return list(self._read(self._sentences.feed(markdown)))

    def close(self) -> list[str]:
        return list(self._read(self._sentences.close()))

    def _read(self, written: list[str]) -> Iterator[str]:
        for piece in written:
            words = self._words(piece)
            self._begins_line = piece.endswith("\n")
            if words:
                yield words + ("\n" if self._begins_line else " ")

    def _words(self, piece: str) -> str:
        piece = _THINKING.sub("", piece)
        if not piece.strip():
            return ""
        if self._begins_line:
            if named := self._block(piece):
                return self._named(named[0]) if named[0] is not None else ""
            piece = self._without_marker(piece)
        self._last_named = ""
        return self._line(piece)

    def _block(self, piece: str) -> tuple[int | None] | None:
        """What is named instead of read, or (None,) for what is left out; None: it is read."""
        if _FENCE.match(piece):
            return (_CODE,)
        if piece.lstrip().startswith("|"):
            return (_TABLE,)
        if _RULE.match(piece) or _DEFINITION.match(piece):
            return (None,)
        if piece.startswith(("    ", "\t")) and not self._in_list:
            return (_CODE,)
        return None

    def _without_marker(self, piece: str) -> str:
        marker = _MARKER.match(piece)
        listed = re.match(r"[ \t>]*(?:[-*+•]|\d{1,9}[.)])[ \t]", piece) is not None
        self._in_list = listed or (self._in_list and piece[0] in " \t")
        rest = piece[marker.end() :] if marker else piece
        return re.sub(r"\n[ \t]*>[ \t]?", "\n", rest)

    def _named(self, what: int) -> str:
        sentence, *things = _NAMED.get(guess(self._heard), _NAMED["en"])
        words = sentence.format(things[what - 1])
        if words == self._last_named:
            return ""  # the next row of the same table, the next block of the same code
        self._last_named = words
        return words

    def _line(self, piece: str) -> str:
        whole_line = self._begins_line and piece.endswith("\n")
        text = formulas.FORMULA.sub(self._formula, piece)
        text = _CITATION.sub("", text)
        text = _inline(text)
        text = _EMOJI.sub("", _SHORT_CODE.sub("", text))
        text = re.sub(r" ?[→⇒➜] ?", " – ", text)
        text = _LEFT_OVER.sub("", text)
        text = re.sub(r"\s+([.,;:!?…](?!\w))", r"\1", " ".join(text.split()))
        if not any(letter.isalnum() for letter in text):
            return ""
        self._heard = (self._heard + " " + text)[:_LEARNT_FROM]
        if _is_english(text, self._heard):
            text = figures.read(text)
        if whole_line and text.rstrip("\"'”’»)]")[-1:] not in _ENDS:
            text += "。" if guess(text) in ("ja", "zh") else "."  # a heading, an entry of a list
        return text

    def _formula(self, found: re.Match[str]) -> str:
        latex = next(group for group in found.groups() if group is not None)
        alone = not found.string.replace(found.group(), "").strip(" \t\r\n.,")
        words = formulas.in_words(latex) if guess(self._heard) in ("", "en") else ""
        if words:
            return f" {words} "
        sentence, *things = _NAMED.get(guess(self._heard), _NAMED["en"])
        named = things[_FORMULA - 1]
        return sentence.format(named) if alone else f" {named} "


def _is_english(text: str, heard: str) -> bool:
    """So that signs and units are read in English words in English alone."""
    here = guess(text)
    if here:
        return here == "en"
    before = guess(heard)
    return before == "en" or (not before and not re.search(r"[^\W\d_]{3,}", text))


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable("strikethrough")


def _inline(text: str) -> str:
    tokens = _markdown().parseInline(text.strip())
    return _URL.sub(_host, "".join(_told(tokens[0].children or ()))) if tokens else ""


def _told(tokens: list[Token] | tuple[Token, ...]) -> Iterator[str]:
    for token in tokens:
        if token.type == "text":
            yield token.content
        elif token.type == "code_inline":
            yield token.content.replace("_", " ")
        elif token.type == "image":
            yield token.content
        elif token.type in {"softbreak", "hardbreak"} or token.content.startswith("<br"):
            yield " "


def _host(found: re.Match[str]) -> str:
    url = found.group() if "://" in found.group() else f"https://{found.group()}"
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
