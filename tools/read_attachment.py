"""The text of an attached document, by pages."""

from tools.around import Around, Outcome
from tools.router import ToolError, tool

MOST_PAGES = 20
MAX_CHARS = 19_000


@tool
async def read_attachment(
    around: Around, name: str = "", first_page: int = 1, last_page: int | None = None
) -> Outcome:
    """The text of a document that the user attached, some pages at a time.

    Leave `name` empty where there is only one. Pages count from 1.
    """
    last = last_page if last_page is not None else first_page + MOST_PAGES - 1
    if first_page < 1 or last < first_page:
        raise ToolError("Pages count from 1, and the last is not before the first.")
    pages = await around.pages(name, first_page, min(last, first_page + MOST_PAGES - 1))
    if not pages:
        raise ToolError("There is no such page.")
    told: list[str] = []
    room = MAX_CHARS
    for page in pages:
        text = f"[Page {page.number} of {page.pages}]\n{page.text.strip()}"
        if told and len(text) > room:
            break
        told.append(text[: max(room, 0)])
        room -= len(text)
    shown = pages[len(told) - 1]
    more = ""
    if room < 0:
        more = f"\n[Page {shown.number} is longer and is cut here.]"
    if shown.number < pages[0].pages:
        more += f"\n[Go on with first_page={shown.number + 1}.]"
    return Outcome(f"{pages[0].document}\n\n" + "\n\n".join(told) + more, untrusted=True)
