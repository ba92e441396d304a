"""Cuts a written reply into sentences while it still arrives.

What is cut depends on the text alone, never on how it came: a place is decided only when nothing that
may follow could change it. Nothing is lost: the sentences put together are the text.
"""

import re
from itertools import takewhile

_MARKS = re.compile(
    r"\\(?![\[(])[^\w\s]"  # an escaped mark is a letter like others
    r"|`+|\$\$|\\\[|\\\(|<think>|<!--|\["  # what may not be cut inside
    r"|\n|[.!?…]+|[。！？｡؟۔।॥።។։]+"  # where a sentence may end
)
_CLOSING = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "<think>": "</think>", "<!--": "-->"}
_ANYWHERE = ("<think>", "<!--")
"""These go on over blank lines; everything else ends with its paragraph."""
_CLOSERS = re.compile(
    r"(?:[\"'”’»›)\]}*_~」』）》】〉]|[ \u00a0\u202f]»(?=\s|$)|\[\^?[\w.,;:†–-][\w.,;:†– -]{0,39}\])*",
    re.UNICODE,
)
_OPENERS = "\"'“‘«‹„([{*_~¿¡「『（《【—–-•#>"
_BLOCK = re.compile(
    r"(?:#{1,6}\s|[-*+•]\s|\d{1,9}[.)]\s|>|```|~~~|\||\$\$|\\\[|<!--|<think>|"
    r"-{2,}|\*{3,}|_{3,}|={2,}|\[[^\]\n]+\]:)"
)
_WHOLE_LINE = re.compile(r"[ \t]*(?:\||\[[^\]\n]+\]:)")
_HEADING = re.compile(r"[ \t]*(?:#{1,6}\s|\||-{3,}\s*$|={2,}\s*$)")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_QUOTED_ON = "とっはがをにのもでなだや"
"""After a closed quotation these go on with the sentence that holds it."""

_NEVER = frozenset(
    "mr mrs ms mx dr prof st sen rep gov gen col lt sgt capt cmdr rev hon pres mt ft vs e.g i.e cf "
    "viz approx dept apt ave blvd messrs mme mlle sra srta dott sig z.b d.h u.a o.ä i.d.r bzw ca "
    "evtl ggf inkl vgl sog hr bspw p.ej av env т.е т.д т.п г ул".split()
)
_BEFORE_NUMBERS = frozenset(
    "no nos nr nº fig figs p pp vol ch chap sec art abs eq tab ref ed jan feb mar apr jun jul aug "
    "sep sept oct nov dec ver v num núm pág n°".split()
)
_PERHAPS = frozenset("inc ltd co corp jr sr ph.d u.s u.k u.n e.u u.s.a d.c b.c a.d al bros".split())
_STARTERS = frozenset(
    "the a an he she it we they you i this that these those there here but and so or if when while "
    "after before in on at as for from to with then however although because since its his her "
    "their our my your what who why how where is are was were do does did not no yes also meanwhile "
    "instead still now today later some many most each every all both such it's he's she's that's "
    "there's they're we're you're i'm i've next once by let".split()
)
_ORDINAL_AFTER = frozenset(
    "am der die das dem den des im vom zum beim ab bis seit jeden dritten und".split()
)
_MONTHS = frozenset(
    "januar februar märz april mai juni juli august september oktober november dezember jänner "
    "jahrhundert ledna února března dubna května června července srpna září října listopadu".split()
)


class Sentences:
    """`feed` gives the sentences that are whole now, `close` what is left.

    A block of code, a row of a table and a formula that stands alone are never cut.
    """

    def __init__(self) -> None:
        self._text = ""
        self._from = 0
        self._at_line_start = True
        self._in_code = False

    def feed(self, text: str) -> list[str]:
        self._text += text
        if self._in_code and "\n" not in text:
            return []  # only a line can end it, and looking for one takes time
        return self._cut(final=False)

    def close(self) -> list[str]:
        whole = self._cut(final=True)
        return [*whole, self._taken(len(self._text))] if self._text else whole

    def _cut(self, *, final: bool) -> list[str]:
        found = []
        while self._text and (end := self._end(final)) is not None:
            found.append(self._taken(end))
        return found

    def _taken(self, end: int) -> str:
        piece, self._text, self._from = self._text[:end], self._text[end:], 0
        self._at_line_start = piece.endswith("\n")
        return piece

    def _end(self, final: bool) -> int | None:
        """Where the first sentence ends; None where that cannot be known yet, or never comes."""
        ahead = _Ahead(self._text, final)
        if self._at_line_start and not self._from:
            block = ahead.block()
            self._in_code = block is None and _FENCE.match(self._text) is not None
            if block is None or block:
                return block
        place = self._from
        while mark := _MARKS.search(self._text, place):
            self._from = mark.start()
            decided = ahead.after(mark)
            if decided is None:
                return None
            ends, place = decided
            if ends:
                return place
            self._from = place
        return None


class _Ahead:
    """What can be said of the places of a text. `final`: nothing more comes.

    Every answer is None as long as what may still come could change it.
    """

    def __init__(self, text: str, final: bool) -> None:
        self.text = text
        self.final = final

    def block(self) -> int | None:
        """The end of a block that is taken whole, at the beginning of a line; 0 where none begins."""
        text, start = self.text, len(self.text) - len(self.text.lstrip())
        begins = text[start:]
        if not self.final and (not begins or "```".startswith(begins) or "~~~".startswith(begins)):
            return None
        if not begins:
            return None
        if fence := _FENCE.match(text, text.rfind("\n", 0, start) + 1):
            return self._fence(fence.group(1), fence.end())
        if begins[0] == "|" or (begins[0] == "[" and _WHOLE_LINE.match(text, start)):
            end = text.find("\n", start)
            return self._whitespace(end) if end >= 0 else len(text) if self.final else None
        if begins[0] == "[" and not self.final:
            line = begins.partition("\n")[0]
            if line.find("]") in (-1, len(line) - 1) and "\n" not in begins:
                return None
        return 0

    def _fence(self, fence: str, opened: int) -> int | None:
        text = self.text
        first = text.find("\n", opened)
        if first < 0:
            return (
                len(text) if self.final and "`" not in text[opened:] else 0 if self.final else None
            )
        if fence[0] == "`" and "`" in text[opened:first]:
            return 0
        closed = re.compile(rf"^[ \t]*{re.escape(fence[0])}{{{len(fence)},}}[ \t\r]*(?=\n)", re.M)
        if found := closed.search(text, first):
            return self._whitespace(found.end())
        return len(text) if self.final else None

    def after(self, mark: re.Match[str]) -> tuple[bool, int] | None:
        """Whether a sentence ends with this mark, and where to go on from."""
        found, start, end = mark.group(), mark.start(), mark.end()
        if end == len(self.text) and not self.final:
            return None
        if found == "\n":
            return self._line_end(start)
        if found[0] == "[":
            return self._bracket(start)
        if found[0] == "`" or found in _CLOSING:
            return self._span(found, end)
        if found[0] == "\\":
            return False, end
        return self._stop(start, end)

    def _span(self, opening: str, end: int) -> tuple[bool, int] | None:
        """Over what is not cut inside: to its end, where it has one in this paragraph."""
        closing = _CLOSING.get(opening)
        pattern = re.escape(closing) if closing else rf"(?<!`){opening}(?!`)"
        over = "" if opening in _ANYWHERE else r"|\n[ \t\r]*\n"
        found = re.compile(pattern + over).search(self.text, end)
        if found is None:
            return (False, end) if self.final else None
        if not closing and found.end() == len(self.text) and not self.final:
            return None
        return False, end if found.group()[0] == "\n" else found.end()

    def _bracket(self, start: int) -> tuple[bool, int] | None:
        """Over the words of a link and its address, on one line."""
        text = self.text
        found = re.compile(r"[\]\n]").search(text, start)
        if found is None:
            return (False, start + 1) if self.final else None
        if found.group() == "\n":
            return False, start + 1
        if found.end() == len(text):
            return (False, found.end()) if self.final else None
        if text[found.end()] != "(":
            return False, found.end()
        closed = re.compile(r"[)\n]").search(text, found.end())
        if closed is None:
            return (False, found.end()) if self.final else None
        return False, found.end() if closed.group() == "\n" else closed.end()

    def _whitespace(self, place: int) -> int | None:
        """The end of the white space here, but before the indentation of the next line."""
        after = place + len(self.text[place:]) - len(self.text[place:].lstrip())
        if after == len(self.text):
            return after if self.final else None
        line = self.text.rfind("\n", place, after)
        return line + 1 if line >= 0 else after

    def _line_end(self, place: int) -> tuple[bool, int] | None:
        """Whether a block ends with this line."""
        text = self.text
        end = self._whitespace(place)
        if end is None:
            return None
        if end == len(text) or text.count("\n", place, end) > 1:
            return True, end
        line = text[text.rfind("\n", 0, place) + 1 : place].rstrip("\r")
        if _HEADING.match(line) or line.endswith(("  ", "\\")):
            return True, end
        coming = text[end:].lstrip(" \t\r")
        if line.lstrip().startswith(">") and coming.startswith(">"):
            coming = coming.lstrip("> \t\r")  # the next line of a quotation
            if coming.startswith("\n"):
                return True, end
        if not self.final and "\n" not in coming:
            head = coming.lstrip("0123456789")
            unread = len(coming) < 8 or len(head) < 3
            if unread or (coming[0] == "[" and coming.find("]") in (-1, len(coming) - 1)):
                return None
        return bool(_BLOCK.match(coming)), end

    def _stop(self, start: int, end: int) -> tuple[bool, int] | None:
        """Whether the full stop, or what else may end a sentence, does."""
        text = self.text
        closers = _CLOSERS.match(text, end)
        tail = closers.end() if closers else end
        if tail == len(text):
            return (True, tail) if self.final else None
        if (
            text[tail] == "["
            and not self.final
            and len(text) - tail < 44
            and not re.search(r"[\]\n]", text[tail:])
        ):
            return None
        if text[start] in "。！？｡؟۔।॥።។։":
            if text[tail] in _QUOTED_ON and text[tail - 1] in "」』":
                return False, tail
            ends = self._whitespace(tail)
            return None if ends is None else (True, ends)
        if not text[tail].isspace():
            return False, end
        ends = self._whitespace(tail)
        if ends is None:
            return None
        if "\n" in text[tail:ends]:
            broken = self._line_end(text.index("\n", tail))
            if broken is None or broken[0]:
                return broken
        decided = self._next_begins(start, end, ends)
        return None if decided is None else (True, ends) if decided else (False, tail)

    def _next_begins(self, start: int, end: int, place: int) -> bool | None:
        """Whether what stands at `place` begins a sentence, after the stop from `start` to `end`."""
        text = self.text
        while place < len(text) and (text[place] in _OPENERS or text[place].isspace()):
            place += 1
        if place == len(text):
            return True if self.final else None
        if text[place].islower():
            return False
        stop = text[start:end]
        if "!" in stop or "?" in stop:
            return True
        word = self._word(place)
        if word is None:
            return None
        if len(stop) > 1 or stop == "…":
            return word not in ("i", "i'm", "i'll", "i'd", "i've")
        return _ends_before(text[:start], text[place], word)

    def _word(self, place: int) -> str | None:
        """The word that begins here, in small letters, as far as its first 24 characters."""
        word = "".join(takewhile(_of_a_word, self.text[place : place + 24]))
        if place + len(word) == len(self.text) and len(word) < 24 and not self.final:
            return None
        return word.lower().replace("’", "'")


def _of_a_word(letter: str) -> bool:
    return letter.isalnum() or letter in "'’"


def _ends_before(before: str, first: str, word: str) -> bool:
    """Whether a full stop after `before` ends a sentence, where `word` follows, beginning `first`."""
    found = re.search(r"[\w.'’°º-]*$", before[-40:])
    last = found.group().lower().strip("'’") if found else ""
    earlier = before[: len(before) - len(last)].rpartition("\n")[2]
    if last.isdigit() and len(last) <= 3:
        if not earlier.strip(" \t>*-_#("):
            return False  # the number of a list
        said = earlier.split()[-1].lower() if earlier.split() else ""
        return not (len(last) <= 2 and (said in _ORDINAL_AFTER or word in _MONTHS))
    if last in _BEFORE_NUMBERS and (first.isdigit() or (len(last) < 2 and not word.isalpha())):
        return False
    if last in _NEVER:
        return False
    if last in _PERHAPS or re.fullmatch(r"\w(?:\.\w)*", last):
        return _begins(before, last, word)
    return True


def _begins(before: str, last: str, word: str) -> bool:
    """After initials and what may stand in the middle of a name."""
    if last in ("a.m", "p.m") or last.isdigit() or not last[0].isalpha():
        return True
    if last == "i" and re.search(r"[a-z,] i$", before[-8:].lower()):
        return len(word) > 1
    return word in _STARTERS and len(word) + (word in "ai") > 1
