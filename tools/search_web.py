"""Searching the Web through a SearXNG instance that the operator runs or trusts."""

from typing import Any

from tools.around import Outcome
from tools.router import Tool, ToolError, tool

MAX_RESULTS = 8
MAX_SNIPPET = 400


def search_web_tool(searxng_url: str) -> Tool:
    """`searxng_url` is the instance's base URL; it may be a local one."""

    @tool(reaches_out=True)
    async def search_web(query: str) -> Outcome:
        """Search the Web: titles, URLs and a few words of the best pages. Read one by read_page."""
        from tools.web.service import ask_json

        words = " ".join(query.split())
        if not 0 < len(words) <= 400:
            raise ToolError("Search by 1 to 400 characters.")
        params = {"q": words, "format": "json"}
        status, body = await ask_json("The search", f"{searxng_url.rstrip('/')}/search", params)
        if status == 403:
            raise ToolError("The search gives no JSON: its operator must allow that format.")
        if status == 429:
            raise ToolError("The search was asked too often; try again in a minute.")
        if status != 200 or not isinstance(body, dict):
            raise ToolError(f"The search failed with status {status}.")
        return Outcome(_told(words, body), untrusted=True)

    return search_web


def _told(words: str, body: dict[str, Any]) -> str:
    rows = [row for row in _list(body.get("results")) if isinstance(row, dict) and row.get("url")]
    lines = [f"Answer: {answer}" for answer in map(_answer, _list(body.get("answers"))) if answer]
    for number, row in enumerate(rows[:MAX_RESULTS], 1):
        date = str(row.get("publishedDate") or "")[:10]
        lines.append(f"{number}. {_line(row.get('title'), 200)}{f' ({date})' if date else ''}")
        lines += [part for part in (str(row["url"])[:500], _line(row.get("content"))) if part]
    if not lines:
        deaf = len(_list(body.get("unresponsive_engines")))
        why = f" ({deaf} engines did not answer)" if deaf else ""
        raise ToolError(f"Nothing was found for {words!r}{why}; search by other words.")
    return "\n".join(lines)


def _answer(given: Any) -> str:
    """Instances of before 2025 give strings, later ones objects."""
    return _line(given.get("answer") if isinstance(given, dict) else given)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _line(value: Any, most: int = MAX_SNIPPET) -> str:
    return " ".join(str(value or "").split())[:most]
