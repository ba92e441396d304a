"""Versions of questions and replies: a tree of which one branch is the conversation, none is lost."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.conversations import Busy, Conversations, Missing
from memory.database import open_database
from memory.migrations import MIGRATIONS
from memory.schema import messages
from memory.versions import Versions
from messages import Image, Media, Message, Provenance, Text, message_to_json, new_id
from tests.memory.sayings import ANN, BOB, HOSTILE, reply, said


@pytest.fixture
def versions(engine: AsyncEngine) -> Versions:
    return Versions(engine)


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


async def test_a_version_comes_back_with_what_was_last_shown_after_it(
    conversations: Conversations, versions: Versions
) -> None:
    here = new_id()
    first = await turn(conversations, here, "One")
    second = await turn(conversations, here, "Two")
    again = (await conversations.begin_retry(ANN, here, second[1].id, reply())).reply
    again = await done(conversations, here, again, "Better")
    third = await turn(conversations, here, "Three")
    edited = await turn(conversations, here, "Uno", instead_of=first[0].id)
    more = await turn(conversations, here, "Due")

    back = await versions.select(ANN, here, first[0].id)
    assert back.left == tuple(m.id for m in (*edited, *more))
    assert back.again == ()
    shown = await conversations.messages(ANN, here)
    whole = ["One", "About One", "Two", "Better", "Three", "About Three"]
    assert [m.text for m in shown] == whole
    assert shown[0].versions == (first[0].id, edited[0].id)
    assert shown[3].versions == (second[1].id, again.id)

    await versions.select(ANN, here, second[1].id)
    assert await texts(conversations, here) == ["One", "About One", "Two", "About Two"]
    await turn(conversations, here, "Other")
    assert (await versions.select(ANN, here, again.id)).left[0] == second[1].id
    assert await texts(conversations, here) == whole
    assert (await versions.select(ANN, here, third[0].id)).left == ()  # it is shown already
    await versions.select(ANN, here, edited[0].id)
    assert await texts(conversations, here) == ["Uno", "About Uno", "Due", "About Due"]
    await versions.select(ANN, here, first[0].id)
    await versions.select(ANN, here, second[1].id)
    assert (await texts(conversations, here))[-2:] == ["Other", "About Other"]


async def test_a_version_of_another_branch_is_shown_only_with_its_branch(
    conversations: Conversations, versions: Versions
) -> None:
    here = new_id()
    first = await turn(conversations, here, "One")
    second = await turn(conversations, here, "Two")
    again = (await conversations.begin_retry(ANN, here, second[1].id, reply())).reply
    await done(conversations, here, again, "Better")
    await turn(conversations, here, "Uno", instead_of=first[0].id)
    for wrong in (second[1].id, again.id, second[0].id, new_id(), *HOSTILE):
        with pytest.raises(Missing):
            await versions.select(ANN, here, wrong)
    assert await texts(conversations, here) == ["Uno", "About Uno"]
    await conversations.begin_turn(ANN, here, said("More"), reply())
    with pytest.raises(Busy):
        await versions.select(ANN, here, first[0].id)


async def test_memories_come_back_only_with_messages_that_had_them(
    conversations: Conversations, versions: Versions
) -> None:
    here = new_id()
    _, old = await turn(conversations, here, "One")
    begun = await conversations.begin_retry(ANN, here, old.id, reply())
    await done(conversations, here, begun.reply, "Better")
    await versions.had_memories(ANN, here, {old.id})
    await versions.had_memories(BOB, here, {begun.reply.id})
    back = await versions.select(ANN, here, old.id)
    assert (back.left, [m.id for m in back.again]) == ((begun.reply.id,), [old.id])
    assert (await versions.select(ANN, here, begun.reply.id)).again == ()
    assert (await versions.select(ANN, here, old.id)).again == ()  # nobody dropped them since


async def test_a_rating_is_kept_whatever_a_late_save_says(
    conversations: Conversations, versions: Versions
) -> None:
    here = new_id()
    question, answer = await turn(conversations, here, "One")
    for rating in (1, -1):
        await versions.rate(ANN, here, answer.id, rating)
        await done(conversations, here, answer, "About One")
        assert (await conversations.messages(ANN, here))[1].rating == rating
    await versions.rate(ANN, here, answer.id, 0)
    assert (await conversations.messages(ANN, here))[1] == answer
    for wrong in (question.id, new_id(), *HOSTILE):
        with pytest.raises(Missing):
            await versions.rate(ANN, here, wrong, 1)


async def test_a_branch_is_a_conversation_of_its_own(
    conversations: Conversations, versions: Versions
) -> None:
    here, there = new_id(), new_id()
    picture = Media("a" * 64, "image/png", 10, "a.png")
    question = replace(said("Look"), parts=(Text("Look"), Image(picture, 3, 4)))
    answer = reply()
    await conversations.begin_turn(ANN, here, question, answer)
    await done(conversations, here, answer, "A cat")
    second = await turn(conversations, here, "Two")
    about = Provenance(model="m", window=9, dropped=1, sent_from=second[0].id)
    answered = replace(second[1], provenance=about)
    await conversations.save(ANN, here, answered)
    await conversations.pin(ANN, here, question.id, True)
    third = await turn(conversations, here, "Three")

    await versions.branch(ANN, here, second[1].id, there)
    copies = await conversations.messages(ANN, there)
    assert [m.text for m in copies] == ["Look", "A cat", "Two", "About Two"]
    assert copies[0].pinned
    assert {m.id for m in copies}.isdisjoint({question.id, answer.id, second[0].id, second[1].id})
    assert copies[3].provenance == replace(about, sent_from=copies[2].id)
    assert (await conversations.get(ANN, there)).title == "Look · branch"
    await turn(conversations, there, "Elsewhere")
    assert (await texts(conversations, here))[-2:] == ["Three", third[1].text]
    assert await conversations.delete(ANN, here) == {picture.sha256}
    assert len(await conversations.messages(ANN, there)) == 6
    assert await conversations.delete(ANN, there) == {picture.sha256}


async def test_what_cannot_be_branched_leaves_nothing_behind(
    conversations: Conversations, versions: Versions
) -> None:
    here, there, others = new_id(), new_id(), new_id()
    question, answer = await turn(conversations, here, "One")
    await conversations.begin_turn(BOB, others, said("Mine"), reply())
    running = reply()
    await conversations.begin_turn(ANN, here, said("Two"), running)
    with pytest.raises(Busy):
        await versions.branch(ANN, here, running.id, there)
    for upto, into in ((question.id, there), (new_id(), there), (answer.id, others), ("x", there)):
        with pytest.raises(Missing):
            await versions.branch(ANN, here, upto, into)
    with pytest.raises(Missing):
        await versions.branch(BOB, here, answer.id, there)
    assert [c.id for c in await conversations.list(ANN)] == [here]
    assert len(await conversations.messages(BOB, others)) == 2


async def test_a_reply_that_goes_on_is_the_same_reply(conversations: Conversations) -> None:
    here = new_id()
    first = await turn(conversations, here, "One")
    question, answer = said("Two"), reply("Half of")
    await conversations.begin_turn(ANN, here, question, answer)
    await conversations.interrupt_running()
    for wrong in (first[1].id, question.id, new_id(), *HOSTILE):
        with pytest.raises(Missing):
            await conversations.begin_again(ANN, here, wrong, lambda reply: reply)
    begun = await conversations.begin_again(
        ANN, here, answer.id, lambda reply: replace(reply, status="running")
    )
    assert (begun.said, begun.reply.id, begun.left) == (question, answer.id, ())
    assert (await conversations.messages(ANN, here))[-1].status == "running"
    with pytest.raises(Busy):
        await conversations.begin_again(ANN, here, answer.id, lambda reply: reply)


async def test_versions_are_for_their_owner_alone(
    conversations: Conversations, versions: Versions
) -> None:
    here = new_id()
    _, old = await turn(conversations, here, "One")
    begun = await conversations.begin_retry(ANN, here, old.id, reply())
    await done(conversations, here, begun.reply, "Better")
    for stranger in (BOB, "ANN", *HOSTILE):
        for attempt in (
            versions.select(stranger, here, old.id),
            versions.rate(stranger, here, begun.reply.id, 1),
            versions.branch(stranger, here, begun.reply.id, new_id()),
            conversations.begin_again(stranger, here, begun.reply.id, lambda reply: reply),
            conversations.message(stranger, here, begun.reply.id),
        ):
            with pytest.raises(Missing):
                await attempt
    assert await texts(conversations, here) == ["One", "Better"]


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
