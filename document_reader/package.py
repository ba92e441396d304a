"""Zip packages of XML, as office files and e-books are: opened with care, told apart, walked."""

import io
import re
import zipfile
from collections.abc import Iterator

from document_reader import book, excel, open_document, powerpoint, word
from document_reader.limits import Refused

MAX_PARTS = 20_000
MAX_UNPACKED = 400 * 1024 * 1024
MAX_RATIO = 200
"""XML of office files shrinks to a tenth or a fiftieth; a package that shrank further is a bomb."""

_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = re.compile(r"application/vnd\.oasis\.opendocument\.[a-z-]{1,40}")

Read = tuple[str, Iterator[str]]


def read_package(data: bytes) -> Read:
    """The mime of what the zip file `data` holds, and its pages. Raises Refused."""
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError):
        raise Refused("The document is damaged.", "Save it again and attach it.") from None
    _refuse_bombs(package, len(data))
    names = set(package.namelist())
    declared = (
        package.read("mimetype")[:100].decode("ascii", "replace").strip() if _small(package) else ""
    )
    if "word/document.xml" in names:
        return _OFFICE + "wordprocessingml.document", word.pages_of(package)
    if "xl/workbook.xml" in names:
        return _OFFICE + "spreadsheetml.sheet", excel.pages_of(data)
    if "ppt/presentation.xml" in names:
        return _OFFICE + "presentationml.presentation", powerpoint.pages_of(package)
    if _OPEN.fullmatch(declared) and "content.xml" in names:
        return declared, open_document.pages_of(package)
    if declared.startswith("application/epub+zip"):
        return "application/epub+zip", book.pages_of(package)
    raise Refused("Archives are not read.", "Unpack it and attach the files that matter.")


def _small(package: zipfile.ZipFile) -> bool:
    return "mimetype" in package.namelist() and package.getinfo("mimetype").file_size < 100


def _refuse_bombs(package: zipfile.ZipFile, size: int) -> None:
    """By what the directory of the package declares; zipfile never gives more than that."""
    parts = package.infolist()
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    bloated = unpacked > 10_000_000 and unpacked > MAX_RATIO * size
    # More bytes packed than there are: parts overlap, and each is counted again.
    if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED or bloated or packed > size:
        raise Refused("The document would take too much room unpacked.", "Save it anew, or a part.")
    if any(part.flag_bits & 1 for part in parts):
        raise Refused("This document has a password.", "Save a copy without it and attach that.")
