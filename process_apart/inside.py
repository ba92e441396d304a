"""How such a process begins: light to import, for it is started for each file."""

import contextlib
import os
from typing import BinaryIO

BYTECODE_BYTES = 1 << 20
"""A file that such a process may write: room for the bytecode of its libraries."""


def claim_stdout() -> BinaryIO:
    """Keep the pipe for answers alone: whatever a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def give_way() -> None:
    """The page comes first on a small machine."""
    if hasattr(os, "nice"):
        os.nice(5)


def confine(memory: int, cpu_s: int, file_bytes: int = BYTECODE_BYTES) -> None:
    """No more memory, time and disk than honest work needs, where the system sees to it."""
    give_way()
    with contextlib.suppress(ImportError):  # Windows knows no such limits
        import resource

        limits = {
            resource.RLIMIT_AS: memory,
            resource.RLIMIT_CPU: cpu_s,
            resource.RLIMIT_FSIZE: file_bytes,
            resource.RLIMIT_CORE: 0,
        }
        for kind, most in limits.items():
            with contextlib.suppress(ValueError, OSError):  # macOS has no limit of address space
                resource.setrlimit(kind, (most, most))
