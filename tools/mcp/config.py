"""mcp.json: the servers whose tools are used, in the form that all MCP clients read.

    {"mcpServers": {
        "time":  {"command": "uvx", "args": ["mcp-server-time"], "env": {"TZ": "UTC"}},
        "notes": {"url": "https://notes.example/mcp", "headers": {"Authorization": "Bearer ${NOTES}"}}
    }}

Besides: `cwd`, `disabled`, and `timeout_s`, the seconds a call may take. `${NAME}` and
`${NAME:-else}` stand for variables of Parley's own environment.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

CALL_S = 20.0
LONGEST_CALL_S = 600.0
MOST_SERVERS = 50
MAX_FILE = 1_000_000

# What a server's process inherits; all else, keys above all, it gets only where mcp.json says so.
INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "TZ", "TMPDIR"),
    *(
        "LC_ALL",
        "LC_CTYPE",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR",
    ),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
    *("APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATHEXT", "PROCESSOR_ARCHITECTURE"),
    *("PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE"),
)

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_KEY = re.compile(r"\b(?:sk|hf|gsk|ghp|github_pat|xox[abp]|AIza)[-_A-Za-z0-9]{8,}|(?<=Bearer )\S+")
_SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True)
class Server:
    """One entry: a `command` to start, or else a `url` to ask. `problem` says why it cannot be used.

    `secrets` are the values that must not be seen in anything that is shown or logged.
    """

    name: str
    command: str = ""
    args: tuple[str, ...] = field(default=(), repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = CALL_S
    problem: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def fingerprint(self) -> str:
        """What makes it this server and no other: another one is got to know anew."""
        what = json.dumps([self.command, list(self.args), self.cwd, self.url])
        return hashlib.sha256(what.encode()).hexdigest()

    def without_secrets(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "[secret]")
        return _KEY.sub("[secret]", text)


class _Entry(BaseModel):
    """As it is written. What other clients add is left alone."""

    model_config = ConfigDict(strict=True)

    command: str = ""
    args: list[str] = []
    env: dict[str, str] = {}
    cwd: str | None = None
    url: str = ""
    headers: dict[str, str] = {}
    type: str = ""
    disabled: bool = False
    timeout_s: Annotated[float, Field(gt=0, le=LONGEST_CALL_S, strict=False)] = CALL_S


class _File(BaseModel):
    servers: dict[str, Any] = Field({}, alias="mcpServers")


_entry = TypeAdapter(_Entry)


def read_servers(path: Path, environ: Mapping[str, str]) -> list[Server]:
    """The servers of a file; none where there is no file. What is wrong is said in a `problem`."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE + 1)
        if len(text) > MAX_FILE:
            return [Server(path.name, problem="The file is larger than 1 MB.")]
        found = _File.model_validate_json(text).servers
    except FileNotFoundError:
        return []
    except OSError as error:
        return [Server(path.name, problem=f"The file cannot be read: {error.strerror}.")]
    except ValidationError:
        return [Server(path.name, problem='The file is not JSON of the form {"mcpServers": {…}}.')]
    servers = (_server(name, written, environ) for name, written in found.items())
    return [server for server in servers if server][:MOST_SERVERS]


def _server(name: str, written: Any, environ: Mapping[str, str]) -> Server | None:
    """None for one that is switched off."""
    try:
        entry = _entry.validate_python(written)
    except ValidationError as error:
        # Not what it holds: that may be a secret in the wrong place.
        where = ".".join(str(step) for step in error.errors()[0]["loc"]) or "entry"
        return Server(name, problem=f"Its {where} in mcp.json is not what it should be.")
    if entry.disabled:
        return None
    missing: list[str] = []

    def told(text: str) -> str:
        def value(found: re.Match[str]) -> str:
            if found[1] not in environ and found[2] is None:
                missing.append(found[1])
            return environ.get(found[1], found[2] or "")

        return _VARIABLE.sub(value, text)

    url = told(entry.url)
    env = {key: told(value) for key, value in entry.env.items()}
    headers = {key: told(value) for key, value in entry.headers.items()}
    held = [
        value for text in (entry.command, *entry.args, entry.url) for value in _held(text, environ)
    ]
    return Server(
        name=name,
        command=told(entry.command),
        args=tuple(map(told, entry.args)),
        env={**{key: environ[key] for key in INHERITED if key in environ}, **env},
        cwd=told(entry.cwd) if entry.cwd else None,
        url=url,
        headers=headers,
        timeout_s=entry.timeout_s,
        problem=_problem(entry, url, missing),
        secrets=_secrets([*env.values(), *headers.values(), *_in_url(url), *held]),
    )


def _problem(entry: _Entry, url: str, missing: list[str]) -> str:
    if bool(entry.command) == bool(entry.url):
        return "It needs either a command or a url."
    if entry.type and entry.type not in ("stdio", "http", "streamable-http", "streamableHttp"):
        return f"Servers of type {entry.type[:20]!r} are not spoken with: stdio and http are."
    if missing:
        return f"{', '.join(sorted(set(missing)))} is not set in Parley's environment."
    if entry.url and not _is_address(url):
        return "Its url is not an http or https address."
    return ""


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _held(text: str, environ: Mapping[str, str]) -> list[str]:
    """What the environment brought into it."""
    return [environ.get(found[1], "") for found in _VARIABLE.finditer(text)]


def _in_url(url: str) -> list[str]:
    """Credentials that a URL may hold."""
    try:
        parts = urlsplit(url)
        return [parts.password or "", *(value for _, value in parse_qsl(parts.query))]
    except ValueError:
        return [url]


def _secrets(values: Iterable[str]) -> tuple[str, ...]:
    """The longest first, so that none is left in half."""
    words = {word for value in values for word in (value, value.rpartition(" ")[2])}
    return tuple(sorted((w for w in words if len(w) >= _SHORTEST_SECRET), key=len, reverse=True))
