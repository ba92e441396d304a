"""E-books in EPUB."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote

from document_reader.limits import MAX_PAGES, Refused
from document_reader.plain import cut
from document_reader.xml import MAX_XML, attribute, tag, tree


def pages_of(package: zipfile.ZipFile) -> Iterator[str]:
    """Its chapters in the order they are read, cut by length."""
    container = tree(package, "META-INF/container.xml")
    part = next(attribute(e, "full-path") for e in container.iter() if tag(e) == "rootfile")
    parts, order = {}, []
    for entry in tree(package, part).iter():
        if tag(entry) == "item":
            parts[attribute(entry, "id")] = unquote(attribute(entry, "href"))
        elif tag(entry) == "itemref":
            order.append(attribute(entry, "idref"))
    folder = posixpath.dirname(part)
    for chapter in order[:MAX_PAGES]:
        place = posixpath.normpath(posixpath.join(folder, parts.get(chapter, "")))
        if place not in package.namelist() or package.getinfo(place).file_size > MAX_XML:
            continue
        try:
            page = package.read(place).decode()
        except UnicodeDecodeError:
            raise Refused("This book is protected against copying.") from None
        if text := words_of(page):
            yield from cut(text)


class _Words(HTMLParser):
    """The words of a web page, a line for each block."""

    blocks = frozenset("p div h1 h2 h3 h4 h5 h6 li tr br hr blockquote section pre dt dd".split())
    unseen = frozenset(("head", "script", "style", "template"))

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in self.unseen
        if tag in self.blocks:
            self.found.append("\n\n" if tag[0] in "ph" else "\n")
        if tag in ("h1", "h2", "h3"):
            self.found.append("#" * int(tag[1]) + " ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in self.unseen))
        if tag in self.blocks:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(re.sub(r"\s+", " ", data))


def words_of(html: str) -> str:
    words = _Words()
    words.feed(html)
    words.close()
    lines = (line.strip() for line in "".join(words.found).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
