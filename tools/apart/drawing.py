"""A small table of numbers as a picture, by matplotlib: light, readable, safe for the colour-blind."""

import io
import logging
from collections.abc import Sequence
from itertools import cycle
from typing import Any

from tools.apart import Cannot

# Okabe and Ito's colours; marks and hatches tell the series apart where colours do not.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#8C6D1F", "#555555")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_HATCHES = ("", "///", "...", "\\\\\\", "xxx", "+++", "---", "ooo")
_INK, _FAINT = "#222222", "#D9D9D9"
# DejaVu comes with matplotlib; the others, where the system has one, write what it cannot.
_FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "PingFang SC",
          "Hiragino Sans", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Noto Sans")  # fmt: skip
_ROOM_DOWN = 60  # labels that can be read one under the other, in the tallest picture
_HATCHED_UP_TO = 400  # bars; of more, each is too thin to show a hatch
_TURNED_FROM = 6  # labels longer than this many characters, on average, make bars lie down


def answer(asked: dict[str, Any], _data: bytes) -> tuple[dict[str, Any], bytes]:
    """`asked`: kind, title, labels, series (name and numbers, in order). Gives a PNG."""
    import matplotlib
    from matplotlib import font_manager
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    known = set(font_manager.get_font_names())
    matplotlib.rcParams.update(
        {
            "font.family": [name for name in _FONTS if name in known] or ["sans-serif"],
            "font.size": 11,
            "text.parse_math": False,  # a $ is a dollar
            "text.color": _INK,
            "axes.labelcolor": _INK,
            "xtick.color": _INK,
            "ytick.color": _INK,
            "axes.edgecolor": "#888888",
            "hatch.linewidth": 0.6,
        }
    )
    kind, labels = asked["kind"], asked["labels"]
    series: list[tuple[str, list[float]]] = [(name, row) for name, row in asked["series"]]
    lying = kind == "bar" and sum(map(len, labels)) > _TURNED_FROM * max(len(labels), 6)
    height = max(4.5, 1 + 0.35 * len(labels) * max(1, len(series) * 0.6)) if lying else 4.5
    figure = Figure(figsize=(8, min(height, 14)), dpi=150, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_title(asked["title"], fontsize=14, fontweight="bold", loc="left", pad=12, wrap=True)
    if kind == "pie":
        _pie(axes, labels, series[0][1])
    elif kind == "bar":
        _bars(axes, labels, series, lying)
    else:
        _lines(axes, labels, series)
    if kind != "pie":
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x" if lying else "y", color=_FAINT, linewidth=0.8)
        axes.set_axisbelow(True)
        if len(series) > 1:
            axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    out = io.BytesIO()
    canvas.print_png(out)  # type: ignore[no-untyped-call]
    return {"width": canvas.get_width_height()[0], "height": canvas.get_width_height()[1]}, (
        out.getvalue()
    )


def _lines(axes: Any, labels: Sequence[str], series: Sequence[tuple[str, list[float]]]) -> None:
    places = range(len(labels))
    for (name, row), colour, mark in zip(series, cycle(_COLOURS), cycle(_MARKS), strict=False):
        dots = mark if len(row) <= 40 else None
        axes.plot(places, row, label=name, color=colour, marker=dots, markersize=5, linewidth=2)
    _ticks(axes, labels)


def _ticks(axes: Any, labels: Sequence[str]) -> None:
    """As many labels as have room; the others are left to be guessed between."""
    step = -(-len(labels) // 16)
    shown = list(range(0, len(labels), step))
    crowded = sum(len(labels[n]) for n in shown) > 70
    turned = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(shown, [labels[n] for n in shown], **turned)


def _bars(
    axes: Any, labels: Sequence[str], series: Sequence[tuple[str, list[float]]], lying: bool
) -> None:
    width, hatched = 0.8 / len(series), len(series) * len(labels) <= _HATCHED_UP_TO
    for number, (name, row) in enumerate(series):
        places = [n - 0.4 + width * (number + 0.5) for n in range(len(labels))]
        look = {
            "label": name,
            "color": _COLOURS[number % len(_COLOURS)],
            "hatch": _HATCHES[number % len(_HATCHES)] if hatched else "",
            "edgecolor": "white",
            "linewidth": 0.5 if hatched else 0,
        }
        drawn = (
            axes.barh(places, row, width, **look) if lying else axes.bar(places, row, width, **look)
        )
        if len(series) == 1 and len(labels) <= 20:
            axes.bar_label(drawn, [f"{value:,.6g}" for value in row], padding=3, fontsize=9)
            axes.margins(**{"x" if lying else "y": 0.12})
    if lying:
        shown = range(0, len(labels), -(-len(labels) // _ROOM_DOWN))
        axes.set_yticks(shown, [labels[n] for n in shown])
        axes.invert_yaxis()
    else:
        _ticks(axes, labels)


def _pie(axes: Any, labels: Sequence[str], row: Sequence[float]) -> None:
    whole = sum(row)
    if whole <= 0 or min(row) < 0:
        raise Cannot("A pie takes numbers of 0 and more, of which one is larger than 0.")
    colours = [colour for colour, _ in zip(cycle(_COLOURS), row, strict=False)]
    wedges, _ = axes.pie(
        row,
        colors=colours,
        startangle=90,
        counterclock=False,
        wedgeprops={"edgecolor": "white", "linewidth": 1.5},
        hatch=[_HATCHES[n // len(_COLOURS) % len(_HATCHES)] for n in range(len(row))],
    )
    told = [
        f"{label}  {value:,.6g} ({value / whole:.1%})"
        for label, value in zip(labels, row, strict=True)
    ]
    axes.legend(wedges, told, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.set_aspect("equal")
