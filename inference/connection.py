"""Which provider answers, and with whose key: a key never goes to another provider than its own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from inference.provider import Provider

LOCAL_KEY = "not-needed"  # the SDK refuses an empty key; local servers ignore it


@dataclass(frozen=True, slots=True)
class Connection:
    provider: Provider
    key: str


def connect(
    providers: Mapping[str, Provider], base_url: str, api_key: str, keys: Mapping[str, str]
) -> Connection:
    """Choose by the operator's settings; `keys` holds those found under the providers' variables.

    A base URL decides first, then the first provider whose key is there, else the offline engine.
    """
    if base_url:
        provider = _at(providers, base_url)
        return Connection(provider, api_key or keys.get(provider.key_variable, "") or LOCAL_KEY)
    if api_key:
        return Connection(providers["oxlo"], api_key)
    for provider in providers.values():
        if provider.key_variable in keys:
            return Connection(provider, keys[provider.key_variable])
    return Connection(providers["offline"], LOCAL_KEY)


def _at(providers: Mapping[str, Provider], base_url: str) -> Provider:
    for provider in providers.values():
        if same_server(provider.base_url, base_url):
            return replace(provider, base_url=base_url.rstrip("/"))
    return replace(providers["custom"], base_url=base_url.rstrip("/"))


def same_server(one: str, other: str) -> bool:
    """Whether two base URLs mean one server; an empty one means none."""
    return bool(one) and _plain(one) == _plain(other)


def _plain(url: str) -> str:
    return url.rstrip("/").lower().replace("//127.0.0.1", "//localhost")
