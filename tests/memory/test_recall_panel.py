"""The owner looks through the memories, corrects them, and takes them along."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.conversations import Conversations
from memory.edge import Missing
from memory.lookup import Filter
from memory.portable import from_file
from memory.recall import Recall
from messages import Media, new_id
from tests.memory.sayings import ANN, BOB, HOSTILE, reply, said

LAVENDER = "I planted lavender beside the south wall."
GO = "Our billing service is written in Go."
PEANUTS = "I am allergic to peanuts."


async def tell(recall: Recall, text: str, here: str = "", owner: str = ANN) -> str:
    words = said(text)
    await recall.note(owner, here or new_id(), words)
    await recall.remember(owner, here or new_id(), [words])
    return words.id


async def found(recall: Recall, query: str = "", sought: Filter | None = None) -> list[str]:
    return [memory.text for memory in await recall.search(ANN, query, sought=sought)]


async def test_without_a_query_all_are_listed_newest_first_and_page_by_page(recall: Recall) -> None:
    for number in range(7):
        await tell(recall, f"Note number {number}.")
    pages, last = [], ""
    while page := await recall.search(ANN, limit=3, before=last):
        pages.append([memory.text[-2] for memory in page])
        last = page[-1].id
    assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"]]


async def test_a_query_finds_by_meaning_by_words_and_by_parts_of_words(recall: Recall) -> None:
    for text in (LAVENDER, GO, "The Kugelblitz is parked in the garage."):
        await tell(recall, text)
    assert (await found(recall, "which herbs are by the wall"))[0] == LAVENDER
    assert await found(recall, "ugelBLI") == ["The Kugelblitz is parked in the garage."]
    assert await found(recall, "100%") == []
    pages = await recall.search(ANN, "lavender wall", limit=1)
    assert [m.text for m in pages] == [LAVENDER]
    assert await recall.search(ANN, "lavender wall", limit=1, before=pages[0].id) == []


async def test_filters_leave_out_what_is_not_asked_for(recall: Recall) -> None:
    garden = new_id()
    await tell(recall, LAVENDER, garden)
    await tell(recall, PEANUTS)
    await tell(recall, "Always answer in German.")
    assert await found(recall, sought=Filter(conversation_id=garden)) == [LAVENDER]
    assert await found(recall, "lavender", Filter(kind="fact")) == []
    assert await found(recall, sought=Filter(kind="instruction")) == ["Always answer in German."]
    [fact] = await recall.search(ANN, sought=Filter(kind="fact"))
    at = fact.at
    assert set(await found(recall, sought=Filter(since=at, until=at))) == {PEANUTS, fact.text}
    assert await found(recall, sought=Filter(until=1.0)) == []


async def test_superseded_facts_are_found_and_marked(recall: Recall) -> None:
    await tell(recall, "I live in Lima.")
    await tell(recall, "I live in Berlin.")
    listed = await recall.search(ANN, "Lima", sought=Filter(kind="fact"))
    assert [(m.text, m.superseded_at > 0) for m in listed] == [("I live in Lima", True)]


@pytest.mark.parametrize(
    "query", [*filter(None, HOSTILE[:5]), "a\ud800b", "x\x00", "NEAR(a b) AND *", "%_%", "\\"]
)
async def test_hostile_searches_break_nothing(recall: Recall, query: str) -> None:
    await tell(recall, PEANUTS)
    assert set(await found(recall, query)) <= {PEANUTS, PEANUTS[:-1]}
    assert await found(recall, "", Filter(kind=query)) == []
    for hostile in filter(None, HOSTILE):
        with pytest.raises(Missing):
            await recall.search(ANN, query, sought=Filter(conversation_id=hostile))
        with pytest.raises(Missing):
            await recall.search(ANN, before=hostile)


async def test_an_edited_memory_is_found_by_its_new_words_and_keeps_them(recall: Recall) -> None:
    here, words = new_id(), said("My sourdough starter lives in the fridge.")
    await recall.remember(ANN, here, [words])
    changed = await recall.edit(ANN, words.id, "  My sourdough starter lives in the pantry. ")
    assert changed.text == "My sourdough starter lives in the pantry."
    assert await recall.get(ANN, words.id) == changed
    await recall.remember(ANN, here, [words])
    assert await found(recall, "sourdough starter") == [changed.text]
    with pytest.raises(ValueError, match="says something"):
        await recall.edit(ANN, words.id, " \n ")
    with pytest.raises(Missing):
        await recall.edit(ANN, new_id(), "x")


async def test_an_edited_fact_is_about_what_it_says_now(recall: Recall) -> None:
    await tell(recall, "My name is Ann Lee.")
    [fact] = await recall.search(ANN, sought=Filter(kind="fact"))
    await recall.edit(ANN, fact.id, "I live in Lima")
    await tell(recall, "My name is Ann Moss.")
    facts = await recall.search(ANN, sought=Filter(kind="fact"))
    assert {m.text for m in facts if not m.superseded_at} == {
        "I live in Lima",
        "My name is Ann Moss",
    }


async def test_an_export_is_taken_along_to_another_owner_whole_and_once(
    recall: Recall, conversations: Conversations
) -> None:
    here, words, answer = new_id(), said(PEANUTS), reply("Noted, no peanuts for you.", "done")
    await conversations.begin_turn(ANN, here, words, reply())
    await recall.note(ANN, here, words)
    await recall.remember(ANN, here, [words, answer])
    for text in ("I live in Lima.", "I live in Berlin.", "Always answer in German."):
        await tell(recall, text)
    file = Media("a" * 64, "text/plain", 1, "garden.txt")
    await recall.add_passages(ANN, here, file, ["Lavender likes sun.", "Thyme too."])
    await recall.add_passages(ANN, here, replace_hash(file), ["Left behind."])
    await recall.keep_document(ANN, here, file.sha256)
    data = await recall.export(ANN)
    assert json.loads(data)["memories"][0]["text"] in data.decode()
    count = await recall.count(ANN)
    assert await recall.import_(ANN, data) == 0
    assert await recall.import_(BOB, data) == count
    assert await recall.import_(BOB, data) == 0
    assert await recall.import_(ANN, await recall.export(BOB)) == 0
    mine, bobs = [
        [(m.text, m.kind, m.pinned, m.at, m.superseded_at) for m in listed]
        for listed in [await recall.search(who, limit=100) for who in (ANN, BOB)]
    ]
    assert mine == bobs
    asked = "Where do I live?"
    assert [m.text for m in await recall.recall(BOB, asked, besides=None)] == ["I live in Berlin"]
    assert [m.text for m in await recall.instructions(BOB)] == ["Always answer in German."]


def replace_hash(media: Media) -> Media:
    return Media("b" * 64, media.mime, media.size, media.name)


async def test_an_export_brings_everything_back_after_erasing_but_not_after_forgetting(
    recall: Recall,
) -> None:
    words = await tell(recall, PEANUTS)
    data = await recall.export(ANN)
    await recall.forget(ANN, words)
    assert await recall.import_(ANN, data) == 0
    await recall.erase(ANN)
    assert await recall.import_(ANN, data) == 2
    assert len(await recall.recall(ANN, "What am I allergic to?", besides=None)) == 1


async def test_of_what_is_brought_and_what_is_there_the_newer_fact_holds(recall: Recall) -> None:
    await tell(recall, "I live in Lima.")
    await tell(recall, "I live in Berlin.", owner=BOB)
    await recall.import_(ANN, await recall.export(BOB))
    assert [m.text for m in await recall.recall(ANN, "Where do I live?", besides=None)] == [
        "I live in Berlin"
    ]


def a_file(**changes: Any) -> bytes:
    memory = {"id": "a" * 32, "kind": "said", "text": "Hello there", "role": "user", "at": 1.0}
    memory |= changes
    return json.dumps({"format": "parley-memories", "version": 1, "memories": [memory]}).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no file of memories"),
        (b"\xff\xfe\x00", "no file of memories"),
        (b"[]", "no file of memories"),
        (b'"' * 1_000, "no file of memories"),
        (b"[" * 100_000, "no file of memories"),
        (b'{"format": "other", "version": 1, "memories": []}', "no file of memories"),
        (b'{"format": "parley-memories", "version": 2, "memories": []}', "another version"),
        (b'{"format": "parley-memories", "version": 1}', "no file of memories"),
        (b'{"format": "parley-memories", "version": 1, "memories": {}}', "no file of memories"),
        (a_file(text=""), r"Memory 1 .*\(text\)"),
        (a_file(text=7), r"Memory 1 .*\(text\)"),
        (a_file(text="x" * 8_001), r"Memory 1 .*\(text\)"),
        (a_file(kind="order"), r"Memory 1 .*\(kind\)"),
        (a_file(role="system"), r"Memory 1 .*\(role\)"),
        (a_file(at=float("inf")), "Memory 1|no file"),
        (a_file(at=-1), r"Memory 1 .*\(at\)"),
        (a_file(id="../etc/passwd"), r"Memory 1 .*\(id\)"),
        (a_file(conversation_id="' OR 1=1"), r"Memory 1 .*\(conversation_id\)"),
        (a_file(source="x"), r"Memory 1 .*\(source\)"),
        (b" " * 25_000_001, "larger than 25 MB"),
    ],
)
async def test_nonsense_is_refused_in_words_and_nothing_is_added(
    recall: Recall, data: bytes, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        await recall.import_(ANN, data)
    assert await recall.count(ANN) == 0


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        from_file(data)
    except ValueError as error:
        assert "memories" in str(error)


async def test_a_hostile_file_gives_plain_memories_of_its_importer(recall: Recall) -> None:
    mine = await tell(recall, PEANUTS, owner=BOB)
    text = "My \\ud83d\\ude00 key \\u0000 is under the mat"
    data = a_file(text="@@", id=mine, message_id=mine).replace(b"@@", text.encode())
    assert await recall.import_(ANN, data) == 1
    [memory] = await recall.search(ANN)
    assert memory.text == "My 😀 key � is under the mat"
    assert memory.id != mine
    await recall.forget(ANN, memory.id)
    assert (await recall.get(BOB, mine)).text == PEANUTS
