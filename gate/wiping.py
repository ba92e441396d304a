"""Secrets taken out of the memory in which a process was handed its environment.

Removing a variable from os.environ does not touch it: any other process of the same user could still
read it in /proc/PID/environ.
"""

import ctypes
import os
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

_START, _END = 47, 48
"""Where the environment lies: fields 50 and 51 of /proc/self/stat, of those after the name."""


def wipe_environment(kept: Container[str]) -> None:
    """Blank the values of all variables that are not `kept`. Does nothing where there is no /proc."""
    with suppress(OSError, ValueError, IndexError):
        told = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(told[_START]), int(told[_END])
        block = Path("/proc/self/environ").read_bytes()
        if not 0 < len(block) <= end - start or ctypes.string_at(start, len(block)) != block:
            return
        at = start
        for entry in block.split(b"\0"):
            name, equals, value = entry.partition(b"=")
            if equals and os.fsdecode(name) not in kept:
                ctypes.memset(at + len(name) + 1, ord("*"), len(value))
            at += len(entry) + 1
