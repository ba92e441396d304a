"""The README's table of providers, made from their files."""

from collections.abc import Mapping

from inference.provider import Provider

BILLING = {"request": "by request", "token": "by token", "free": "free"}


def table(providers: Mapping[str, Provider]) -> str:
    """A Markdown row a provider; the offline engine and `custom` are no choice of their own."""
    rows = ["| provider | key | base URL | billing |", "| --- | --- | --- | --- |"]
    for provider in providers.values():
        if provider.name in {"offline", "custom"}:
            continue
        key = f"`{provider.key_variable}`" if provider.key_variable else "none"
        rows.append(
            f"| {provider.label} | {key} | `{provider.base_url}` | {BILLING[provider.billing]} |"
        )
    return "\n".join(rows)
