"""OpenDocument: the texts, sheets and slides of LibreOffice."""

import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from document_reader.limits import Refused
from document_reader.plain import cut
from document_reader.xml import attribute, find, nearest, table, tag, tree


def pages_of(package: zipfile.ZipFile) -> Iterator[str]:
    """A page a sheet or slide; texts as they were last laid out, or else cut by length."""
    if "META-INF/manifest.xml" in package.namelist() and any(
        tag(entry) == "encryption-data" for entry in tree(package, "META-INF/manifest.xml").iter()
    ):
        raise Refused("This document has a password.", "Save a copy without it and attach that.")
    body = find(tree(package, "content.xml"), "body")
    content = body[0] if body is not None and len(body) else Element("nothing")
    if tag(content) == "spreadsheet":
        for sheet in content:
            if tag(sheet) == "table":
                yield f"## {attribute(sheet, 'name')}\n\n{_open_table(sheet)}"
    elif tag(content) == "presentation":
        for slide in content:
            if tag(slide) == "page":
                yield "\n\n".join(_open_blocks(slide))
    else:
        text = "\n\n".join(_open_blocks(content))
        yield from text.split("\f") if "\f" in text else cut(text)


def _open_blocks(parent: Element) -> Iterator[str]:
    for child in parent:
        match tag(child):
            case "p":
                if text := "".join(_open_words(child)).strip(" \n"):
                    yield text
            case "h":
                level = attribute(child, "outline-level")
                mark = "#" * min(int(level), 6) if level.isdigit() else "#"
                yield f"{mark} {''.join(_open_words(child)).strip()}"
            case "list-item":
                yield "\n".join(f"- {text}" for text in _open_blocks(child))
            case "table":
                yield _open_table(child)
            case "soft-page-break":
                yield "\f"
            case "tracked-changes" | "forms" | "sequence-decls":
                pass
            case _:
                yield from _open_blocks(child)


def _open_words(parent: Element) -> Iterator[str]:
    yield parent.text or ""
    for child in parent:
        match tag(child):
            case "s":
                count = attribute(child, "c")
                yield " " * min(int(count) if count.isdigit() else 1, 100)
            case "tab":
                yield "\t"
            case "line-break":
                yield "\n"
            case "soft-page-break":
                yield "\f"
            case "annotation":
                pass
            case _:
                yield from _open_words(child)
        yield child.tail or ""


def _open_table(parent: Element) -> str:
    """Cells that are said to repeat stand once, unless they stand before others in their row."""
    rows = []
    for row in nearest(parent, "table-row"):
        cells: list[str] = []
        for cell in row:
            text = " ".join(_open_blocks(cell))
            often = attribute(cell, "number-columns-repeated")
            cells += [text] * min(int(often) if often.isdigit() else 1, 64)
        rows.append(cells)
    return table(rows)
