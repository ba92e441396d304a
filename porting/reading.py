"""A file of conversations, whoever wrote it: JSON or a zip of it, read piece by piece within bounds.

A list is read one conversation after the other, so that neither a long file nor a zip that grows
without end is ever in memory as a whole.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any

from porting import chatgpt, open_webui, own
from porting.carried import Carried, Fetch, Unreadable

MOST_UNPACKED = 1_000_000_000
MOST_OF_ONE = 64_000_000
"""Characters of one conversation, and bytes of one picture."""
MOST_CONVERSATIONS = 20_000
MOST_MEMBERS = 100_000

_CHUNK = 1 << 20
_NOTHING = Unreadable(
    "There are no conversations in this file.",
    "Choose a file of Parley, the export of ChatGPT (its zip or conversations.json) or of Open WebUI.",
)
_TOO_LARGE = Unreadable(
    "This file unpacks to more than can be read here.",
    "Take conversations.json alone, or a part of it.",
)
_DAMAGED = Unreadable("This is no file of conversations, or it is damaged.", _NOTHING.advice)
_SHARD = re.compile(r"^conversations(-\d{1,4})?\.json$")
_FILE_ID = re.compile(r"^(file[-_][A-Za-z0-9]+)")


def conversations(file: IO[bytes]) -> Iterator[Carried]:
    """Those in the file, in its order; empty ones are passed over. Raises Unreadable."""
    count = 0
    for found in _all(file):
        if not found.messages:
            continue
        count += 1
        if count > MOST_CONVERSATIONS:
            raise Unreadable(f"The file holds more than {MOST_CONVERSATIONS:,} conversations.")
        yield found
    if not count:
        raise _NOTHING


def _all(file: IO[bytes]) -> Iterator[Carried]:
    file.seek(0)
    begins = file.read(4)
    file.seek(0)
    if begins == b"PK\x03\x04":
        try:
            yield from _of_zip(file)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise Unreadable(
                "This zip cannot be read to its end.", "Download it again, or unpack it yourself."
            ) from error
    else:
        yield from _of_json(file, {}, _Allowance())


def _of_zip(file: IO[bytes]) -> Iterator[Carried]:
    archive = zipfile.ZipFile(file)  # not closed: pictures are read when their turn comes
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise _TOO_LARGE
    allowance = _Allowance()
    files: dict[str, Fetch] = {}
    for member in members:
        if found := _FILE_ID.match(PurePosixPath(member.filename).name):
            files.setdefault(found[1], partial(_picture, archive, member, allowance))
    named = [one for one in members if one.filename.endswith(".json")]
    shards = [one for one in named if _SHARD.match(PurePosixPath(one.filename).name)]
    for member in sorted(shards, key=lambda one: one.filename) or named:
        with archive.open(member) as opened:
            yield from _of_json(opened, files, allowance)


class _Allowance:
    """How much may still be unpacked; a zip says little of what it will become."""

    def __init__(self) -> None:
        self._left = MOST_UNPACKED

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _TOO_LARGE


def _picture(archive: zipfile.ZipFile, member: zipfile.ZipInfo, allowance: _Allowance) -> bytes:
    try:
        with archive.open(member) as opened:
            data = opened.read(MOST_OF_ONE + 1)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError):
        raise Unreadable("A picture of the zip is damaged.") from None
    allowance.spend(len(data))
    if len(data) > MOST_OF_ONE:
        raise _TOO_LARGE
    return data


def _of_json(
    file: IO[bytes], files: Mapping[str, Fetch], allowance: _Allowance
) -> Iterator[Carried]:
    for found in _values(_text(file, allowance)):
        if not isinstance(found, dict):
            continue
        if own.is_one(found):
            yield own.read(found)
        elif chatgpt.is_one(found):
            yield chatgpt.read(found, files)
        elif open_webui.is_one(found):
            yield open_webui.read(found)


def _text(file: IO[bytes], allowance: _Allowance) -> io.TextIOWrapper:
    counted = io.BufferedReader(_Counted(file, allowance), _CHUNK)
    return io.TextIOWrapper(counted, "utf-8-sig", "replace")


class _Counted(io.RawIOBase):
    """What is read of `file` is taken off the allowance."""

    def __init__(self, file: IO[bytes], allowance: _Allowance) -> None:
        self._file = file
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._file.read(len(buffer))
        self._allowance.spend(len(data))
        buffer[: len(data)] = data
        return len(data)


def _values(text: io.TextIOWrapper) -> Iterator[object]:
    """The values of a list, or the one value that is no list, each read when it is its turn."""
    buffer, at, ended = "", 0, False
    decoder = json.JSONDecoder()
    in_list = None
    while True:
        skipped = _blank(buffer, at, commas=in_list is True)
        if skipped == len(buffer) and not ended:
            buffer, at = text.read(_CHUNK), 0
            ended = not buffer
            continue
        at = skipped
        if at == len(buffer):
            if in_list:
                raise Unreadable("The file ends too early.", "Download it again.")
            return
        if in_list is None:
            in_list = buffer[at] == "["
            if in_list:
                at += 1
                continue
        if in_list and buffer[at] == "]":
            return
        if buffer[at] not in '{["':
            raise _NOTHING
        try:
            value, at = decoder.raw_decode(buffer, at)
        except RecursionError:
            raise _NOTHING from None
        except json.JSONDecodeError as error:
            cut_off = error.msg.startswith("Unterminated") or error.pos > len(buffer) - 16
            if not cut_off:
                raise _DAMAGED from None
            if len(buffer) - at > MOST_OF_ONE:
                raise Unreadable("A conversation of the file is too long to be read.") from None
            # As much again: a value is looked at from its beginning a few times at most.
            more = text.read(max(_CHUNK, len(buffer) - at)) if not ended else ""
            if not more:
                raise _DAMAGED from None
            buffer, at = buffer[at:] + more, 0
            continue
        yield value
        if not in_list:
            return


_BLANK = re.compile(r"[ \t\r\n]*")
_BLANK_OR_COMMA = re.compile(r"[ \t\r\n,]*")


def _blank(buffer: str, at: int, *, commas: bool) -> int:
    match = (_BLANK_OR_COMMA if commas else _BLANK).match(buffer, at)
    return match.end() if match else at
