"""Parts of a package as trees, walked by names without their namespaces; and tables as Markdown."""

import posixpath
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from document_reader.limits import Refused

MAX_XML = 64 * 1024 * 1024


def tree(package: zipfile.ZipFile, part: str) -> Element:
    """A part as a tree. Raises KeyError where there is none."""
    if package.getinfo(part).file_size > MAX_XML:
        raise Refused("The document is too large to be read.", "Attach a part of it.")
    try:
        root: Element = fromstring(package.read(part), forbid_dtd=False)
    except DefusedXmlException:
        raise Refused("The document holds XML that is not safe to read.") from None
    return root


def tag(element: Element) -> str:
    """Without its namespace: `p`, whichever of the two dialects of Office wrote it."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """An attribute, whatever its namespace."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""


def find(element: Element, *path: str) -> Element | None:
    for name in path:
        found = next((child for child in element if tag(child) == name), None)
        if found is None:
            return None
        element = found
    return element


def nearest(parent: Element, name: str) -> Iterator[Element]:
    """Those of that name below `parent`, but none inside another."""
    for child in parent:
        if tag(child) == name:
            yield child
        else:
            yield from nearest(child, name)


def related(package: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Of each relation of `part`, by its id: its type's last word, and the part it points to."""
    folder, name = posixpath.split(part)
    try:
        rows = tree(package, f"{folder}/_rels/{name}.rels")
    except KeyError:
        return {}
    return {
        attribute(row, "Id"): (
            attribute(row, "Type").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/" + folder, attribute(row, "Target"))).lstrip("/"),
        )
        for row in rows
    }


def table(rows: Iterable[Sequence[str]]) -> str:
    """Markdown, without empty rows and columns; "" where nothing stands in it."""
    kept = [row for row in rows if any(row)]
    used = sorted({n for row in kept for n, cell in enumerate(row) if cell})
    if not used:
        return ""
    lines = []
    for row in kept:
        cells = [_cell(row[n]) if n < len(row) else "" for n in used]
        lines.append(f"| {' | '.join(cells)} |")
    lines.insert(1, f"|{' --- |' * len(used)}")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
