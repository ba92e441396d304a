"""A Chroma server (`chroma run`): asked with time limits, left in peace for a while when silent."""

import base64
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Sequence
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

HEARTBEAT_S = 3.0
ANSWER_S = 10.0
PAUSE_S = 3.0
"""After a failure it is not asked for so long, so that turns do not wait for it one by one."""


class ServerSilent(Exception):
    """The server did not answer, or not as Chroma does."""


class ChromaServer:
    """A `Place` at `url`: http:// or https://, with a port, path, user and password if need be.

    Raises ValueError where `url` is none.
    """

    written = 500

    def __init__(self, url: str, answer_s: float = ANSWER_S, pause_s: float = PAUSE_S) -> None:
        parts = urlsplit(url.strip().rstrip("/"))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("A Chroma server's address begins with http:// or https://.")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self.address = f"{parts.scheme}://{host}:{self._port}{parts.path}"
        """Without user and password."""
        self._headers = _authorization(parts.username, parts.password)
        self._answer_s, self._pause_s = answer_s, pause_s
        self._chroma: Any = None
        self._silent_until = 0.0
        self._why = ""

    def open(self) -> Any:
        if self._chroma is None:
            if time.monotonic() < self._silent_until:
                raise ServerSilent(self._why)
            self._hear_heartbeat()
            import chromadb
            from chromadb.config import Settings

            self._chroma = chromadb.HttpClient(
                host=self.address,
                port=self._port,
                ssl=self._secure,
                headers=dict(self._headers),
                settings=Settings(anonymized_telemetry=False),
            )
            # Chroma's client would wait for ever.
            self._chroma._server._session.timeout = self._answer_s
        return self._chroma

    def close(self) -> None:
        chroma, self._chroma = self._chroma, None
        if chroma is not None:
            chroma.close()

    def verdict(self, error: BaseException) -> Literal["lost", "trouble", "bug"]:
        from chromadb.errors import ChromaError, InvalidArgumentError, NotFoundError

        if isinstance(error, NotFoundError):
            return "lost"
        known = isinstance(error, ServerSilent | ChromaError | OSError | ValueError)
        # What its client raises of httpx, and where an answer is none of Chroma's.
        if not known and not _of_the_line(error):
            return "bug"
        if not isinstance(error, InvalidArgumentError | ServerSilent):
            self._rest(f"{type(error).__name__}: {error}")
        return "trouble"

    def words(self, error: BaseException) -> str:
        said = str(error) if isinstance(error, ServerSilent) else f"{type(error).__name__}: {error}"
        return f"The Chroma server at {self.address} cannot be used: {said[:300]}"

    def sweep(self) -> None:
        """A server looks after its own files."""

    def forget(self, ids: Sequence[str], vectors: Collection[bytes]) -> None:
        """And after what is left in them."""

    def compact(self) -> None:
        """So it does here."""

    def tidy(self) -> None:
        """And here."""

    def _rest(self, why: str) -> None:
        self.close()
        self._why, self._silent_until = why[:300], time.monotonic() + self._pause_s

    def _hear_heartbeat(self) -> None:
        """Raises ServerSilent, soon: Chroma's own client opens without a time limit."""
        asked = urllib.request.Request(  # noqa: S310 the scheme was checked
            f"{self.address}/api/v2/heartbeat", headers=self._headers
        )
        try:
            with urllib.request.urlopen(asked, timeout=HEARTBEAT_S) as answer:  # noqa: S310
                if b"heartbeat" in answer.read(1_000):
                    return
            why = "what answers there is no Chroma server"
        except urllib.error.HTTPError as error:
            why = f"it answers {error.code} {error.reason}"
        except urllib.error.URLError as error:
            why = str(error.reason)
        except OSError as error:
            why = str(error) or type(error).__name__
        self._rest(why)
        raise ServerSilent(why)


def _authorization(user: str | None, password: str | None) -> dict[str, str]:
    if not user:
        return {}
    both = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}


def _of_the_line(error: BaseException) -> bool:
    return type(error) is Exception or type(error).__module__.split(".")[0] == "httpx"
