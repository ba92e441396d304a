"""Those who may log in: a file of `name:bcrypt` lines, as `htpasswd -B` writes them.

A change of the file holds at once: who is no longer in it, or has another password, is logged out.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

import bcrypt

NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
SHORTEST, LONGEST_BYTES = 10, 72
_HASH = re.compile(rb"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_MOST_AT_ONCE = 2
_COST = 12


class BadUsers(ValueError):
    """The file of users cannot be what it should. The text says why."""


class Users:
    """Raises BadUsers where nobody could log in. The first line is the operator's, unless named."""

    def __init__(self, path: Path, operator: str = "") -> None:
        self._path = path
        self._seen: tuple[int, ...] = ()
        self._users: dict[str, bytes] = {}
        self._checking = asyncio.Semaphore(_MOST_AT_ONCE)
        try:
            self._users = _read(path)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise BadUsers(f"{path} cannot be read ({why}). Add a user by --add-user.") from None
        if not self._users:
            raise BadUsers(f"There is no user in {path}. Add one by --add-user.")
        if operator and operator not in self._users:
            raise BadUsers(f"PARLEY_OPERATOR is {operator!r}, who is not in {path}.")
        self._operator = operator

    def is_operator(self, name: str) -> bool:
        return name == (self._operator or next(iter(self._now()), ""))

    def mark(self, name: str) -> str:
        """Stands for the user's password: another one has another mark, nobody has none."""
        known = self._now().get(name)
        return hashlib.sha256(known).hexdigest()[:24] if known else ""

    async def are(self, name: str, password: str) -> bool:
        """Whether this is their password; it takes as long where there is no such user."""
        users = self._now()
        given = password.encode("utf-8", "replace")
        known = users.get(name)
        against = known or max(users.values(), key=_cost, default=None)
        if against is None:
            return False
        async with self._checking:
            right = await asyncio.to_thread(bcrypt.checkpw, given[:LONGEST_BYTES], against)
        return right and known is not None and 0 < len(given) <= LONGEST_BYTES

    def _now(self) -> dict[str, bytes]:
        """As the file is now. Nobody, while it is gone or cannot be read."""
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen != self._seen:
                self._users, self._seen = _read(self._path), seen
        except (OSError, BadUsers):
            self._users, self._seen = {}, ()
        return self._users


def add_user(path: Path, name: str, password: str) -> None:
    """Add a user, or give them another password. Raises BadUsers, OSError."""
    if not NAME.fullmatch(name):
        raise BadUsers("A name has 1 to 64 letters, digits, dots, dashes, _ or @.")
    if len(password) < SHORTEST or len(password.encode()) > LONGEST_BYTES:
        raise BadUsers(f"A password has {SHORTEST} to {LONGEST_BYTES} characters.")
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST)).decode()
    lines = []
    with suppress(FileNotFoundError):
        lines = path.read_text().splitlines()
    mine = [line.partition(":")[0].strip() == name for line in lines]
    line = f"{name}:{hashed}"
    lines = [line if own else kept for own, kept in zip(mine, lines, strict=True)]
    lines += [] if any(mine) else [line]
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all, and for the operator's eyes alone.
    descriptor, written = tempfile.mkstemp(dir=path.parent, prefix=".users-")
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
    Path(written).replace(path)


def _read(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith(b"#"):
            continue
        name, _, hashed = line.partition(b":")
        hashed = hashed.strip()
        known = _HASH.fullmatch(hashed)
        if not NAME.fullmatch(name.decode("latin-1")) or not known or int(known[1]) > 16:
            raise BadUsers(f"{path}, line {number}: not a name, a colon and a bcrypt hash.")
        found[name.decode("ascii")] = hashed
    return found


def _cost(hashed: bytes) -> bytes:
    return hashed[4:6]
