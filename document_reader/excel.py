"""Excel, by openpyxl."""

import io
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from document_reader.limits import MAX_CHARS, Refused
from document_reader.xml import table


def pages_of(data: bytes) -> Iterator[str]:
    """A page a sheet, with the values that were shown when it was saved."""
    # openpyxl would load numpy for types that no file has, with threads that take all memory.
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # what a sheet says of its size is often wrong
        rows: list[list[str]] = []
        length = 0
        for values in sheet.iter_rows(values_only=True):
            cells = [_value(value) for value in values]
            while cells and not cells[-1]:
                cells.pop()
            length += sum(map(len, cells)) + len(cells)
            if length > MAX_CHARS:
                raise Refused(f"The sheet {sheet.title!r} is too long.", "Attach a part of it.")
            if cells:
                rows.append(cells)
        yield f"## {sheet.title}\n\n{table(rows)}"


def _value(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return format(value, ".15g")
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
    return str(value)
