"""PowerPoint."""

import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from document_reader.xml import attribute, find, related, table, tag, tree

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FIELDS = {"sldNum", "dt", "ftr", "hdr", "sldImg"}


def pages_of(package: zipfile.ZipFile) -> Iterator[str]:
    """A page a slide, in the order they are shown, with the speaker's notes."""
    parts = related(package, "ppt/presentation.xml")
    listed = find(tree(package, "ppt/presentation.xml"), "sldIdLst")
    for entry in listed if listed is not None else ():
        _, part = parts.get(entry.get(_RELATION, ""), ("", ""))
        text = "\n\n".join(_drawn(tree(package, part)))
        for kind, target in related(package, part).values():
            if kind == "notesSlide" and (said := "\n\n".join(_drawn(tree(package, target)))):
                text = f"{text}\n\nNotes: {said}"
        yield text


def _drawn(parent: Element) -> Iterator[str]:
    """Paragraphs and tables of a slide."""
    for child in parent:
        match tag(child):
            case "p":
                if text := _drawn_words(child).strip():
                    yield text
            case "tbl":
                rows = [row for row in child if tag(row) == "tr"]
                yield table([[" ".join(_drawn(cell)) for cell in row] for row in rows])
            case "sp" if _is_field(child):
                pass
            case "Fallback":
                pass
            case _:
                yield from _drawn(child)


def _is_field(shape: Element) -> bool:
    """A place for the number of the slide, its date or its foot line."""
    place = find(shape, "nvSpPr", "nvPr", "ph")
    return place is not None and attribute(place, "type") in _FIELDS


def _drawn_words(paragraph: Element) -> str:
    return "".join(
        "\n" if tag(part) == "br" else part.text or ""
        for part in paragraph.iter()
        if tag(part) in ("t", "br")
    )
