"""A picture made by the provider."""

from typing import Literal

from tools.around import Around, Outcome
from tools.router import ToolError, tool

MAX_PROMPT = 4_000

Shape = Literal["any", "square", "landscape", "portrait"]


@tool(draws=True, timeout_s=240)
async def make_image(prompt: str, around: Around, shape: Shape = "any") -> Outcome:
    """Make a picture from a description of what it shows, and show it to the user.

    Only where the user asks for a picture: each one is paid for. Describe all that matters (subject,
    style, light, colours): who draws sees nothing of the conversation.
    """
    words = prompt.strip()
    if not 0 < len(words) <= MAX_PROMPT:
        raise ToolError(f"Describe the picture in 1 to {MAX_PROMPT:,} characters.")
    media = await around.draw(words, shape)
    return Outcome("The picture is made and shown to the user.", pictures=(media,))
