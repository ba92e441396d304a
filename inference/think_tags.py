"""Reasoning that a server left between think tags, parted from the answer while it streams."""

import re
from typing import Literal

from inference.backend import ReasoningChunk, TextChunk

_OPENING = ("<think>", "<thinking>", "<thought>")
_ORPHAN = re.compile(r"(?:^|(?<=\n))[ \t]*</(?:think|thinking|thought)>\n*")
_CLOSINGS = ("</think>", "</thinking>", "</thought>")


class ThinkTags:
    """Feed it the content as it comes, in pieces of any size.

    Only a tag that opens the answer counts: one that stands later is the model talking about tags.
    A closing tag without an opening one, alone at the start of a line, is dropped (servers whose
    template opens the tag themselves send it); the thoughts before it had been given out as text.
    """

    def __init__(self) -> None:
        self._state: Literal["start", "thinking", "answer"] = "start"
        self._held = ""
        self._closing = ""
        self._thought = False
        self._settled = False
        self._fences = 0
        self._ticks = ""
        self._line_start = True

    def feed(self, text: str) -> list[TextChunk | ReasoningChunk]:
        out: list[TextChunk | ReasoningChunk] = []
        self._held += text
        if self._state == "start":
            self._start()
        if self._state == "thinking":
            self._think(out)
        if self._state == "answer":
            self._answer(out)
        return out

    def close(self) -> list[TextChunk | ReasoningChunk]:
        """What was held back, now that nothing more comes; blank text is dropped."""
        held, self._held = self._held, ""
        if self._state == "thinking":
            return [ReasoningChunk(held)] if held else []
        if self._state == "start":
            held = held.strip()
        return [TextChunk(held)] if held else []

    def _start(self) -> None:
        text = self._held.lstrip()
        for tag in _OPENING:
            if text.startswith(tag):
                self._closing = f"</{tag[1:]}"
                self._held = text[len(tag) :]
                self._state, self._settled = "thinking", True
                return
        if text and not any(tag.startswith(text) for tag in _OPENING):
            self._held = self._held.lstrip("\r\n")
            self._state = "answer"

    def _think(self, out: list[TextChunk | ReasoningChunk]) -> None:
        if not self._thought:
            self._held = self._held.lstrip("\r\n")
            self._thought = bool(self._held)
        thought, tag, rest = self._held.partition(self._closing)
        if tag:
            if thought := thought.rstrip("\n"):
                out.append(ReasoningChunk(thought))
            self._held, self._state = rest.lstrip("\r\n"), "answer"
            # Blank lines may still follow in a later piece: they are trimmed as at the start.
            if not self._held:
                self._state = "start"
                self._closing = ""
            return
        keep = _overlap(self._held, self._closing)
        cut = len(self._held) - keep
        if self._held[:cut]:
            out.append(ReasoningChunk(self._held[:cut]))
        self._held = self._held[cut:]

    def _answer(self, out: list[TextChunk | ReasoningChunk]) -> None:
        if self._settled or "<" not in self._held:
            text, self._held = self._held, ""
        else:
            text = self._without_orphan()
        if text:
            self._line_start = text.endswith("\n")
            ticks = self._ticks + text
            self._fences += ticks.count("```")
            self._ticks = "`" * ((len(ticks) - len(ticks.rstrip("`"))) % 3)
            out.append(TextChunk(text))

    def _without_orphan(self) -> str:
        """What may be given out now; a line that may become a closing tag is held back."""
        text = self._held
        found = _ORPHAN.search(text)
        if (
            found
            and (found.start() > 0 or self._line_start)
            and (self._fences + text[: found.start()].count("```")) % 2 == 0
        ):
            self._settled, self._held = True, ""
            return text[: found.start()] + text[found.end() :]
        line = text.rfind("\n") + 1
        tail = text[line:].lstrip(" \t")
        alone = line > 0 or self._line_start
        if tail and alone and any(tag.startswith(tail) for tag in _CLOSINGS):
            self._held = text[line:]
            return text[:line]
        self._held = ""
        return text


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    for size in range(min(len(text), len(tag) - 1), 0, -1):
        if tag.startswith(text[-size:]):
            return size
    return 0
