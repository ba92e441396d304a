"""What was said is found again elsewhere, by its owner alone, until it is forgotten."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import chromadb
import pytest
from chromadb.config import Settings
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.conversations import Conversations
from memory.database import open_database
from memory.edge import Missing
from memory.embedding import LocalEmbedding
from memory.migrations import MIGRATIONS
from memory.recall import Recall
from messages import Memory, Text, new_id
from tests.memory.files import files_with, recall_in
from tests.memory.recall_cases import CONVERSATIONS, QUESTIONS, UNRELATED
from tests.memory.sayings import ANN, BOB, HOSTILE, message, reply, said

PEANUTS = "I am allergic to peanuts."
ASKED = "What am I allergic to?"


async def texts(recall: Recall, owner: str, query: str, besides: str | None = None) -> list[str]:
    return [memory.text for memory in await recall.recall(owner, query, besides=besides)]


async def told(recall: Recall, owner: str, text: str = PEANUTS) -> str:
    """Says `text` in a conversation of its own; returns the conversation's id."""
    here = new_id()
    await recall.remember(owner, here, [said(text), reply("I see.", "done")])
    return here


async def test_what_was_said_is_found_with_its_origin(
    recall: Recall, conversations: Conversations
) -> None:
    here, question, answer = new_id(), said(PEANUTS), reply()
    await conversations.begin_turn(ANN, here, question, answer)
    await recall.remember(ANN, here, [question, replace(answer, status="done")])
    await conversations.rename(ANN, here, "Trip to Rome")
    found = await recall.recall(ANN, ASKED, besides=new_id())
    assert found == [
        Memory(question.id, PEANUTS, "user", here, "Trip to Rome", question.id, question.at)
    ]


async def test_nothing_of_the_same_conversation_is_recalled(recall: Recall) -> None:
    here = await told(recall, ANN)
    assert await texts(recall, ANN, ASKED, besides=here) == []
    assert await texts(recall, ANN, ASKED, besides=new_id()) == [PEANUTS]
    assert await texts(recall, ANN, ASKED) == [PEANUTS]


async def test_nothing_of_another_owner_is_recalled_or_forgotten(recall: Recall) -> None:
    here = await told(recall, ANN)
    await told(recall, BOB, "I am allergic to shrimps.")
    assert await texts(recall, BOB, ASKED) == ["I am allergic to shrimps."]
    [mine] = await recall.recall(ANN, ASKED, besides=None)
    for stranger in (BOB, "cleo", *HOSTILE):
        with pytest.raises(Missing):
            await recall.forget(stranger, mine.id)
        if stranger.isprintable() and stranger:
            await recall.forget_conversation(stranger, here)
            assert PEANUTS not in await texts(recall, stranger, ASKED)
        else:
            with pytest.raises(Missing):
                await recall.recall(stranger, ASKED, besides=None)
    assert await texts(recall, ANN, ASKED) == [PEANUTS]


@pytest.mark.parametrize(
    "query",
    [
        *HOSTILE[:6],
        "allergic\ud800",
        "allergic\x00",
        "NEAR(a b) AND *",
        "allergic " * 100_000,
        "?!",
    ],
    ids=range(11),
)
async def test_a_hostile_query_breaks_nothing(recall: Recall, query: str) -> None:
    await told(recall, ANN)
    assert set(await texts(recall, ANN, query)) <= {PEANUTS}


async def test_hostile_texts_are_remembered_without_what_no_database_takes(recall: Recall) -> None:
    await told(recall, ANN, "My \x00password hint\ud800 is the blue lighthouse " + "z" * 1_000_000)
    [found] = await recall.recall(ANN, "what is my password hint?", besides=None)
    assert found.text.startswith("My \ufffdpassword hint\ufffd is the blue lighthouse zzz")


async def test_the_same_message_is_remembered_once_and_as_it_was_last(recall: Recall) -> None:
    here, first = new_id(), said(PEANUTS)
    for _ in range(3):
        await recall.remember(ANN, here, [first])
    assert await texts(recall, ANN, ASKED) == [PEANUTS]
    changed = replace(first, parts=(Text("I am allergic to hazelnuts."),))
    await recall.remember(ANN, here, [changed])
    assert await texts(recall, ANN, ASKED) == ["I am allergic to hazelnuts."]


async def test_what_says_nothing_or_still_runs_is_not_remembered(recall: Recall) -> None:
    await recall.remember(ANN, new_id(), [said(""), message("assistant", PEANUTS, "running")])
    assert await texts(recall, ANN, ASKED) == []


async def test_a_forgotten_memory_does_not_come_back(
    tmp_path: Path, engine: AsyncEngine, embedding: LocalEmbedding, recall: Recall
) -> None:
    here, first = new_id(), said(PEANUTS)
    await recall.remember(ANN, here, [first])
    [found] = await recall.recall(ANN, ASKED, besides=None)
    await recall.forget(ANN, found.id)
    assert await texts(recall, ANN, ASKED) == []
    with pytest.raises(Missing):
        await recall.forget(ANN, found.id)
    await recall.remember(ANN, here, [first])
    assert await texts(recall, ANN, ASKED) == []
    await recall.close()
    again = recall_in(engine, tmp_path, embedding)
    assert await texts(again, ANN, ASKED) == []
    await again.close()
    assert files_with(tmp_path, "allergic to peanuts") == []


async def test_forgetting_removes_the_vectors_too(
    tmp_path: Path, embedding: LocalEmbedding, recall: Recall
) -> None:
    here = await told(recall, ANN)
    await told(recall, BOB)
    await recall.forget_conversation(ANN, here)
    await recall.close()
    client: Any = chromadb.PersistentClient(
        str(tmp_path / "chroma"), Settings(anonymized_telemetry=False)
    )
    kept = client.get_collection(embedding.name, embedding_function=None).get()
    client.close()
    assert [about["owner"] for about in kept["metadatas"]] == [BOB, BOB]
    assert kept["documents"] == [None, None]


async def test_forgetting_a_conversation_forgets_that_one_alone(recall: Recall) -> None:
    here = await told(recall, ANN)
    await told(recall, ANN, "My cat is allergic to dust.")
    await recall.forget_conversation(ANN, here)
    assert await texts(recall, ANN, ASKED) == ["My cat is allergic to dust."]


async def test_a_reply_that_was_asked_for_again_is_not_recalled(
    recall: Recall, conversations: Conversations
) -> None:
    here, question, answer = new_id(), said("Which boat is fastest?"), reply()
    await conversations.begin_turn(ANN, here, question, answer)
    answer = replace(
        answer, parts=(Text("The catamaran Orion is the fastest boat."),), status="done"
    )
    await conversations.save(ANN, here, answer)
    await recall.remember(ANN, here, [answer])
    assert await texts(recall, ANN, "Is the catamaran Orion fast?") == [answer.text]
    await conversations.begin_retry(ANN, here, answer.id, reply())
    assert await texts(recall, ANN, "Is the catamaran Orion fast?") == []


async def test_what_merely_repeats_the_query_is_left_out(recall: Recall) -> None:
    await told(recall, ANN, ASKED)
    await told(recall, ANN)
    await told(recall, ANN)
    assert await texts(recall, ANN, ASKED) == [PEANUTS]


async def test_memories_are_found_after_a_restart(
    tmp_path: Path, engine: AsyncEngine, embedding: LocalEmbedding, recall: Recall
) -> None:
    await told(recall, ANN)
    await recall.close()
    again = recall_in(engine, tmp_path, embedding)
    assert await texts(again, ANN, ASKED) == [PEANUTS]
    await again.close()


def zero(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])


def fill_with_garbage(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


@pytest.mark.parametrize("damage", [zero, cut, fill_with_garbage, Path.unlink])
async def test_damaged_vectors_are_made_again_from_the_texts(
    tmp_path: Path,
    engine: AsyncEngine,
    embedding: LocalEmbedding,
    recall: Recall,
    damage: Callable[[Path], None],
) -> None:
    await told(recall, ANN)
    await recall.close()
    damage(tmp_path / "chroma" / "chroma.sqlite3")
    again = recall_in(engine, tmp_path, embedding)
    assert await texts(again, ANN, ASKED) == [PEANUTS]
    await told(again, ANN, "My cat is allergic to dust.")
    await again.close()
    third = recall_in(engine, tmp_path, embedding)
    assert len(await texts(third, ANN, ASKED)) == 2
    await third.close()


async def test_recall_goes_on_where_vectors_cannot_be_kept(
    tmp_path: Path, engine: AsyncEngine, embedding: LocalEmbedding
) -> None:
    (tmp_path / "not-a-folder").write_text("in the way")
    recall = recall_in(engine, tmp_path / "not-a-folder", embedding)
    await told(recall, ANN)
    assert await texts(recall, ANN, ASKED) == [PEANUTS]
    await recall.close()


async def test_a_small_life_is_found_again_and_greetings_bring_up_nothing(recall: Recall) -> None:
    for turns in CONVERSATIONS.values():
        spoken = [message("user" if who == "user" else "assistant", text) for who, text in turns]
        await recall.remember(ANN, new_id(), spoken)
    first = 0
    for question, answer in QUESTIONS:
        found = await texts(recall, ANN, question)
        first += bool(found) and answer in found[0]
    assert first >= 23, f"{first} of {len(QUESTIONS)} found their answer first"
    brought_up = [await texts(recall, ANN, remark) for remark in UNRELATED]
    assert brought_up == [[]] * len(UNRELATED)


async def test_turns_of_many_owners_at_once_keep_apart(recall: Recall) -> None:
    owners = [f"owner-{n}" for n in range(12)]
    await asyncio.gather(*(told(recall, o, f"My lucky number is {o}.") for o in owners))
    found = await asyncio.gather(*(texts(recall, o, "what is my lucky number?") for o in owners))
    assert found == [[f"My lucky number is {o}."] for o in owners]


REMEMBERER = """
import asyncio, sys
from pathlib import Path
from memory.database import open_database
from memory.embedding import LocalEmbedding
from memory.recall import Recall
from tests.memory.files import recall_in
from memory.migrations import MIGRATIONS
from tests.memory.sayings import ANN, said
from messages import new_id

async def main():
    root = Path(sys.argv[1])
    engine = await open_database(f"sqlite+aiosqlite:///{root}/data/parley.db", MIGRATIONS)
    recall = recall_in(engine, root, LocalEmbedding())
    number = 0
    while True:
        await recall.remember(ANN, new_id(), [said(f"Badge number {number} belongs to guest-{number}.")])
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""


async def test_a_kill_in_the_middle_of_remembering_loses_nothing_acknowledged(
    tmp_path: Path, embedding: LocalEmbedding
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", REMEMBERER, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    lines = [await process.stdout.readline() for _ in range(60)]
    process.kill()
    lines += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    engine = await open_database(f"sqlite+aiosqlite:///{tmp_path}/data/parley.db", MIGRATIONS)
    recall = recall_in(engine, tmp_path, embedding)
    for number in (int(line) for line in lines if line.endswith(b"\n")):
        expected = f"Badge number {number} belongs to guest-{number}."
        found = await recall.recall(ANN, f"Who has guest-{number}?", besides=None, limit=3)
        assert expected in [memory.text for memory in found]
    await recall.close()
    await engine.dispose()
