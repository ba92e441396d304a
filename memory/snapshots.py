"""Arrays in a file each, for a quick start: made anew from the texts whenever anything is amiss."""

import hashlib
import json
import logging
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

SUFFIX = ".index"
ALIGNED = 8
"""Bytes: numbers that begin elsewhere are slow to compute with."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """One file for each `name` of an owner, in `directory`; `made_by` is what the arrays depend on.

    A file holds hashes and numbers, no words, readable for its owner alone. It is replaced as a
    whole, so a reader sees the one before or the new one. Without a directory nothing is kept.
    """

    directory: Path | None
    made_by: str

    def save(self, owner: str, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Failing is no loss but time at the next start, and only logged."""
        if self.directory is None:
            return
        parts = [_padded(values) for values in arrays.values()]
        checked = 0
        for part in parts:
            checked = zlib.crc32(part, checked)
        about = {
            "made_by": self.made_by,
            "check": checked,
            "arrays": [[key, values.dtype.str, values.shape] for key, values in arrays.items()],
        }
        path = self._path(self.directory, owner, name)
        new = path.with_suffix(".new")
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.unlink(missing_ok=True)
            new.touch(mode=0o600)
            with new.open("wb") as file:
                file.write(json.dumps(about).encode() + b"\n")
                file.writelines(parts)
            new.replace(path)
        except OSError as error:
            log.warning("%s was not written: %s", path, error)

    def load(self, owner: str, name: str) -> dict[str, NDArray[Any]] | None:
        """The arrays; None where there is no sound file of them."""
        if self.directory is None:
            return None
        return self._loaded(self._path(self.directory, owner, name))

    def delete(self, owner: str, name: str) -> None:
        if self.directory is not None:
            self._path(self.directory, owner, name).unlink(missing_ok=True)

    def pop_all(self, owner: str) -> list[dict[str, NDArray[Any]]]:
        """Delete the files of `owner`; gives what was in those that are sound."""
        if self.directory is None:
            return []
        paths = list(self.directory.glob(f"{_hash(owner)}-*"))
        found = [self._loaded(path) for path in paths if path.suffix == SUFFIX]
        for path in paths:
            path.unlink(missing_ok=True)
        return [arrays for arrays in found if arrays is not None]

    def _loaded(self, path: Path) -> dict[str, NDArray[Any]] | None:
        try:
            with path.open("rb") as file:
                about, held = json.loads(file.readline()), np.fromfile(file, np.uint8)
            return _read(about, held) if about["made_by"] == self.made_by else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s is made anew: %s", path, error)
            return None

    def _path(self, directory: Path, owner: str, name: str) -> Path:
        return directory / f"{_hash(owner)}-{_hash(name)}{SUFFIX}"


def _read(about: Mapping[str, Any], held: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    if zlib.crc32(held.data) != about["check"]:
        raise ValueError("its sum is another")
    arrays: dict[str, NDArray[Any]] = {}
    at = 0
    for key, kind, shape in about["arrays"]:
        size = math.prod(shape) * np.dtype(kind).itemsize
        arrays[key] = held[at : at + size].view(kind).reshape(shape)
        at += size + -size % ALIGNED
    return arrays


def _padded(values: NDArray[Any]) -> bytes:
    return values.tobytes() + bytes(-values.nbytes % ALIGNED)


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
