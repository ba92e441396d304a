"""Whatever is attached, the answer is a clear sentence, soon, and nothing is left behind."""

import asyncio
import io
import os
import re
import resource
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from attachments import BadAttachment, Writing, inspect
from tests.papers import (
    WORD,
    e_book,
    excel_file,
    locked,
    open_document,
    package,
    pdf,
    slides_file,
    word_body,
    word_file,
)

ROOT = Path(__file__).parents[1]


async def refused(data: bytes, within_s: float = 60) -> str:
    with pytest.raises(BadAttachment) as told:
        await inspect(data, within_s=within_s)
    return f"{told.value.message} {told.value.advice}"


def lying(data: bytes, part: str, size: int) -> bytes:
    """The zip file, its directory saying that `part` has `size` bytes unpacked."""
    at = data.index(b"PK\x01\x02")
    while data[at + 46 : at + 46 + len(part)] != part.encode():
        at = data.index(b"PK\x01\x02", at + 1)
    return data[: at + 24] + struct.pack("<I", size) + data[at + 28 :]


def marked_as_locked(data: bytes) -> bytes:
    at = data.index(b"PK\x01\x02")
    return data[: at + 8] + b"\x01" + data[at + 9 :]


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20 if n else "ha"}">' for n in range(12))
LAUGHS = word_body("<w:p><w:r><w:t>&e11;</w:t></w:r></w:p>", f"<!DOCTYPE x [{ENTITIES}]>")
SPY = word_body(
    "<w:p><w:r><w:t>&f;</w:t></w:r></w:p>",
    '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (os.urandom(4_000), "no picture, recording or document"),
        (b"\x7fELF\x02\x01\x01" + bytes(200), "no picture, recording or document"),
        (b"\x00" * 1_000, "no picture, recording or document"),
        (b"\x1f\x8b\x08" + os.urandom(100), "no picture, recording or document"),
        (b"%PDF-1.7", "damaged"),
        (pdf("x" * 500)[:300], "damaged"),
        (pdf(), "no pages"),
        (locked(pdf("x"), "secret", "owner"), "password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "password"),
        (rb"{\rtf1 Hello}", ".docx"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(50), "JPEG"),
        (b"<?xml version='1.0'?>\n<!-- a --><svg xmlns='x'/>", "PNG"),
        (word_file()[:-400], "damaged"),
        (marked_as_locked(word_file()), "password"),
        (word_body("<w:p>"), "damaged"),
        (excel_file()[:-400], "damaged"),
        (slides_file()[:5_000], "damaged"),
        (package({"a.txt": "hello"}), "Archives"),
        (e_book(b"<p>\xff\xfe\xff"), "protected against copying"),
        (open_document("text", "<text:p>x"), "damaged"),
        (LAUGHS, "not safe"),
        (SPY, "not safe"),
        (lying(word_file(), "word/document.xml", 5), "damaged"),
        (lying(word_file(), "word/document.xml", 1 << 31), "too much room"),
        (pdf(*["page"] * 10_000), "10,000 pages; 2,000"),
        (b"x" * 5_000_001, "5 million characters"),
        (b"a" * (25 * 1024 * 1024 + 1), "25 MB"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else "bytes"
    ),  # their number changes with the clock
)
async def test_what_cannot_be_read_is_refused_with_a_reason(data: bytes, words: str) -> None:
    assert words in await refused(data)


async def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = word_body("<w:p><w:r><w:t>" + "A" * 300_000_000 + "</w:t></w:r></w:p>")
    assert len(bomb) < 400_000
    started = time.monotonic()
    assert "room" in await refused(bomb)
    assert time.monotonic() - started < 5


async def test_parts_that_overlap_are_refused() -> None:
    """Entries of the directory that share one packed part: a small file, and large unpacked."""
    plain = package({"mimetype": "application/epub+zip", "b": os.urandom(900_000)})
    start, end = plain.index(b"PK\x01\x02"), plain.index(b"PK\x05\x06")
    second = plain.index(b"PK\x01\x02", start + 4)
    entry = plain[second:end]
    directory = plain[start:second] + entry * 40
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 41, 41, len(directory), start, 0)
    assert "room" in await refused(plain[:start] + directory + tail)


async def test_deep_nesting_is_refused_and_the_house_lives() -> None:
    deep = "<w:sdt>" * 200_000 + "</w:sdt>" * 200_000
    assert await refused(word_body(deep))
    arrays = b"[" * 100_000 + b"]" * 100_000
    with suppress(BadAttachment):
        await inspect(pdf("x").replace(b"/MediaBox [0 0 595 842]", b"/MediaBox " + arrays))
    assert await inspect(word_file())


PARAGRAPH = '<w:p w:r="1"/>'


async def test_memory_is_capped() -> None:
    """Four million elements beside a picture: a small file, and gigabytes as a tree."""
    xml = f'<w:document xmlns:w="{WORD}"><w:body>{PARAGRAPH * 4_000_000}</w:body></w:document>'
    heavy = package({"word/document.xml": xml, "word/media/photo": os.urandom(1_000_000)})
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert "memory" in await refused(heavy)
    # In kB, of the largest child there ever was: that of another test may have been larger.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < max(before + 1, 1_100_000)


async def test_time_is_capped_and_the_reader_is_gone_then() -> None:
    slow = pdf(streams=[b"BT /F1 9 Tf " + b"(a)Tj " * 3_000_000 + b"ET"])
    started = time.monotonic()
    assert "too long" in await refused(slow, within_s=1.5)
    assert time.monotonic() - started < 4
    assert not _readers()


async def test_who_stops_waiting_ends_the_reader() -> None:
    slow = pdf(streams=[b"BT /F1 9 Tf " + b"(a)Tj " * 3_000_000 + b"ET"])
    waiting = asyncio.create_task(inspect(slow))
    await asyncio.sleep(1)
    assert _readers()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not _readers()


def _readers() -> list[str]:
    """Children of this process that read documents."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [
        pid for pid in children if b"document_reader" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


async def test_a_sheet_may_lie_about_its_size() -> None:
    """Some programs write that a sheet is one cell large, or all that there could be."""
    honest = await inspect(excel_file())
    assert isinstance(honest, Writing)
    for claim in (b"A1", b"A1:XFD1048576"):
        found = await inspect(claiming(excel_file(), claim))
        assert isinstance(found, Writing)
        assert found.pages == honest.pages


async def test_a_sheet_with_two_cells_a_million_rows_apart_is_read_quickly() -> None:
    far = rewritten(
        excel_file(),
        lambda xml: (
            xml.replace(b'r="A5"', b'r="A1048576"')
            .replace(b'r="XFD5"', b'r="XFD1048576"')
            .replace(b'<row r="5"', b'<row r="1048576"')
        ),
    )
    started = time.monotonic()
    found = await inspect(claiming(far, b"A1:XFD1048576"))
    assert isinstance(found, Writing)
    assert "| end |  |  |  | stray |" in found.pages[0]
    assert time.monotonic() - started < 15


def claiming(book: bytes, size: bytes) -> bytes:
    """The workbook, its sheets saying that they are of that size."""
    return rewritten(
        book, lambda xml: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="%s"' % size, xml)
    )


def rewritten(book: bytes, change: Callable[[bytes], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        return package({name: change(parts.read(name)) for name in parts.namelist()})


async def test_nothing_is_left_in_the_temp_directory(tmp_path: Path) -> None:
    """The whole gate in a process whose temp directory is the test's own."""
    attach = (
        "import asyncio, sys, attachments\n"
        "for name in sys.argv[1:]:\n"
        "    try: asyncio.run(attachments.inspect(open(name, 'rb').read()))\n"
        "    except attachments.BadAttachment: pass\n"
    )
    (tmp_path / "temp").mkdir()
    names = []
    for number, data in enumerate((word_file(), excel_file(), pdf("x"), b"%PDF-1.7", LAUGHS)):
        names.append(tmp_path / str(number))
        names[-1].write_bytes(data)
    subprocess.run(
        [sys.executable, "-c", attach, *names],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path / "temp")},
        check=True,
    )
    assert list((tmp_path / "temp").iterdir()) == []
