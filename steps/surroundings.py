"""What the tools of a turn may touch: each door opens to its owner's things alone."""

from collections.abc import Sequence

from messages import Media, Memory
from steps.course import Course
from tools.around import Around, Page
from tools.router import ToolError


def around(course: Course) -> Around:
    owner, layers = course.turn.owner, course.layers

    async def search(words: str) -> Sequence[Memory]:
        return await layers.recall.recall(owner, words, besides=None, limit=8)

    async def remember(_fact: str) -> Memory:
        raise ToolError("Nothing can be remembered here.")

    async def forget(_which: str) -> Sequence[Memory]:
        raise ToolError("Nothing can be forgotten here.")

    async def pages(_name: str, _first: int, _last: int) -> Sequence[Page]:
        raise ToolError("No document is attached.")

    async def draw(_prompt: str) -> Media:
        raise ToolError("No pictures can be made here.")

    async def keep(data: bytes, mime: str, name: str) -> Media:
        return await layers.media.put(owner, data, mime, name)

    return Around(search, remember, forget, pages, draw, keep, owner)
