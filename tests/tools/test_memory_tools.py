"""The tools that reach into the turn around them: memory, attachments, pictures."""

import pytest

from memory.media import MediaStore
from tests.tools.calling import call
from tests.tools.conftest import OWNER, Surroundings, note
from tools.forget import forget
from tools.make_image import make_image
from tools.read_attachment import read_attachment
from tools.remember import remember
from tools.search_memory import search_memory


async def test_a_fact_is_remembered_found_and_forgotten(surroundings: Surroundings) -> None:
    around = surroundings.around()
    kept = await call(remember, around, fact=" The user's sister\nis called Ana. ")
    assert kept.text == "Remembered: The user's sister is called Ana."
    found = await call(search_memory, around, query="sister")
    assert "The user's sister is called Ana." in found.text
    assert "the user, 2023-11-14, in “A talk”" in found.text
    assert not found.untrusted
    gone = await call(forget, around, memory=surroundings.notes[0].id)
    assert gone.text == "Forgotten: The user's sister is called Ana."
    assert (await call(search_memory, around, query="sister")).text == "Nothing in memory fits."
    assert not (await call(forget, around, memory="sister")).ok


async def test_passages_of_documents_are_words_of_strangers(surroundings: Surroundings) -> None:
    surroundings.notes = [note("Sunk costs", kind="passage", source="book.pdf", page=7)]
    found = await call(search_memory, surroundings.around(), query="costs")
    assert found.untrusted
    assert "book.pdf, page 7: Sunk costs" in found.text


async def test_what_no_longer_holds_is_told_so(surroundings: Surroundings) -> None:
    surroundings.notes = [note("Lives in Rome", kind="fact", superseded_at=1.8e9)]
    found = await call(search_memory, surroundings.around(), query="Rome")
    assert "(no longer holds): Lives in Rome" in found.text


@pytest.mark.parametrize("words", ["", "   ", "x" * 1_001])
async def test_nothing_and_too_much_is_not_remembered(
    surroundings: Surroundings, words: str
) -> None:
    around = surroundings.around()
    assert not (await call(remember, around, fact=words)).ok
    assert not (await call(forget, around, memory=words)).ok
    assert not surroundings.notes


async def test_a_document_is_read_some_pages_at_a_time(surroundings: Surroundings) -> None:
    surroundings.document = [f"Words of page {n}." for n in range(1, 31)]
    around = surroundings.around()
    first = await call(read_attachment, around)
    assert first.untrusted
    assert first.text.startswith("report.pdf\n\n[Page 1 of 30]\nWords of page 1.\n\n[Page 2 of 30]")
    assert first.text.endswith("[Page 20 of 30]\nWords of page 20.\n[Go on with first_page=21.]")
    last = await call(read_attachment, around, name="report.pdf", first_page=30, last_page=99)
    assert last.text == "report.pdf\n\n[Page 30 of 30]\nWords of page 30."


async def test_long_pages_are_given_whole_as_far_as_there_is_room(
    surroundings: Surroundings,
) -> None:
    surroundings.document = ["a" * 9_000, "b" * 9_000, "c" * 9_000, "d" * 50_000]
    around = surroundings.around()
    first = await call(read_attachment, around)
    assert "b" * 9_000 in first.text
    assert "c" * 10 not in first.text
    assert first.text.endswith("[Go on with first_page=3.]")
    endless = await call(read_attachment, around, first_page=4)
    assert endless.text.endswith("[Page 4 is longer and is cut here.]")
    assert len(endless.text) < 20_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "other.pdf"}, "The only document is report.pdf."),
        ({"first_page": 2}, "no such page"),
        ({"first_page": 0}, "count from 1"),
        ({"first_page": 3, "last_page": 2}, "count from 1"),
    ],
)
async def test_pages_that_are_not_there_are_told(
    surroundings: Surroundings, arguments: dict[str, object], words: str
) -> None:
    surroundings.document = ["One page."]
    result = await call(read_attachment, surroundings.around(), **arguments)
    assert not result.ok
    assert words in result.text


async def test_a_picture_is_made_and_shown(surroundings: Surroundings, media: MediaStore) -> None:
    result = await call(make_image, surroundings.around(), prompt="A lighthouse")
    [picture] = result.pictures
    assert (await media.path(OWNER, picture.sha256))[0].mime == "image/png"
    assert not (await call(make_image, surroundings.around(), prompt=" ")).ok
