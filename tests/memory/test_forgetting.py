"""What is forgotten is gone from every file, and nothing brings it back."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.conversations import Conversations
from memory.database import open_database
from memory.edge import Missing
from memory.embedding import LocalEmbedding
from memory.migrations import MIGRATIONS
from memory.recall import Recall
from messages import Media, Memory, Message, Provenance, Text, new_id
from tests.memory.files import files_with, recall_in
from tests.memory.sayings import ANN, BOB, HOSTILE, reply, said

WORDS = "xylophone"
TOLD = f"Remember that my {WORDS} password is quokka-{WORDS}."


async def say(
    recall: Recall, conversations: Conversations, here: str, text: str, owner: str = ANN
) -> tuple[Message, Message, list[Memory]]:
    """A whole turn: what was said, the reply that carries what was recalled and made, what was made."""
    words, answer = said(text), reply()
    await conversations.begin_turn(owner, here, words, answer)
    recalled = await recall.recall(owner, text, besides=here)
    made = await recall.note(owner, here, words)
    about = Provenance(recalled=tuple(recalled), remembered=tuple(made))
    done = replace(answer, parts=(Text("Noted, and done."),), status="done", provenance=about)
    await conversations.save(owner, here, done)
    await recall.remember(owner, here, [words, done])
    return words, done, made


async def provenance(conversations: Conversations, here: str) -> list[str]:
    found = await conversations.messages(ANN, here)
    shown = [m.provenance for m in found if m.provenance]
    return [memory.text for about in shown for memory in (*about.recalled, *about.remembered)]


async def test_a_forgotten_fact_leaves_every_file_but_the_conversation_it_was_told_in(
    tmp_path: Path, recall: Recall, conversations: Conversations, engine: AsyncEngine
) -> None:
    here, there = new_id(), new_id()
    _, _, [fact] = await say(recall, conversations, here, TOLD)
    await say(recall, conversations, there, f"What is my {WORDS[:4]} password?")
    assert any(WORDS in text for text in await provenance(conversations, there))
    gone = await recall.forget(ANN, fact.id)
    assert len(gone) == 2  # the fact, and the words it was told in
    assert await provenance(conversations, here) == []
    assert await provenance(conversations, there) == []
    await conversations.delete(ANN, here)
    assert files_with(tmp_path, WORDS) == []
    await recall.close()
    await engine.dispose()
    assert files_with(tmp_path, WORDS) == []


async def test_forgotten_words_take_the_facts_told_in_them_along(
    recall: Recall, conversations: Conversations
) -> None:
    here = new_id()
    words, _, [fact] = await say(recall, conversations, here, TOLD)
    await recall.forget(ANN, words.id)
    with pytest.raises(Missing):
        await recall.get(ANN, fact.id)
    await recall.remember(ANN, here, [words])
    assert await recall.note(ANN, here, words) == []
    assert await recall.recall(ANN, f"{WORDS} password", besides=None) == []


async def test_a_conversation_that_is_forgotten_leaves_no_words_in_others(
    tmp_path: Path, recall: Recall, conversations: Conversations, engine: AsyncEngine
) -> None:
    here, there = new_id(), new_id()
    await say(recall, conversations, here, TOLD)
    await say(recall, conversations, here, f"The {WORDS} stands in the cellar.")
    file = Media("a" * 64, "text/plain", 10, f"{WORDS}.txt")
    await recall.add_passages(ANN, here, file, [f"How to tune a {WORDS}.", "Page two."])
    await recall.keep_document(ANN, here, file.sha256)
    await say(recall, conversations, there, f"Where is my {WORDS[:9]} and what is its password?")
    assert len(await provenance(conversations, there)) >= 2
    await recall.forget_conversation(ANN, here)
    assert await provenance(conversations, there) == []
    await conversations.delete(ANN, here)
    # What was said of it elsewhere was said there, and goes with that.
    await recall.forget_conversation(ANN, there)
    await conversations.delete(ANN, there)
    assert files_with(tmp_path, WORDS) == []
    await recall.close()
    await engine.dispose()
    assert files_with(tmp_path, WORDS) == []


async def test_erasing_leaves_nothing_of_one_owner_and_all_of_the_others(
    tmp_path: Path, recall: Recall, conversations: Conversations, engine: AsyncEngine
) -> None:
    here, bobs = new_id(), new_id()
    await say(recall, conversations, here, TOLD)
    await say(recall, conversations, here, "Always answer in German.")
    await say(recall, conversations, bobs, "My name is Bob Moss.", BOB)
    await recall.add_passages(ANN, here, Media("a" * 64, "text/plain", 1, "x"), [f"A {WORDS}."])
    await recall.erase(ANN)
    assert await recall.count(ANN) == 0
    assert await recall.instructions(ANN) == []
    assert await recall.recall(ANN, f"{WORDS} password", besides=None) == []
    assert await recall.passages(ANN, here, WORDS, tokens=500) == []
    assert await provenance(conversations, here) == []
    assert await recall.count(BOB) == 3
    await conversations.delete(ANN, here)
    assert files_with(tmp_path, WORDS) == []
    await recall.close()
    await engine.dispose()
    assert files_with(tmp_path, WORDS) == []


async def test_a_turn_that_runs_does_not_bring_back_what_was_forgotten_meanwhile(
    recall: Recall, conversations: Conversations
) -> None:
    here, there = new_id(), new_id()
    _, _, [fact] = await say(recall, conversations, here, TOLD)
    words, answer = said("Which password?"), reply()
    await conversations.begin_turn(ANN, there, words, answer)
    running = replace(answer, provenance=Provenance(recalled=(fact,)))
    await conversations.save(ANN, there, running)
    await recall.forget(ANN, fact.id)
    await conversations.save(ANN, there, running)
    assert await provenance(conversations, there) == []
    await conversations.save(ANN, there, replace(running, status="done"))
    assert await provenance(conversations, there) == []


async def test_a_branch_that_was_left_is_dropped_with_what_was_told_there(
    recall: Recall, conversations: Conversations
) -> None:
    await say(recall, conversations, new_id(), "I live in Lima.")
    here = new_id()
    words, answer, [fact] = await say(recall, conversations, here, "I live in Berlin.")
    await recall.drop_messages(ANN, [words.id, answer.id])
    with pytest.raises(Missing):
        await recall.get(ANN, fact.id)
    found = await recall.recall(ANN, "Where do I live?", besides=None)
    assert [memory.text for memory in found] == ["I live in Lima"]
    await recall.remember(ANN, here, [words])  # gone back to
    assert (await recall.get(ANN, words.id)).text == "I live in Berlin."


async def test_forgetting_is_for_the_owner_alone(
    recall: Recall, conversations: Conversations
) -> None:
    here = new_id()
    words, answer, [fact] = await say(recall, conversations, here, TOLD)
    for stranger in (BOB, "cleo", *HOSTILE):
        with pytest.raises(Missing):
            await recall.forget(stranger, fact.id)
        if stranger.isprintable() and stranger:
            await recall.forget_conversation(stranger, here)
            await recall.drop_messages(stranger, [words.id, answer.id])
            await recall.erase(stranger)
            assert await conversations.unrecall(stranger, [fact.id, words.id]) == 0
        else:
            for attempt in (
                recall.forget_conversation(stranger, here),
                recall.drop_messages(stranger, [words.id]),
                recall.erase(stranger),
                recall.count(stranger),
            ):
                with pytest.raises(Missing):
                    await attempt
    assert await recall.count(ANN) == 3
    assert await provenance(conversations, here) == [fact.text]


async def test_a_reply_is_told_from_the_memories_that_it_shows(
    recall: Recall, conversations: Conversations
) -> None:
    here = new_id()
    words, answer, [fact] = await say(recall, conversations, here, TOLD)
    assert await conversations.unrecall(ANN, [new_id()]) == 0
    assert await conversations.unrecall(ANN, [fact.id]) == 1
    kept = await conversations.messages(ANN, here)
    assert [message.text for message in kept] == [words.text, answer.text]
    assert await provenance(conversations, here) == []


async def test_forgetting_that_is_stopped_is_done_nevertheless(
    recall: Recall, conversations: Conversations
) -> None:
    for wait in (0.0, 0.001, 0.003, 0.006, 0.012):
        _, _, [fact] = await say(
            recall, conversations, new_id(), f"Remember that my key is {wait}."
        )
        forgetting = asyncio.create_task(recall.forget(ANN, fact.id))
        await asyncio.sleep(wait)
        forgetting.cancel()
        await asyncio.gather(forgetting, return_exceptions=True)
        if wait:
            with pytest.raises(Missing):
                await recall.get(ANN, fact.id)
        async with asyncio.timeout(5):
            await say(recall, conversations, new_id(), "The database is free.")


WRITER = """
import asyncio, sys
from pathlib import Path
from memory.database import open_database
from memory.embedding import LocalEmbedding
from memory.recall import Recall
from tests.memory.files import recall_in
from memory.migrations import MIGRATIONS
from tests.memory.files import files_with
from tests.memory.sayings import ANN, said
from messages import new_id

async def main():
    root = Path(sys.argv[1])
    engine = await open_database(f"sqlite+aiosqlite:///{root}/data/parley.db", MIGRATIONS)
    recall = recall_in(engine, root / "data", LocalEmbedding())
    for number in range(300):
        told = said(f"Remember that my badge {number} opens door-{number}.")
        [fact] = await recall.note(ANN, new_id(), told)
        print("kept", fact.id, number, flush=True)
        if number % 3 == 2:
            await recall.forget(ANN, fact.id)
            print("gone", fact.id, number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [40, 170])
async def test_a_kill_in_the_middle_of_300_writes_loses_nothing_acknowledged(
    tmp_path: Path, embedding: LocalEmbedding, lines: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    seen = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    seen += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    whole = [line.decode().split() for line in seen if line.endswith(b"\n")]
    kept = {memory_id: number for word, memory_id, number in whole if word == "kept"}
    gone = {memory_id for word, memory_id, _ in whole if word == "gone"}
    assert lines * 0.6 < len(kept) < 300, "killed too early or too late"
    engine = await open_database(f"sqlite+aiosqlite:///{tmp_path}/data/parley.db", MIGRATIONS)
    recall = recall_in(engine, tmp_path / "data", embedding)
    # The last one kept may just have been forgotten, unacknowledged.
    for memory_id, number in list(kept.items())[:-1]:
        if memory_id in gone:
            with pytest.raises(Missing):
                await recall.get(ANN, memory_id)
        else:
            assert (
                await recall.get(ANN, memory_id)
            ).text == f"My badge {number} opens door-{number}"
            found = await recall.recall(ANN, f"What does badge {number} open?", besides=None)
            assert memory_id in [memory.id for memory in found]
    await recall.close()
    await engine.dispose()
