"""Documents the tests write: PDFs by hand, office files by other libraries, packages by zip."""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import docx
import openpyxl
import pptx
from docx.enum.text import WD_BREAK
from pypdf import PdfReader, PdfWriter


def pdf(*pages: str, streams: Sequence[bytes] = ()) -> bytes:
    """A PDF in Helvetica, a line a line; `streams` are the contents of further pages, as they are."""
    contents = [_drawn(page) for page in pages] + list(streams)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (len(contents), b" ".join(b"%d 0 R" % (4 + 2 * n) for n in range(len(contents)))),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, stream in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * number)
        )
        packed = zlib.compress(stream)
        objects.append(
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)
        )
    return _assembled(objects)


def _drawn(page: str) -> bytes:
    escaped = re.sub(rb"([\\()])", rb"\\\1", page.encode("cp1252"))
    lines = [b"(%s) Tj T*" % line for line in escaped.split(b"\n")]
    return b"BT /F1 11 Tf 14 TL 60 780 Td\n%s\nET" % b"\n".join(lines)


def _assembled(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


def locked(data: bytes, opening: str, changing: str) -> bytes:
    """The PDF with a password for opening it ("" for none) and one for changing it."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(opening, changing, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def word_file() -> bytes:
    """A heading, a paragraph, a list and a table."""
    document = docx.Document()
    document.add_heading("Yearly report", level=1)
    document.add_paragraph("The harvest was good: 4,200 kg of pears.")
    document.add_paragraph("prune in March", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells),
        ("Fruit", "kg", "pears | late", "4,200"),
        strict=True,
    ):
        cell.text = text
    document.add_paragraph("after the table").runs[0].add_break(WD_BREAK.PAGE)
    return _saved(document)


def excel_file() -> bytes:
    """Two sheets, the first with a date, numbers, a stray cell far away and an empty row."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    sheet.append(["Day", "Fruit", "kg", "paid"])
    sheet.append([datetime(2026, 3, 1), "pears", 0.1 + 0.2, True])
    sheet["A5"] = "end"
    sheet["XFD5"] = "stray"
    book.create_sheet("Notes")["B2"] = "call | Ida\nsoon"
    return _saved(book)


def slides_file() -> bytes:
    show = pptx.Presentation()
    for title, body, notes in (
        ("Pears in spring", "Graft early", "smile"),
        ("Pears in autumn", "Pick late", ""),
    ):
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    return _saved(show)


def _saved(written: object) -> bytes:
    out = io.BytesIO()
    written.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def package(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip file of these parts; `mimetype` is not compressed, as its standard wants."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in parts.items():
            how = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            zipped.writestr(name, content, how)
    return out.getvalue()


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def word_body(body: str, prolog: str = "") -> bytes:
    """A Word file with this XML as its body."""
    xml = f'{prolog}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    return package({"[Content_Types].xml": "<Types/>", "word/document.xml": xml})


def open_document(kind: str, body: str) -> bytes:
    """An OpenDocument file of that kind (text, spreadsheet, presentation), with this XML in it."""
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"'
        for short in ("office", "text", "table")
    )
    drawing = 'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    return package(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {names} {drawing}><office:body>"
            f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>",
        }
    )


def e_book(*chapters: str | bytes) -> bytes:
    listed = "".join(f'<item id="c{n}" href="text/c%20{n}.xhtml"/>' for n in range(len(chapters)))
    order = "".join(f'<itemref idref="c{n}"/>' for n in reversed(range(len(chapters))))
    return package(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OPS/b.opf"/>'
            "</rootfiles></container>",
            "OPS/b.opf": f"<package><manifest>{listed}</manifest><spine>{order}</spine></package>",
            **{f"OPS/text/c {n}.xhtml": text for n, text in enumerate(chapters)},
        }
    )


def scan(*pages: bytes, stamps: Sequence[str] = ()) -> bytes:
    """A PDF whose pages are pictures (JPEGs of 1190 × 1684); `stamps` are words upon them."""
    count = len(pages)
    kids = b" ".join(b"%d 0 R" % (4 + 3 * n) for n in range(count))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, jpeg in enumerate(pages):
        first = 4 + 3 * number
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources "
            b"<< /XObject << /I %d 0 R >> /Font << /F1 3 0 R >> >> >>" % (first + 1, first + 2)
        )
        stream = b"q 595 0 0 842 0 0 cm /I Do Q " + _drawn(stamps[number] if stamps else "")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /XObject /Subtype /Image /Width 1190 /Height 1684 /ColorSpace /DeviceRGB "
            b"/BitsPerComponent 8 /Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream"
            % (len(jpeg), jpeg)
        )
    return _assembled(objects)
