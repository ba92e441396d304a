"""A small table of numbers, drawn."""

import math
from importlib.util import find_spec
from typing import Annotated, Literal

from pydantic import Field

from tools.apart.process import Apart
from tools.around import Around, Outcome
from tools.router import Tool, ToolError, tool

MAX_POINTS = 500
MAX_SERIES = 8
MAX_SLICES = 16
MAX_NAME = 120


def can_draw() -> bool:
    return find_spec("matplotlib") is not None


def chart_tool(apart: Apart) -> Tool:
    @tool
    async def chart(
        kind: Literal["line", "bar", "pie"],
        title: str,
        labels: Annotated[list[str | float], Field(description="one for each number of a series")],
        series: Annotated[
            dict[str, list[float]], Field(description="name of each series and its numbers")
        ],
        around: Around,
    ) -> Outcome:
        """Draw numbers as a line, bar or pie chart, which is shown to the user as a picture.

        Such as kind="bar", title="Rain in mm", labels=["May", "June"], series={"Oslo": [53, 70]}.
        """
        names = [f"{label:.12g}" if isinstance(label, float) else label for label in labels]
        _check(kind, names, series)
        name = " ".join(title.split())[:MAX_NAME]
        asked = {
            "kind": kind,
            "title": name,
            "labels": [label[:MAX_NAME] for label in names],
            "series": [(row_name[:MAX_NAME], row) for row_name, row in series.items()],
        }
        _, png = await apart.ask("drawing", asked, limit_s=18)
        media = await around.keep(png, "image/png", name or "Chart")
        told = f"The {kind} chart of {', '.join(series)} is shown to the user."
        return Outcome(told, pictures=(media,))

    return chart


def _check(kind: str, labels: list[str], series: dict[str, list[float]]) -> None:
    if not labels or not series:
        raise ToolError("A chart needs labels and at least one series.")
    if len(labels) > MAX_POINTS or len(series) > MAX_SERIES:
        raise ToolError(f"{MAX_SERIES} series of {MAX_POINTS} numbers are the most.")
    for name, row in series.items():
        if len(row) != len(labels):
            raise ToolError(f"{name!r} has {len(row)} numbers, but there are {len(labels)} labels.")
        if not all(math.isfinite(number) and abs(number) < 1e100 for number in row):
            raise ToolError(f"{name!r} holds what is no number that can be drawn.")
    if kind == "pie" and (len(series) > 1 or len(labels) > MAX_SLICES):
        raise ToolError(f"A pie takes one series of at most {MAX_SLICES} numbers; draw bars.")
