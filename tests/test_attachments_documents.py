"""Documents are read by pages, whatever they are called."""

import io
import zipfile

import pytest

from attachments import Writing, inspect
from tests.papers import (
    e_book,
    excel_file,
    locked,
    open_document,
    pdf,
    slides_file,
    word_body,
    word_file,
)


async def read(data: bytes) -> Writing:
    found = await inspect(data)
    assert isinstance(found, Writing)
    assert found.data == data
    return found


async def test_a_pdf_has_its_pages() -> None:
    found = await read(pdf("First page\nof (three) \\ parts", "", "Käse für 3 €"))
    assert found.mime == "application/pdf"
    assert found.pages == ("First page\nof (three) \\ parts", "", "Käse für 3 €")


async def test_a_pdf_protected_only_against_changes_is_read() -> None:
    assert (await read(locked(pdf("open to readers"), "", "secret"))).pages == ("open to readers",)


async def test_a_pdf_after_some_junk_is_read() -> None:
    assert (await read(b"\x00\x01junk\xff" * 20 + pdf("still here"))).pages == ("still here",)


async def test_a_pdf_of_pictures_alone_has_pages_without_text() -> None:
    assert (await read(pdf("", ""))).pages == ("", "")


async def test_one_broken_page_does_not_take_the_others_along() -> None:
    bomb = b"BT /F1 11 Tf (x) Tj ET " + b" " * 80_000_000
    assert (await read(pdf("whole", streams=[bomb]))).pages == ("whole", "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
async def test_texts_are_read_in_the_usual_encodings(encoding: str) -> None:
    found = await read("Grüße,\r\n\tKäse – 3 €".encode(encoding))
    assert (found.mime, found.pages) == ("text/plain", ("Grüße,\n\tKäse – 3 €",))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2]}',
        "a,b\n1,2",
        "<!doctype html><p>Hi",
        "def f():\n    return 1",
        "日本語のテキスト",
    ],
)
async def test_texts_of_any_kind_are_taken_as_they_are(text: str) -> None:
    assert (await read(text.encode())).pages == (text,)


async def test_a_long_text_is_cut_into_pages_at_the_ends_of_lines() -> None:
    lines = [f"line {n} of a long log" for n in range(1000)]
    pages = (await read("\n".join(lines).encode())).pages
    assert len(pages) > 5
    assert all(len(page) <= 3_000 for page in pages)
    assert "\n".join(pages).split("\n") == lines


async def test_a_text_without_line_ends_is_cut_too() -> None:
    assert "".join((await read(b"x" * 10_000)).pages) == "x" * 10_000


async def test_terminal_colours_nuls_and_lone_surrogates_do_not_get_through() -> None:
    log = "all is well here, " * 20 + "\x1b[31merror\x1b[0m\x00 end"
    assert (await read(log.encode())).pages[0].endswith("error end")
    halves = ("words " * 50).encode("utf-16") + b"\x00\xd8"
    page = (await read(halves)).pages[0]
    assert page.endswith("words \ufffd")
    page.encode()


async def test_a_word_file_is_read_with_headings_lists_and_tables() -> None:
    found = await read(word_file())
    assert found.mime.endswith("wordprocessingml.document")
    assert found.pages == (
        "# Yearly report\n\nThe harvest was good: 4,200 kg of pears.\n\nprune in March\n\n"
        "| Fruit | kg |\n| --- | --- |\n| pears \\| late | 4,200 |\n\nafter the table",
    )


async def test_a_word_file_has_the_pages_that_word_laid_out() -> None:
    body = (
        "<w:p><w:r><w:t>one</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
        "<w:p><w:r><w:lastRenderedPageBreak/><w:t>two</w:t><w:tab/><w:t>more</w:t></w:r></w:p>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:lastRenderedPageBreak/><w:t>three</w:t></w:r></w:p>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>inside</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
        "</w:tc></w:tr></w:tbl>"
    )
    pages = (await read(word_body(body))).pages
    assert pages[:2] == ("one", "two\tmore")
    assert (pages[2].count("three"), pages[2].count("inside")) == (1, 1)


async def test_a_sheet_is_a_page_with_a_table() -> None:
    found = await read(excel_file())
    assert found.pages == (
        "## Sales\n\n| Day | Fruit | kg | paid |  |\n| --- | --- | --- | --- | --- |\n"
        "| 2026-03-01 | pears | 0.3 | TRUE |  |\n| end |  |  |  | stray |",
        "## Notes\n\n| call \\| Ida soon |\n| --- |",
    )


async def test_a_slide_is_a_page_with_its_notes() -> None:
    assert (await read(slides_file())).pages == (
        "Pears in spring\n\nGraft early\n\nNotes: smile",
        "Pears in autumn\n\nPick late",
    )


async def test_open_documents_are_read() -> None:
    text = (
        '<text:h text:outline-level="2">Pears</text:h><text:p>Two<text:s text:c="2"/>trees</text:p>'
        "<text:list><text:list-item><text:p>graft</text:p></text:list-item></text:list>"
        "<text:p>to<text:soft-page-break/>morrow</text:p>"
    )
    assert (await read(open_document("text", text))).pages == (
        "## Pears\n\nTwo  trees\n\n- graft\n\nto",
        "morrow",
    )
    sheet = (
        '<table:table table:name="T"><table:table-row><table:table-cell><text:p>a</text:p>'
        '</table:table-cell><table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row></table:table>"
    )
    assert (await read(open_document("spreadsheet", sheet))).pages == ("## T\n\n| a |\n| --- |",)
    slides = (
        "<draw:page><text:p>one</text:p></draw:page><draw:page><text:p>two</text:p></draw:page>"
    )
    assert (await read(open_document("presentation", slides))).pages == ("one", "two")


async def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    last = "<html><head><title>no</title></head><body><h1>End</h1><p>It&nbsp;was over.</p></body></html>"
    first = "<html><body><p>It <b>began</b>.</p><script>no()</script></body></html>"
    found = await read(e_book(last, first))
    assert found.pages == ("It began.", "# End\n\nIt was over.")


async def test_a_wrong_name_changes_nothing_and_a_picture_stays_a_picture() -> None:
    """Only the first bytes speak: a picture with a document behind it is re-encoded without it."""
    from attachments import Picture
    from tests.pictures import png

    found = await inspect(png("sign") + word_file())
    assert isinstance(found, Picture)
    assert not zipfile.is_zipfile(io.BytesIO(found.data))
