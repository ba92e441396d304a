"""Charts, drawn and looked at."""

import io
from typing import Any

import PIL.Image
import pytest

from memory.media import MediaStore
from messages import ToolResult
from tests.tools.calling import call
from tests.tools.conftest import OWNER, Surroundings
from tools.apart.process import Apart
from tools.chart import chart_tool

MONTHS = ["May", "June", "July"]
RAIN = {"Oslo": [53, 70, 81.5], "Bergen": [106, 132, 148]}


async def drawn(surroundings: Surroundings, **arguments: Any) -> ToolResult:
    return await call(chart_tool(Apart()), surroundings.around(), **arguments)


@pytest.mark.parametrize(
    ("kind", "series"), [("bar", RAIN), ("line", RAIN), ("pie", {"Oslo": RAIN["Oslo"]})]
)
async def test_numbers_become_a_picture_in_the_chat(
    surroundings: Surroundings, media: MediaStore, kind: str, series: dict[str, Any]
) -> None:
    result = await drawn(surroundings, kind=kind, title="Rain", labels=MONTHS, series=series)
    assert result.ok, result.text
    assert result.text == f"The {kind} chart of {', '.join(series)} is shown to the user."
    [shown] = result.pictures
    assert (shown.mime, shown.name) == ("image/png", "Rain")
    _, path = await media.path(OWNER, shown.sha256)
    picture = PIL.Image.open(io.BytesIO(path.read_bytes())).convert("RGB")
    assert picture.size == (1200, 675)
    colours = {colour: count for count, colour in picture.getcolors(1 << 24) or []}
    assert max(colours, key=lambda colour: colours[colour]) == (255, 255, 255)
    assert (
        colours[0x00, 0x72, 0xB2] > 1_000
    )  # the first of colours that the colour-blind tell apart


async def test_years_may_be_labels_and_dollars_are_no_formulas(surroundings: Surroundings) -> None:
    result = await drawn(
        surroundings,
        kind="line",
        title="$a_b$ \\frac{ and “温度” \ud83d",
        labels=[2024, 2025, 2026.5],
        series={"$x^": [1, 2, 3]},
    )
    assert result.ok, result.text


async def test_many_long_labels_are_drawn_within_bounds(surroundings: Surroundings) -> None:
    labels = [f"A rather long name of number {n}" for n in range(500)]
    series = {f"Series {n}": [float(i * n) for i in range(500)] for n in range(8)}
    result = await drawn(surroundings, kind="bar", title="t" * 900, labels=labels, series=series)
    assert result.ok, result.text
    assert result.pictures[0].size < 3_000_000


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"labels": []}, "needs labels"),
        ({"series": {}}, "at least one series"),
        ({"labels": ["May"]}, "'Oslo' has 3 numbers, but there are 1 labels."),
        ({"series": {"a": [1, 2, float("nan")]}}, "no number that can be drawn"),
        ({"series": {"a": [1, 2, 1e308]}}, "no number that can be drawn"),
        ({"kind": "pie"}, "one series"),
        ({"kind": "pie", "series": {"a": [0, 0, 0]}}, "larger than 0"),
        ({"kind": "pie", "series": {"a": [1, -1, 5]}}, "0 and more"),
        ({"kind": "map"}, "kind: Input should be 'line', 'bar' or 'pie'"),
        ({"series": {f"s{n}": [1, 2, 3] for n in range(9)}}, "are the most"),
    ],
)
async def test_what_cannot_be_drawn_is_told(
    surroundings: Surroundings, changed: dict[str, Any], words: str
) -> None:
    asked = {"kind": "bar", "title": "Rain", "labels": MONTHS, "series": RAIN, **changed}
    result = await drawn(surroundings, **asked)
    assert not result.ok
    assert words in result.text
