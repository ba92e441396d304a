"""Pages of a PDF that hold no text, as pictures, by pdfium."""

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw
from PIL import Image, ImageChops

from document_reader.limits import LONGEST_SIDE, MAX_SCANS, MAX_SCANS_CPU_S, STRAY_CHARS

_INK = 24
"""Levels of grey between the darkest and the lightest of a page that is not empty."""
_COLOURED = 24
_QUALITY = 75


@dataclass(frozen=True, slots=True)
class Scan:
    """A JPEG of the page of that number, counted from 1."""

    page: int
    data: bytes
    width: int
    height: int


def scans(data: bytes, texts: Sequence[str]) -> list[Scan]:
    """Pages without `texts`, the first MAX_SCANS of them; empty ones are left out, and so are those
    that cannot be drawn, or that come after too much time was spent.
    """
    wanted = [number for number, text in enumerate(texts) if len(text.strip()) <= STRAY_CHARS]
    if not wanted:
        return []
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        return []  # pypdf is more forgiving; the text that it found stays
    try:
        found: list[Scan] = []
        for scan in _drawn(document, wanted, texts):
            found.append(scan)
            if len(found) == MAX_SCANS:
                break
        return found
    finally:
        document.close()


def _drawn(
    document: pypdfium2.PdfDocument, numbers: Sequence[int], texts: Sequence[str]
) -> Iterator[Scan]:
    started = time.process_time()
    for number in numbers:
        if time.process_time() - started > MAX_SCANS_CPU_S:
            return
        if number >= len(document):
            return
        try:
            page = document[number]
            if texts[number].strip() and not _is_covered(page):
                continue
            scale = LONGEST_SIDE / max(1.0, *page.get_size())
            shown = page.render(scale=scale).to_pil()
            page.close()
        except pypdfium2.PdfiumError:
            continue
        if (scan := _encoded(shown.convert("RGB"), number + 1)) is not None:
            yield scan


def _is_covered(page: pypdfium2.PdfPage) -> bool:
    """Whether a picture takes most of it: the few words on it are a stamp, or a scanner's name."""
    width, height = page.get_size()
    for image in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = image.get_bounds()
        if (right - left) * (top - bottom) > 0.5 * width * height:
            return True
    return False


def _encoded(shown: Image.Image, page: int) -> Scan | None:
    """None where nothing is on the page."""
    grey = shown.convert("L")
    darkest, lightest = grey.getextrema()
    assert isinstance(darkest, int)
    assert isinstance(lightest, int)
    if lightest - darkest < _INK:
        return None
    out = io.BytesIO()
    (shown if _is_coloured(shown) else grey).save(out, "JPEG", quality=_QUALITY)
    return Scan(page, out.getvalue(), *shown.size)


def _is_coloured(shown: Image.Image) -> bool:
    red, green, blue = shown.resize((200, 200)).split()
    apart = (ImageChops.difference(red, green), ImageChops.difference(green, blue))
    return any(sum(band.histogram()[_COLOURED:]) > 200 for band in apart)
