"""Word."""

import re
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from document_reader.plain import cut
from document_reader.xml import attribute, find, nearest, table, tag, tree

_HEADING = re.compile(r"heading ?([1-6])", re.IGNORECASE)


def pages_of(package: zipfile.ZipFile) -> Iterator[str]:
    """Pages as Word last laid them out; where it left no note of that, cut by length."""
    body = find(tree(package, "word/document.xml"), "body")
    levels = _outline_levels(package)
    text = "\n\n".join(_word_blocks(body, levels)) if body is not None else ""
    if notes := _footnotes(package):
        text = f"{text}\n\n{notes}"
    if "\f" in text:
        yield from text.split("\f")
    else:
        yield from cut(text)


def _outline_levels(package: zipfile.ZipFile) -> dict[str, int]:
    """Which styles are headings, of which level from 1: their ids differ by language."""
    try:
        styles = tree(package, "word/styles.xml")
    except KeyError:
        return {}
    levels: dict[str, int] = {}
    for style in styles:
        level, called = find(style, "pPr", "outlineLvl"), find(style, "name")
        named = _HEADING.fullmatch(attribute(called, "val")) if called is not None else None
        if level is not None and attribute(level, "val") in tuple("012345678"):  # 9 is plain text
            levels[attribute(style, "styleId")] = int(attribute(level, "val")) + 1
        elif named:
            levels[attribute(style, "styleId")] = int(named[1])
    return levels


def _word_blocks(parent: Element, levels: dict[str, int]) -> Iterator[str]:
    """Paragraphs and tables in order; a form feed stands where a page begins."""
    for child in parent:
        match tag(child):
            case "p":
                if text := _word_paragraph(child, levels):
                    yield text
            case "tbl":
                rows = [
                    [" ".join(_word_blocks(cell, {})) for cell in nearest(row, "tc")]
                    for row in nearest(child, "tr")
                ]
                page = "\f" if any("\f" in cell for row in rows for cell in row) else ""
                yield page + table(rows)
            case "sectPr" | "Fallback":
                pass
            case _:
                yield from _word_blocks(child, levels)


def _word_paragraph(paragraph: Element, levels: dict[str, int]) -> str:
    text = "".join(_word_runs(paragraph))
    words = text.strip(" \n")
    if not words:
        return ""
    style, item = find(paragraph, "pPr", "pStyle"), find(paragraph, "pPr", "numPr")
    level = levels.get(attribute(style, "val"), 0) if style is not None else 0
    mark = "#" * min(level, 6) + " " if level else "- " if item is not None else ""
    page = "\f" if words.startswith("\f") else ""
    return f"{page}{mark}{words[len(page) :]}"


def _word_runs(parent: Element) -> Iterator[str]:
    for child in parent:
        match tag(child):
            case "t":
                yield child.text or ""
            case "tab":
                yield "\t"
            case "br" | "cr":
                yield "\n" if attribute(child, "type") != "page" else ""
            case "noBreakHyphen":
                yield "-"
            case "lastRenderedPageBreak":
                yield "\f"
            case "footnoteReference":
                yield f"[^{attribute(child, 'id')}]"
            case "Fallback" | "delText" | "instrText" | "pPr" | "rPr":
                pass
            case _:
                yield from _word_runs(child)


def _footnotes(package: zipfile.ZipFile) -> str:
    try:
        notes = tree(package, "word/footnotes.xml")
    except KeyError:
        return ""
    told = ((attribute(note, "id"), "".join(_word_runs(note)).strip()) for note in notes)
    return "\n".join(f"[^{number}]: {text}" for number, text in told if text)
