"""PDF, by pypdf."""

import io
from collections.abc import Iterator

from pypdf import PdfReader

from document_reader.limits import MAX_PAGES, Refused


def pdf_pages(data: bytes) -> Iterator[str]:
    reader = PdfReader(io.BytesIO(data), strict=False)
    try:
        # Many have a password only for printing or changing them.
        opened = not reader.is_encrypted or bool(reader.decrypt(""))
    except NotImplementedError:
        opened = False
    if not opened:
        raise Refused(
            "This PDF is protected by a password.", "Save a copy without it and attach that."
        )
    count = len(reader.pages)
    if not count:
        raise Refused("The PDF has no pages.")
    if count > MAX_PAGES:
        raise Refused(
            f"The PDF has {count:,} pages; {MAX_PAGES:,} are the most.", "Attach a part of it."
        )
    damaged = 0
    for number in range(count):
        text = ""
        try:
            text = reader.pages[number].extract_text()
        except MemoryError:
            raise
        except Exception:  # parsers raise anything on hostile bytes; the other pages may be sound
            damaged += 1
        yield text
    if damaged == count:
        raise Refused("No page of the PDF can be read.", "Save it again and attach it.")
