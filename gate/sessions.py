"""Who is logged in: a signed cookie, good for as long as the password behind it, until it is given back."""

import hashlib
import hmac
import json
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from itsdangerous import BadData, URLSafeTimedSerializer

from gate.access import Access
from gate.hugging_face import Account

LIFE_S = 30 * 24 * 3600
_MOST_ERASED = 10_000
Kind = Literal["user", "link", "hf"]


@dataclass(frozen=True, slots=True)
class Session:
    """`owner` is "" for who gave the password of a link: such visitors stay strangers to each other.

    `number` is this login's alone; `mark` stands for the password.
    """

    kind: Kind
    name: str
    owner: str
    operator: bool
    number: str
    mark: str
    until: float


class Sessions:
    """Logins that were given back are kept in `ended` until they would have lapsed by themselves."""

    def __init__(self, access: Access, sign_key: bytes) -> None:
        self._access = access
        self._signer = URLSafeTimedSerializer(
            sign_key, salt="parley.login", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._ended = _Ended(access.ended)
        self._erased: dict[str, None] = {}

    def of_user(self, name: str) -> str:
        """The cookie of a user who has just shown their password."""
        return self._written("user", name, name, self._mark("user", name))

    def of_link(self) -> str:
        return self._written("link", "", "", self._mark("link", ""))

    def of_account(self, account: Account) -> str:
        return self._written("hf", account.sub, account.name, "hf")

    def read(self, cookie: str) -> Session | None:
        """The session of that cookie, if it is one and still good."""
        if not cookie:
            return None
        try:
            told, signed_at = self._signer.loads(cookie, max_age=LIFE_S, return_timestamp=True)
            kind, who, name, mark, number = told
        except (BadData, ValueError, TypeError):
            return None
        operator = self._access.users is not None and self._access.users.is_operator(who)
        session = Session(
            kind=kind,
            name=name,
            owner="" if kind == "link" else f"{kind}:{who}",
            operator=kind == "user" and operator,
            number=number,
            mark=mark,
            until=signed_at.timestamp() + LIFE_S,
        )
        return session if self.is_good(session) else None

    def is_good(self, session: Session) -> bool:
        """Whether it still is: passwords change, users go, and logins are given back."""
        who = session.owner.partition(":")[2]
        now = self._mark(session.kind, who)
        same = bool(now) and hmac.compare_digest(now, session.mark)
        return same and time.time() < session.until and session.number not in self._ended

    def end(self, session: Session) -> None:
        self._ended.add(session.number, session.until)

    def erased(self, owner: str) -> None:
        """Nothing of theirs is left: their cookie is not taken for them on the next page either."""
        self._erased[owner] = None
        if len(self._erased) > _MOST_ERASED:
            del self._erased[next(iter(self._erased))]

    def is_erased(self, owner: str) -> bool:
        return owner in self._erased

    def _mark(self, kind: Kind, who: str) -> str:
        access = self._access
        if kind == "user":
            return access.users.mark(who) if access.users else ""
        if kind == "link":
            password = access.link_password
            return hashlib.sha256(password.encode()).hexdigest()[:24] if password else ""
        return "hf" if access.hugging_face and not access.users else ""

    def _written(self, kind: Kind, who: str, name: str, mark: str) -> str:
        return str(self._signer.dumps([kind, who, name, mark, secrets.token_hex(12)]))


class _Ended:
    """Numbers of logins that are over, in a file where there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._until: dict[str, float] = {}
        if path is not None:
            with suppress(OSError, ValueError, AttributeError):
                told = json.loads(path.read_text())
                self._until = {str(k): float(v) for k, v in told.items()}

    def __contains__(self, number: str) -> bool:
        return number in self._until

    def add(self, number: str, until: float) -> None:
        now = time.time()
        self._until = {n: at for n, at in self._until.items() if at > now} | {number: until}
        if self._path is not None:
            written = self._path.with_suffix(".new")
            descriptor = os.open(written, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump(self._until, file)
            written.replace(self._path)
