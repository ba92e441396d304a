"""What the operator decides: the only reader of the environment."""

import os
import re
from collections.abc import Iterable, MutableMapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_data_path

_BY_PROVIDER = "provider:"
SHORTEST_TOKEN, SHORTEST_KEY = 16, 32
_URLS = ("CHROMA_URL", "DATABASE_URL")
"""They may hold a password."""
_SPACES_STORAGE = Path("/data")
"""Where Hugging Face mounts the storage of a Space that has some."""
_SECRETS = ("PARLEY_COOKIE_KEY", "OAUTH_CLIENT_SECRET")


def _setting(variable: str, default: Any, meaning: str, *, shown: str | None = None) -> Any:
    """`shown` stands in the README's table where the default depends on the machine."""
    return field(
        default=default, metadata={"variable": variable, "meaning": meaning, "shown": shown}
    )


class BadSetting(ValueError):
    """An environment variable holds what it cannot mean. The text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    base_url: str = _setting(
        "PARLEY_BASE_URL",
        "",
        "Any OpenAI-compatible API, such as `http://localhost:11434/v1`. "
        "Empty: the provider whose key is set, else the offline engine.",
    )
    api_key: str = _setting(
        "PARLEY_API_KEY",
        "",
        "Key for `PARLEY_BASE_URL`; alone, it is taken for an Oxlo.ai key.",
    )
    plan: str = _setting(
        "PARLEY_PLAN",
        "",
        "Your account's plan at the provider, such as `pro` or `premium` at Oxlo.ai: it decides "
        "which models are offered, how long a request may be, and how many there are.",
        shown="the smallest",
    )
    model: str = _setting("PARLEY_MODEL", "", "Model that answers. Empty: the provider's default.")
    vision_model: str = _setting("PARLEY_VISION_MODEL", "", "Model that answers about images.")
    transcribe_model: str = _setting(
        "PARLEY_TRANSCRIBE_MODEL", "", "Model that turns recordings into text."
    )
    speech_model: str = _setting("PARLEY_SPEECH_MODEL", "", "Model that speaks replies.")
    image_model: str = _setting("PARLEY_IMAGE_MODEL", "", "Model that makes pictures.")
    voice: str = _setting("PARLEY_VOICE", "", "Voice of spoken replies, such as `af_heart`.")
    hearing_base_url: str = _setting(
        "PARLEY_HEARING_BASE_URL", "", "Another API for transcription, such as speaches."
    )
    hearing_api_key: str = _setting("PARLEY_HEARING_API_KEY", "", "Its key.")
    speech_base_url: str = _setting(
        "PARLEY_SPEECH_BASE_URL", "", "Another API for spoken replies, such as Kokoro-FastAPI."
    )
    speech_api_key: str = _setting("PARLEY_SPEECH_API_KEY", "", "Its key.")
    deadline_s: int = _setting(
        "PARLEY_DEADLINE_S",
        0,
        "Seconds a single reply may take in all; what had arrived by then is kept.",
        shown="no limit",
    )
    requests_per_day: int = _setting(
        "PARLEY_REQUESTS_PER_DAY",
        0,
        "Requests a day (UTC) that Parley sends at most to the provider.",
        shown="the plan's",
    )
    requests_per_minute: int = _setting(
        "PARLEY_REQUESTS_PER_MINUTE",
        0,
        "Requests a minute that Parley sends at most to the provider.",
        shown="the plan's",
    )
    reserve: int = _setting(
        "PARLEY_RESERVE",
        0,
        "Requests of a day that visitors without a login cannot use; of the rest, one visitor may "
        "use an eighth, one network three eighths. 0: a third, where strangers come (a share link, a "
        "Space), else none.",
    )
    data_dir: Path | None = _setting(
        "PARLEY_DATA_DIR",
        None,
        "Where conversations, media and memory are kept.",
        shown="the platform's user data directory",
    )
    database_url: str = _setting(
        "DATABASE_URL",
        "",
        "A PostgreSQL database for what is said and spent, such as "
        "`postgresql://parley:…@db.example/parley`; files and indexes stay where data are kept. "
        "Empty: SQLite there.",
    )
    shared_dir: Path | None = _setting(
        "PARLEY_SHARED_DIR",
        None,
        "Where several Parleys with one `DATABASE_URL` keep pictures, recordings and ended logins: a "
        "folder that all of them see.",
        shown="where data are kept",
    )
    chroma_url: str = _setting(
        "CHROMA_URL",
        "",
        "A Chroma server that keeps memory's vectors, such as `http://localhost:8000` for "
        "`chroma run`. It has no login of its own: keep it in a private network. Empty: Chroma "
        "beside Parley, in a process of its own.",
    )
    embedding: str = _setting(
        "PARLEY_EMBEDDING",
        "local",
        "What tells the meaning of memories: `local` (no request); `minilm` (none either; finds "
        "a little more; needs Chroma's all-MiniLM-L6-v2 in `~/.cache/chroma`, nothing is "
        "downloaded); or `provider:` and a model of the provider's, such as `provider:bge-large` "
        "(across languages; 1 request a remembered turn, 1 a recall, and when it is first chosen "
        "1 for every 64 memories, within half of each day's requests).",
    )
    searxng_url: str = _setting(
        "PARLEY_SEARXNG_URL",
        "",
        "A SearXNG instance that searches the Web for the model, such as `http://localhost:8888`; "
        "its `search.formats` must list `json`. Empty: no web search.",
    )
    mcp_file: Path | None = _setting(
        "PARLEY_MCP_FILE",
        None,
        "The MCP servers whose tools are used, in the usual `mcpServers` form.",
        shown="`mcp.json` where data are kept",
    )
    mcp: bool = _setting(
        "PARLEY_MCP",
        False,
        "`1` makes Parley an MCP server at `/mcp`: ask, search memory, read conversations. Whoever "
        "has its token is an owner of their own, apart from all visitors of the page.",
    )
    mcp_token: str = _setting(
        "PARLEY_MCP_TOKEN",
        "",
        "The token (`Authorization: Bearer …`) that opens `/mcp`, of 16 characters at least.",
        shown="made at random and kept in `mcp.token` where data are kept",
    )
    mcp_hosts: str = _setting(
        "PARLEY_MCP_HOSTS",
        "",
        "Names by which `/mcp` is reached from other machines, such as `chat.example.org`, "
        "separated by commas; by others it is refused.",
    )
    metrics_token: str = _setting(
        "PARLEY_METRICS_TOKEN",
        "",
        "Opens `/metrics` for Prometheus to whoever brings it (`Authorization: Bearer …`). Empty: no "
        "such page.",
    )
    logs: str = _setting(
        "PARLEY_LOGS",
        "text",
        "What is written to standard error: `text` for people, or `json`, an object a line for "
        "machines. Either way nothing of what anybody said, and no key.",
    )
    host: str = _setting(
        "PARLEY_HOST",
        "",
        "Address to listen on.",
        shown="`127.0.0.1`; `0.0.0.0` on a Hugging Face Space",
    )
    port: int = _setting("PARLEY_PORT", 7860, "Port to listen on.")
    share: bool = _setting(
        "PARLEY_SHARE", False, "`1` opens a public Gradio link to this Parley while it runs."
    )
    users_file: Path | None = _setting(
        "PARLEY_USERS",
        None,
        "A file of `name:bcrypt` lines, as `python app.py --add-user NAME` and `htpasswd -B` write "
        "them: whoever is in it may log in, and nobody else sees anything. Changes hold at once.",
        shown="no login; on a share link a password that is shown on the terminal",
    )
    operator: str = _setting(
        "PARLEY_OPERATOR",
        "",
        "The user who may look after MCP servers.",
        shown="the first in `PARLEY_USERS`; without it, who sits at this machine",
    )
    open: bool = _setting(
        "PARLEY_OPEN", False, "`1` lets everybody who has the share link in, without a password."
    )
    hosts: str = _setting(
        "PARLEY_HOSTS",
        "",
        "Names by which the page is reached from other machines, such as `chat.example.org`, "
        "separated by commas; by others it is refused. Then only a login tells who the operator is.",
    )
    proxies: str = _setting(
        "PARLEY_PROXIES",
        "",
        "Addresses or networks of the reverse proxies before Parley, such as `10.0.0.0/8`, separated "
        "by commas: of nobody else `X-Forwarded-*` is believed.",
        shown="none; `10.0.0.0/8` on a Hugging Face Space",
    )
    cookie_key: str = _setting(
        "PARLEY_COOKIE_KEY",
        "",
        "What signs visitors' cookies, of 32 characters at least; the same for all replicas.",
        shown="made at random and kept in `cookie.key` where data are kept",
    )
    space: str = _setting("SPACE_ID", "", "Set by Hugging Face on a Space; never set it yourself.")
    space_host: str = _setting("SPACE_HOST", "", "So is this.")
    oauth_id: str = _setting(
        "OAUTH_CLIENT_ID", "", "So is this, where the Space's README says `hf_oauth: true`."
    )
    oauth_secret: str = _setting("OAUTH_CLIENT_SECRET", "", "So is this.")
    oauth_provider: str = _setting("OPENID_PROVIDER_URL", "https://huggingface.co", "So is this.")

    @property
    def data_path(self) -> Path:
        if self.data_dir is None and self.space and os.access(_SPACES_STORAGE, os.W_OK):
            return _SPACES_STORAGE / "parley"
        return self.data_dir or user_data_path("parley", appauthor=False)

    @property
    def shared_path(self) -> Path:
        return self.shared_dir or self.data_path

    @property
    def forgets(self) -> bool:
        """Whether this is a Space without storage: what it keeps is gone when it starts again."""
        return bool(self.space) and not (
            self.database_url or self.data_path.is_relative_to(_SPACES_STORAGE)
        )

    @property
    def mcp_path(self) -> Path:
        return self.mcp_file or self.data_path / "mcp.json"

    @property
    def mcp_names(self) -> list[str]:
        return [name.strip() for name in self.mcp_hosts.split(",") if name.strip()]

    @property
    def embedding_model(self) -> str:
        """The provider's model that embeds, empty where memory is embedded here."""
        return self.embedding.partition(_BY_PROVIDER)[2].strip()

    @property
    def host_names(self) -> list[str]:
        return [name.strip() for name in self.hosts.split(",") if name.strip()]

    @property
    def is_public(self) -> bool:
        """Whether strangers come: by a link or on a Space."""
        return self.share or bool(self.space)

    @property
    def address(self) -> str:
        return self.host or ("0.0.0.0" if self.space else "127.0.0.1")  # noqa: S104 a Space is reached from outside its container


def read(
    environ: MutableMapping[str, str], key_variables: Iterable[str]
) -> tuple[Settings, dict[str, str]]:
    """The settings, and the keys found under the providers' own variables, in the order given.

    Keys are removed from `environ`: no child process, traceback or page can show them afterwards.
    Raises BadSetting.
    """
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        text = environ.get(setting.metadata["variable"], "").strip()
        if text:
            values[setting.name] = _parsed(setting, text)
    keys = {name: environ.get(name, "").strip() for name in key_variables}
    own = ("PARLEY_API_KEY", "PARLEY_HEARING_API_KEY", "PARLEY_SPEECH_API_KEY")
    for name in (*keys, *own, "PARLEY_MCP_TOKEN", "PARLEY_METRICS_TOKEN", *_URLS, *_SECRETS):
        environ.pop(name, None)
    return Settings(**values), {name: key for name, key in keys.items() if key}


def _parsed(setting: Field[Any], text: str) -> Any:
    variable = setting.metadata["variable"]
    if setting.name in {"data_dir", "shared_dir", "mcp_file", "users_file"}:
        return Path(text).expanduser().resolve()
    if setting.name == "chroma_url" and not _is_address(text):
        raise BadSetting(f"{variable} takes an address such as http://localhost:8000.")
    if setting.name == "database_url" and not text.startswith(("postgres://", "postgresql")):
        raise BadSetting(
            f"{variable} takes an address such as postgresql://parley@localhost/parley."
        )
    if setting.name == "embedding" and not re.fullmatch(rf"local|minilm|{_BY_PROVIDER}.*\S", text):
        raise BadSetting(f"{variable} is {text!r}; it takes local, minilm or provider:MODEL.")
    if setting.name == "logs" and text not in ("text", "json"):
        raise BadSetting(f"{variable} is {text!r}; it takes text or json.")
    if setting.name == "cookie_key" and len(text) < SHORTEST_KEY:
        raise BadSetting(f"{variable} is shorter than {SHORTEST_KEY} characters.")
    if setting.name in {"mcp_token", "metrics_token"} and len(text) < SHORTEST_TOKEN:
        raise BadSetting(f"{variable} is shorter than {SHORTEST_TOKEN} characters.")
    if isinstance(setting.default, bool):
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off"}:
            return False
        raise BadSetting(f"{variable} is {text!r}; it takes 1 or 0.")
    if isinstance(setting.default, int):
        most, what = (65_535, "port number") if setting.name == "port" else (10**9, "number")
        if not (text.isascii() and text.isdecimal()) or int(text) > most:
            raise BadSetting(f"{variable} is {text!r}; it takes a {what}, 0 to {most}.")
        return int(text)
    return text


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(
            parts.scheme in {"http", "https"}
            and parts.hostname
            and (parts.port is None or parts.port > 0)
            and not parts.query
            and not parts.fragment
        )
    except ValueError:
        return False


def table() -> str:
    """The README's table of settings, in Markdown."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for setting in fields(Settings):
        shown = setting.metadata["shown"]
        if shown is None:
            value = setting.default
            shown = f"`{int(value) if isinstance(value, bool) else value}`" if value != "" else ""
        rows.append(
            f"| `{setting.metadata['variable']}` | {shown} | {setting.metadata['meaning']} |"
        )
    return "\n".join(rows)
