"""The words of a web page or a PDF, as plain text with headings, lists and a few links."""

import io
import re
from typing import Any
from urllib.parse import urljoin

from tools.apart import Cannot

MAX_CHARS = 60_000
MAX_PAGES = 60
MAX_LINKS = 30
MAX_TAGS = 60_000  # a page of 2 MB that people write has 40,000

# What is no part of what a page says, or is not seen by who reads it.
_DROPPED = (
    "script style noscript template svg canvas iframe object embed nav footer aside form button "
    "select dialog head link meta"
).split()
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.I)
_BLOCKS = (
    "p div section article main header ul ol dl dt dd table tr blockquote figure figcaption "
    "details summary address hr"
).split()
_SPACE, _LINE = "\ue000", "\ue001"  # keep the layout of code while the rest is folded
_LOOSE = ("ul", "ol", "dl", "table", "thead", "tbody", "tfoot", "tr")  # white space in them is none


def answer(asked: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """`asked`: kind ("html" or "pdf"), charset, url. Gives title, text, and links where there are."""
    if asked["kind"] == "pdf":
        return _pdf(data), b""
    return _html(data, asked["charset"] or None, asked["url"]), b""


def _html(data: bytes, charset: str | None, url: str) -> dict[str, Any]:
    from bs4 import BeautifulSoup, Comment

    try:
        "".encode(charset or "utf-8")
    except LookupError:
        charset = None
    soup = BeautifulSoup(_first_tags(data), "html.parser", from_encoding=charset)
    title = " ".join(soup.title.get_text().split())[:200] if soup.title else ""
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for tag in soup.find_all(_DROPPED):
        tag.extract()
    for tag in soup.find_all(_is_unseen):
        tag.extract()
    body = _main_part(soup)
    links = _links(body, url)
    _lay_out(body)
    return {"title": title, "text": _folded(body.get_text())[:MAX_CHARS], "links": links}


def _first_tags(data: bytes) -> bytes:
    for number, tag in enumerate(re.finditer(b"<", data)):
        if number == MAX_TAGS:
            return data[: tag.start()]
    return data


def _is_unseen(tag: Any) -> bool:
    hidden = tag.has_attr("hidden") or tag.get("aria-hidden") == "true"
    return hidden or bool(_UNSEEN.search(str(tag.get("style", ""))))


def _main_part(soup: Any) -> Any:
    """The part the page itself calls its main one, unless that holds hardly anything."""
    whole = len(soup.get_text())
    parts = soup.find_all(["main", "article"]) or soup.find_all(attrs={"role": "main"})
    longest = max(parts, key=lambda part: len(part.get_text()), default=None)
    if longest is not None and len(longest.get_text()) > max(200, whole // 4):
        return longest
    return soup.body or soup


def _links(body: Any, url: str) -> list[list[str]]:
    found: dict[str, str] = {}
    for tag in body.find_all("a", href=True):
        words = " ".join(tag.get_text().split())
        try:
            address = urljoin(url, str(tag["href"])).partition("#")[0]
        except ValueError:
            continue
        if words and address.startswith(("http://", "https://")) and address != url:
            found.setdefault(address, words[:80])
        if len(found) == MAX_LINKS:
            break
    return [[words, address[:300]] for address, words in found.items()]


def _lay_out(body: Any) -> None:
    """Write the page's structure into its text."""
    for tag in body.find_all("pre"):
        code = tag.get_text().strip("\n").replace(" ", _SPACE).replace("\n", _LINE)
        tag.replace_with(f"{_LINE}{_LINE}```{_LINE}{code}{_LINE}```{_LINE}{_LINE}")
    for text in body.find_all(string=re.compile(r"\n")):
        loose = text.parent.name in _LOOSE and not text.strip()
        text.replace_with("" if loose else re.sub(r"\s+", " ", text))
    for tag in body.find_all("br"):
        tag.replace_with("\n")
    for tag in body.find_all(["td", "th"]):
        tag.append(" | ")
    for tag in body.find_all("li"):
        tag.insert(0, "\n- ")
    for tag in body.find_all(re.compile(r"^h[1-6]$")):
        tag.insert(0, "\n\n" + "#" * int(tag.name[1]) + " ")
        tag.append("\n\n")
    for tag in body.find_all(_BLOCKS):
        if tag.name != "tr":
            tag.insert(0, "\n" if tag.name in ("dd", "ul", "ol") else "\n\n")
        tag.append("\n")


def _folded(text: str) -> str:
    spread = text.replace(_LINE, "\n").split("\n")
    lines = (re.sub(r"\s+", " ", line).strip().removesuffix(" |") for line in spread)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip().replace(_SPACE, " ")


def _pdf(data: bytes) -> dict[str, Any]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Cannot("The PDF is locked by a password.")
        pages, length = [], 0
        for number, page in enumerate(reader.pages[:MAX_PAGES], 1):
            words = page.extract_text().strip()
            pages.append(f"[Page {number} of {len(reader.pages)}]\n{words}")
            length += len(words)
            if length > MAX_CHARS:
                break
        title = str(reader.metadata.title or "") if reader.metadata else ""
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError):
        raise Cannot("The PDF is damaged.") from None
    if not length:
        raise Cannot("The PDF holds no text: its pages are pictures.")
    text = "\n\n".join(pages)[:MAX_CHARS]
    return {"title": " ".join(title.split())[:200], "text": text, "links": []}
