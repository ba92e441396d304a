"""Which kind of document it is, by its content alone, and its pages within the limits."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from document_reader.limits import MAX_CHARS, MAX_PAGES, Refused
from document_reader.plain import cut, decoded

if TYPE_CHECKING:
    from document_reader.scans import Scan

_PDF = re.compile(rb"(?:\xef\xbb\xbf)?\s*%PDF-")
_SVG = re.compile(
    r"\s*(?:<\?xml[^>]{0,500}\?>\s*)?(?:<!--(?:(?!-->).){0,2000}-->\s*)*"
    r"(?:<!DOCTYPE svg[^>]{0,500}>\s*)?<svg[\s>]",
    re.DOTALL,
)
_NOISE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0e-\x1f\x7f]")
_BLANK_LINES = re.compile(r"\n{4,}")
_UNREAD = (
    (
        re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        "This Office file has a password, or is of a kind from before 2007.",
        "Save it as .docx, .xlsx, .pptx or PDF, without a password.",
    ),
    (re.compile(rb"\{\\rtf"), "RTF files cannot be read.", "Save it as .docx or PDF."),
)


def read(data: bytes) -> tuple[str, list[str], "list[Scan]"]:
    """The mime of `data` and its text by pages, empty where there are only pictures; and these, of a
    PDF. Raises Refused.
    """
    for kind, message, advice in _UNREAD:
        if kind.match(data):
            raise Refused(message, advice)
    if data.startswith(b"PK\x03\x04"):
        from document_reader.package import read_package

        mime, pages = read_package(data)
    elif _PDF.match(data[:1024]):
        mime, pages = "application/pdf", _pdf(data)
    elif (text := decoded(data)) is not None:
        if _SVG.match(text[:8_000]):
            raise Refused("SVG drawings cannot be read.", "Save it as PNG and attach that.")
        if not text.strip():
            raise Refused("The file is empty.")
        mime, pages = "text/plain", cut(text)
    elif b"%PDF-" in data[:1024]:
        mime, pages = "application/pdf", _pdf(data)
    else:
        raise Refused(
            "This is no picture, recording or document that Parley can read.",
            "Attach a picture (PNG, JPEG, GIF, WebP, AVIF), a recording (WAV, MP3, M4A, FLAC, Ogg, "
            "WebM), a PDF, a text, or a Word, Excel, PowerPoint, OpenDocument or EPUB file.",
        )
    texts = list(bounded(pages))
    return mime, texts, _scans(data, texts) if mime == "application/pdf" else []


def bounded(pages: Iterable[str]) -> Iterator[str]:
    """`pages`, tidied. Raises Refused as soon as they are too many, or too long in all."""
    left = MAX_CHARS
    for number, page in enumerate(pages, start=1):
        if number > MAX_PAGES:
            raise Refused(
                f"The document has more than {MAX_PAGES:,} pages.", "Attach a part of it."
            )
        text = tidy(page)
        left -= len(text)
        if left < 0:
            raise Refused(
                f"The document has more than {MAX_CHARS // 1_000_000} million characters.",
                "Attach a part of it.",
            )
        yield text


def tidy(text: str) -> str:
    """Unix line ends, no spaces before them, no terminal colours, no controls but tab and line end."""
    text = _NOISE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n"))
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n\n", lines).strip("\n")


def _scans(data: bytes, texts: list[str]) -> "list[Scan]":
    from document_reader.scans import scans

    return scans(data, texts)


def _pdf(data: bytes) -> Iterator[str]:
    from document_reader.pdf import pdf_pages

    return pdf_pages(data)
