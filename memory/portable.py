"""Memories as a file that their owner takes along: written, and read with suspicion."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import time
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from memory.edge import clean
from memory.embedding import MAX_CHARS
from memory.memory_rows import Row, row_id
from memory.statements import understood
from messages import MemoryKind, Role

FORMAT, VERSION = "parley-memories", 1
MAX_BYTES = 25_000_000
MAX_MEMORIES = 50_000
LATEST = 32_503_680_000.0  # the year 3000

_Id = Annotated[str, Field(pattern="^([0-9a-f]{32})?$")]
_Hash = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
_Name = Annotated[str, Field(max_length=1_000)]
_Time = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Exported:
    """One memory in the file. Names are for the reader; only the rest is read again."""

    id: _Id
    kind: MemoryKind
    text: Annotated[str, Field(min_length=1, max_length=MAX_CHARS)]
    role: Role
    at: _Time
    conversation_id: _Id = ""
    conversation: _Name = ""
    message_id: _Id = ""
    speaker: _Name = ""
    pinned: bool = False
    source: _Hash = ""
    source_name: _Name = ""
    page: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    superseded_at: _Time = 0.0
    superseded_by: _Id = ""
    edited_at: _Time = 0.0


@dataclass(frozen=True, slots=True)
class File:
    format: Literal["parley-memories"]
    version: Literal[1]
    memories: tuple[Exported, ...]


_file: TypeAdapter[File] = TypeAdapter(File)


def to_file(rows: Iterable[Row], titles: Mapping[str, str]) -> bytes:
    """JSON, a line for each memory."""
    lines = []
    for row in rows:
        about = {**asdict(row), "conversation": titles.get(row.conversation_id, "")[:1_000]}
        kept = {name: about[name] for name in Exported.__dataclass_fields__}
        lines.append(json.dumps(kept, ensure_ascii=False))
    head = (
        f'{{"format": "{FORMAT}", "version": {VERSION}, "exported_at": {time():.3f}, "memories": ['
    )
    return (head + ",".join(f"\n{line}" for line in lines) + "\n]}\n").encode()


def from_file(data: bytes) -> list[Exported]:
    """Raises ValueError, in words for the person who chose the file."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
    try:
        memories = _file.validate_json(data).memories
    except ValidationError as error:
        raise ValueError(_said(error)) from None
    if len(memories) > MAX_MEMORIES:
        raise ValueError(f"The file holds more than {MAX_MEMORIES:,} memories.")
    return list(memories)


def new_rows(owner: str, read: Sequence[Exported], there: Sequence[Row]) -> list[Row]:
    """Of those read the ones that the owner does not have, under ids that nobody else can have."""
    ids, same = {row.id for row in there}, {_likeness(row) for row in there}
    renamed = {one.id: row_id(owner, one.id) for one in read if one.id}
    rows: list[Row] = []
    for one in read:
        row = _row(one, renamed.get(one.id) or row_id(owner, *_likeness(one)), renamed)
        # Exported here, it still has its own id; exported and read before, the one made of that.
        known = {one.id, row.id} & ids or _likeness(row) in same
        if not known and row.text.strip():
            ids.add(row.id)
            same.add(_likeness(row))
            rows.append(row)
    return rows


def _row(one: Exported, made_id: str, renamed: Mapping[str, str]) -> Row:
    text = clean(one.text)
    told = one.kind in ("fact", "instruction")
    return Row(
        id=made_id,
        conversation_id=one.conversation_id,
        message_id=one.message_id,
        role=one.role,
        text=text,
        at=one.at,
        kind=one.kind,
        speaker=clean(one.speaker),
        # A passage comes along because its owner had added it to their memory.
        pinned=one.pinned or one.kind == "passage",
        source=one.source,
        source_name=clean(one.source_name),
        page=one.page,
        subject=understood(one.kind, text).subject if told else "",
        superseded_at=one.superseded_at if told else 0.0,
        superseded_by=renamed.get(one.superseded_by, "") if told else "",
        edited_at=one.edited_at,
    )


def _likeness(memory: Row | Exported) -> tuple[object, ...]:
    at = math.floor(memory.at * 1_000)
    return (memory.kind, memory.role, at, memory.source, memory.page, clean(memory.text))


def _said(error: ValidationError) -> str:
    first = error.errors()[0]
    place = [str(step) for step in first["loc"]]
    if place[:1] == ["format"] or first["type"] in ("json_invalid", "dataclass_type"):
        return "This is no file of memories."
    if place[:1] == ["version"]:
        return "This file of memories is of another version of Parley."
    if place[:1] == ["memories"] and len(place) > 1 and place[1].isdigit():
        field = f" ({place[2]})" if len(place) > 2 else ""
        return f"Memory {int(place[1]) + 1:,} of the file cannot be read{field}: {first['msg']}."
    return "This is no file of memories."
