"""Versions of questions and replies: a tree of which one branch is the conversation, none is lost."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.conversations import Busy, Conversations, Missing
from memory.database import open_database
from memory.migrations import MIGRATIONS
from memory.schema import messages
from messages import Message, Text, message_to_json, new_id
from tests.memory.sayings import ANN, HOSTILE, reply, said


async def turn(
    conversations: Conversations, here: str, words: str, instead_of: str = ""
) -> tuple[Message, Message]:
    question, answer = said(words), reply()
    await conversations.begin_turn(ANN, here, question, answer, instead_of)
    return question, await done(conversations, here, answer, f"About {words}")


async def done(conversations: Conversations, here: str, answer: Message, words: str) -> Message:
    answer = replace(answer, parts=(Text(words),), status="done")
    await conversations.save(ANN, here, answer)
    return answer


async def texts(conversations: Conversations, here: str) -> list[str]:
    return [message.text for message in await conversations.messages(ANN, here)]


async def test_a_retry_is_another_version_of_the_reply(conversations: Conversations) -> None:
    here = new_id()
    first = await turn(conversations, here, "One")
    question, old = await turn(conversations, here, "Two")
    begun = await conversations.begin_retry(ANN, here, old.id, reply())
    assert (begun.said, begun.left) == (question, (old.id,))
    assert begun.reply.versions == (old.id, begun.reply.id)
    await done(conversations, here, begun.reply, "Better")
    shown = await conversations.messages(ANN, here)
    assert shown[:3] == [*first, question]
    assert (shown[3].text, shown[3].versions) == ("Better", (old.id, begun.reply.id))
    await turn(conversations, here, "Three")
    assert (await texts(conversations, here))[2:] == ["Two", "Better", "Three", "About Three"]


async def test_an_earlier_reply_asked_for_again_leaves_what_followed_it(
    conversations: Conversations,
) -> None:
    here = new_id()
    _, old = await turn(conversations, here, "One")
    question, answer = await turn(conversations, here, "Two")
    begun = await conversations.begin_retry(ANN, here, old.id, reply())
    assert begun.left == (old.id, question.id, answer.id)
    await done(conversations, here, begun.reply, "Anew")
    assert await texts(conversations, here) == ["One", "Anew"]


async def test_an_edited_question_is_another_version_of_it(conversations: Conversations) -> None:
    here = new_id()
    first = await turn(conversations, here, "One")
    second = await turn(conversations, here, "Two")
    edited, _ = await turn(conversations, here, "Uno", instead_of=first[0].id)
    shown = await conversations.messages(ANN, here)
    assert [m.text for m in shown] == ["Uno", "About Uno"]
    assert [m.versions for m in shown] == [(first[0].id, edited.id), ()]
    assert (await conversations.get(ANN, here)).title == "Uno"
    with pytest.raises(Missing):  # it is shown no longer
        await turn(conversations, here, "Due", instead_of=second[0].id)
    await conversations.rename(ANN, here, "Numbers")
    await turn(conversations, here, "Eins", instead_of=edited.id)
    assert (await conversations.get(ANN, here)).title == "Numbers"


async def test_what_is_no_reply_that_is_shown_cannot_be_asked_for_again(
    conversations: Conversations,
) -> None:
    here = new_id()
    everything = [
        *await turn(conversations, here, "One"),
        *await turn(conversations, here, "Two"),
    ]
    for wrong in (everything[0].id, everything[2].id, new_id(), *HOSTILE):
        with pytest.raises(Missing):
            await conversations.begin_retry(ANN, here, wrong, reply())
    for wrong in (everything[1].id, new_id(), *HOSTILE[:3]):
        with pytest.raises(Missing):
            await conversations.begin_turn(ANN, here, said("x"), reply(), wrong)
    assert await conversations.messages(ANN, here) == everything
    assert [c.title for c in await conversations.list(ANN)] == ["One"]


async def test_nothing_is_edited_while_a_reply_runs(conversations: Conversations) -> None:
    here = new_id()
    question, answer = await turn(conversations, here, "One")
    await conversations.begin_turn(ANN, here, said("Two"), reply())
    with pytest.raises(Busy):
        await conversations.begin_turn(ANN, here, said("Uno"), reply(), question.id)
    with pytest.raises(Busy):
        await conversations.begin_retry(ANN, here, answer.id, reply())


async def test_conversations_from_before_there_were_versions_keep_their_replies(
    database_url: str,
) -> None:
    """Replies that were asked for again stood beside the new one already, without a way to them."""
    names = [step.__name__ for step in MIGRATIONS]
    before = MIGRATIONS[: names.index("versions_of_messages")]
    here, at = new_id(), 0.0
    question, old, new, more, last = (
        said("One"), reply("Old", "done"), reply("New", "done"), said("Two"), reply("End", "done"),
    )  # fmt: skip
    earlier = await open_database(database_url, before)
    rows = [(question, 0), (old, 1), (new, 1), (more, 2), (last, 3)]
    async with earlier.begin() as connection:
        await connection.execute(
            sa.text("INSERT INTO conversations VALUES (:id, :owner, 'One', 0, 0)"),
            {"id": here, "owner": ANN},
        )
        for message, seq in rows:
            at += 1
            told = {"id": message.id, "owner": ANN, "role": message.role, "status": "done"}
            place = {"conversation_id": here, "seq": seq, "at": at, "replaced": message is old}
            await connection.execute(
                sa.insert(messages).values(**told, **place, body=message_to_json(message))
            )
    await earlier.dispose()
    engine: AsyncEngine = await open_database(database_url, MIGRATIONS)
    conversations = Conversations(engine)
    shown = await conversations.messages(ANN, here)
    assert [m.text for m in shown] == ["One", "New", "Two", "End"]
    assert [m.versions for m in shown] == [(), (old.id, new.id), (), ()]
    await turn(conversations, here, "Three")
    async with engine.connect() as connection:
        found = await connection.execute(sa.select(messages.c.id, messages.c.parent))
        parents = {row.id: row.parent for row in found}
    assert parents[question.id] == ""
    assert parents[old.id] == parents[new.id] == question.id
    assert (parents[more.id], parents[last.id]) == (new.id, more.id)
    await engine.dispose()
