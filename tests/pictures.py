"""Pictures the tests draw."""

import io
import random
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = Path(matplotlib.__file__).parent / "mpl-data" / "fonts" / "ttf"
"""DejaVu, which knows Cyrillic, Greek, Arabic, Armenian and Georgian, too."""


def png(text: str, size: tuple[int, int] = (640, 200), background: str = "white") -> bytes:
    """Dark text on a plain ground, large enough to be read."""
    image = Image.new("RGB", size, background)
    font = ImageFont.load_default(size=44)
    ImageDraw.Draw(image).multiline_text((30, 40), text, fill="black", font=font, spacing=16)
    return encoded(image)


def encoded(image: Image.Image, encoding: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, encoding, **options)
    return out.getvalue()


def written(
    lines: Sequence[str],
    *,
    font: str = "DejaVuSans",
    size: int = 20,
    ink: str = "black",
    ground: str = "white",
    width: int = 1200,
) -> Image.Image:
    """Lines of text, one below the other, on a page that is as high as they need."""
    face = ImageFont.truetype(FONTS / f"{font}.ttf", size)
    step = int(size * 1.6)
    image = Image.new("RGB", (width, step * len(lines) + 2 * size), ground)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((size, size + number * step), line, fill=ink, font=face)
    return image


def photographed(page: Image.Image, lean: float = 0.06, noise: int = 14) -> Image.Image:
    """As a telephone sees it: from the side, on a table, a little dim, unsharp and grainy."""
    width, height = page.size
    table = Image.new("RGB", (width + 300, height + 300), (92, 74, 60))
    inset, sink = int(lean * width), int(lean * height)
    # Where the corners of the page come to lie: upper left, lower left, lower right, upper right.
    corners = [
        (150 + inset, 150),
        (150, 150 + height),
        (150 + width, 150 + height - sink // 2),
        (150 + width - inset // 2, 150 + sink),
    ]
    mask = Image.new("L", page.size, 255)
    how = _perspective(corners, [(0, 0), (0, height), (width, height), (width, 0)])
    seen = page.transform(table.size, Image.Transform.PERSPECTIVE, how, Image.Resampling.BICUBIC)
    where = mask.transform(table.size, Image.Transform.PERSPECTIVE, how)
    table.paste(seen, (0, 0), where)
    shade = Image.linear_gradient("L").resize(table.size).point(lambda level: 205 + level // 6)
    table = Image.composite(table, Image.new("RGB", table.size), shade)
    table = table.filter(ImageFilter.GaussianBlur(0.7))
    return _grainy(table, noise)


def _grainy(image: Image.Image, noise: int) -> Image.Image:
    """The same grain each time."""
    grain = random.Random(7).randbytes(image.width * image.height)
    levels = Image.frombytes("L", image.size, grain).point(
        lambda level: 128 + (level - 128) * noise // 128
    )
    grey = Image.merge("RGB", (levels, levels, levels))
    return Image.blend(image, Image.composite(image, grey, Image.new("L", image.size, 235)), 1.0)


def _perspective(
    seen: Sequence[tuple[float, float]], flat: Sequence[tuple[float, float]]
) -> list[float]:
    """The eight numbers that Pillow wants, from where four corners are seen and where they are."""
    import numpy as np

    rows, values = [], []
    for (x, y), (u, v) in zip(seen, flat, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        values += [u, v]
    solved: list[float] = np.linalg.solve(np.array(rows, float), np.array(values, float)).tolist()
    return solved


def paper(lines: Sequence[str], size: int = 34) -> bytes:
    """A sheet of paper as a scanner sees it: a JPEG of 1190 × 1684 pixels."""
    sheet = Image.new("RGB", (1190, 1684), "#fbfaf6")
    sheet.paste(written(lines, size=size, width=1090, ground="#fbfaf6"), (50, 80))
    return encoded(sheet, "JPEG", quality=80)
