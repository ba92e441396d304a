"""The text of a page of the Web."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from tools.apart.process import Apart
from tools.around import Around, Outcome
from tools.router import Tool, ToolError, tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tools.web.guarded import Fetched, Fetcher

AN_HOUR = 10  # pages an owner may have read
AT_ONCE = 4  # of all owners
WAIT_S = 5.0
MAX_OWNERS = 10_000
MAX_TEXT = 19_000  # bytes of UTF-8 that the model reads
HTML = ("text/html", "application/xhtml+xml")


class Allowance:
    """So many an hour for each owner; counted in this process, for the newest owners."""

    def __init__(self, most: int = AN_HOUR, now: Callable[[], float] = monotonic) -> None:
        self._most = most
        self._now = now
        self._taken: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, owner: str) -> None:
        """Raises ToolError when there is none left."""
        taken = self._taken.setdefault(owner, deque())
        self._taken.move_to_end(owner)
        while len(self._taken) > MAX_OWNERS:
            self._taken.popitem(last=False)
        now = self._now()
        while taken and taken[0] <= now - 3_600:
            taken.popleft()
        if len(taken) >= self._most:
            minutes = int((taken[0] + 3_600 - now) // 60) + 1
            raise ToolError(
                f"{self._most} pages an hour are the most; the next one in {minutes} minutes."
            )
        taken.append(now)


def read_page_tool(
    apart: Apart, fetcher: "Fetcher | None" = None, allowance: Allowance | None = None
) -> Tool:
    """`fetcher` reaches the public Web alone where none is given."""
    allowed = allowance or Allowance()
    places = asyncio.Semaphore(AT_ONCE)

    @tool(reaches_out=True, timeout_s=40)
    async def read_page(url: str, around: Around) -> Outcome:
        """The text of a public web page, text file or PDF, by its full URL (https://…)."""
        # The machinery of HTTP takes a tenth of a second to load: on first use.
        from tools.web.addresses import place_of
        from tools.web.guarded import Fetcher as Guarded

        place_of(url.strip())  # what is refused unseen costs nobody a page of their hour
        allowed.take(around.owner)
        async with _one_of(places):
            found = await (fetcher or Guarded()).fetch(url.strip())
            return Outcome(await _told(apart, found), untrusted=True)

    return read_page


@asynccontextmanager
async def _one_of(places: asyncio.Semaphore) -> "AsyncIterator[None]":
    try:
        await asyncio.wait_for(places.acquire(), WAIT_S)
    except TimeoutError:
        raise ToolError("Many pages are being read just now; try again in a minute.") from None
    try:
        yield
    finally:
        places.release()


async def _told(apart: Apart, found: "Fetched") -> str:
    asked: dict[str, Any] = {"charset": found.charset, "url": str(found.place)}
    if found.mime == "application/pdf":
        if found.cut:
            raise ToolError("The PDF is larger than 2 MB.")
        told, _ = await apart.ask("page_text", {**asked, "kind": "pdf"}, found.data)
    elif found.mime in HTML:
        told, _ = await apart.ask("page_text", {**asked, "kind": "html"}, found.data)
    else:
        told = {"title": "", "text": _decoded(found.data, found.charset), "links": []}
    head = "\n".join(line for line in (told["title"], str(found.place)) if line)
    text = told["text"].strip()
    kept = text.encode("utf-8", "replace")[:MAX_TEXT].decode("utf-8", "ignore")
    if not kept:
        raise ToolError("The page holds no text; it may need a browser that runs its scripts.")
    more = len(text) > len(kept) or found.cut
    note = "\n[Cut here: the page is longer.]" if more else ""
    return f"{head}\n\n{kept}{note}{_links(told['links'], MAX_TEXT - len(kept.encode()))}"


def _links(links: list[list[str]], room: int) -> str:
    lines: list[str] = []
    for words, address in links:
        line = f"- {words}: {address}"
        room -= len(line.encode("utf-8", "replace")) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n\nLinks:\n" + "\n".join(lines) if lines else ""


def _decoded(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset or "utf-8", "replace")
    except LookupError:
        return data.decode("utf-8", "replace")
