"""A picture made by the provider."""

from tools.around import Around, Outcome
from tools.router import ToolError, tool

MAX_PROMPT = 4_000


@tool(draws=True, timeout_s=120)
async def make_image(prompt: str, around: Around) -> Outcome:
    """Make a picture from a description of what it shows, and show it to the user."""
    words = prompt.strip()
    if not 0 < len(words) <= MAX_PROMPT:
        raise ToolError(f"Describe the picture in 1 to {MAX_PROMPT:,} characters.")
    media = await around.draw(words)
    return Outcome("The picture is made and shown to the user.", pictures=(media,))
