"""What the operator has let in: each tool of each server, as it described itself then.

A server may be harmless when it is chosen and change its tools' descriptions later, into words that
make a model act. So a server's tools are taken as they are found when it is first connected; from
then on one that differs, or is new, waits until the operator has seen it.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError


@dataclass(frozen=True, slots=True)
class Change:
    """A tool that is not offered until it is approved, and the words it now goes by.

    `before` is all that was told of it when it was let in, `now` all that is told by now: what it
    does, the arguments it takes, what it says of itself. `before` is empty where it was not kept.
    """

    tool: str
    kind: Literal["new", "changed"]
    description: str
    before: str = ""
    now: str = ""


class NotKept(Exception):
    """What was let in could not be written down: the words say why."""


class _Known(BaseModel):
    fingerprint: str
    tools: dict[str, str]
    told: dict[str, str] = {}


class _File(BaseModel):
    servers: dict[str, _Known] = {}


class Pins:
    """A small JSON file, readable by the operator alone. It blocks, for a millisecond.

    Where it is damaged nobody knows what was let in: every tool waits.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        found = _read(path)
        self._damaged = found is None
        self._file = found or _File()

    def knows(self, server: str, fingerprint: str) -> bool:
        """Whether this very server was connected before."""
        known = self._file.servers.get(server)
        if known is None and self._damaged:
            self.pin(server, fingerprint, {})
            return True
        return known is not None and known.fingerprint == fingerprint

    def of(self, server: str) -> Mapping[str, str]:
        """Digests by tool."""
        known = self._file.servers.get(server)
        return known.tools if known else {}

    def told(self, server: str) -> Mapping[str, str]:
        """What was told of each tool when it was let in, to be read beside what is told now."""
        known = self._file.servers.get(server)
        return known.told if known else {}

    def pin(
        self,
        server: str,
        fingerprint: str,
        digests: Mapping[str, str],
        told: Mapping[str, str] | None = None,
    ) -> None:
        """What is not in `digests` is forgotten. Raises NotKept."""
        known = _Known(fingerprint=fingerprint, tools=dict(digests), told=dict(told or {}))
        self._file = _File(servers={**self._file.servers, server: known})
        try:
            _write(self._path, self._file.model_dump_json(indent=2))
        except OSError as error:
            raise NotKept(f"{self._path.name} cannot be written: {error.strerror}.") from None


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8", "replace")).hexdigest()


def digest_of_all(digests: Sequence[str]) -> str:
    """What stands for a whole list: approving it approves nothing else."""
    return digest(sorted(digests))


def _read(path: Path) -> _File | None:
    """None for one that is damaged."""
    try:
        return _File.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return _File()
    except (OSError, ValidationError):
        return None


def _write(path: Path, text: str) -> None:
    """Under another name first, so that the file is always whole. mkstemp makes it 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".mcp-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
