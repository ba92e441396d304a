"""A shared conversation: what it held when it was shared, for whoever has the link, until it is withdrawn."""

import re

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.conversations import Conversations, Missing
from memory.listing import Listing
from memory.shares import Shares
from messages import Document, Image, Media, Message, Text, ToolCall, ToolResult, new_id

ANN, BOB = "ann", "bob"
SHOWN, DRAWN = Media("a" * 64, "image/png", 3), Media("b" * 64, "image/png", 3)
PAPER, ELSEWHERE = Media("c" * 64, "application/pdf", 3), Media("d" * 64, "image/png", 3)


@pytest.fixture
def shares(engine: AsyncEngine) -> Shares:
    return Shares(engine)


async def turn(conversations: Conversations, talk: str, at: float, *parts: object) -> list[str]:
    said = Message(new_id(), "user", (*parts, Text(f"Asked at {at}")), at)  # type: ignore[arg-type]
    drawn = (ToolCall("1", "chart", "{}"), ToolResult("1", "made", pictures=(DRAWN,)))
    reply = Message(new_id(), "assistant", (*drawn, Text(f"Answered at {at}")), at)
    await conversations.begin_turn(ANN, talk, said, reply)
    return [said.id, reply.id]


async def test_a_share_shows_what_there_was_until_it_is_made_anew(
    conversations: Conversations, shares: Shares
) -> None:
    talk = new_id()
    first = await turn(conversations, talk, 1.0)
    made = await shares.share(ANN, talk)
    assert re.fullmatch("[0-9a-f]{32}", made.token)
    assert (made.messages, made.newer) == (2, 0)
    second = await turn(conversations, talk, 2.0)
    await conversations.rename(ANN, talk, "A later title")
    seen = await shares.open(made.token)
    assert [message.id for message in seen.messages] == first
    assert seen.title == "Asked at 1.0"
    now = await shares.of(ANN, talk)
    assert now is not None
    assert (now.messages, now.newer) == (2, 2)
    again = await shares.share(ANN, talk)
    assert again.token == made.token
    seen = await shares.open(made.token)
    assert [message.id for message in seen.messages] == [*first, *second]
    assert seen.title == "A later title"


async def test_a_running_reply_is_not_shared(conversations: Conversations, shares: Shares) -> None:
    talk = new_id()
    said = Message(new_id(), "user", (Text("Hi"),), 1.0)
    running = Message(new_id(), "assistant", (Text("Ha"),), 1.0, "running")
    await conversations.begin_turn(ANN, talk, said, running)
    made = await shares.share(ANN, talk)
    assert [message.id for message in (await shares.open(made.token)).messages] == [said.id]


async def test_only_pictures_that_are_shown_come_by_a_share(
    conversations: Conversations, shares: Shares
) -> None:
    talk, other = new_id(), new_id()
    picture, paper = Image(SHOWN, 1, 1), Document(PAPER, 1, 1)
    await turn(conversations, talk, 1.0, picture, paper)
    made = await shares.share(ANN, talk)
    await turn(conversations, talk, 2.0, Image(ELSEWHERE, 1, 1))
    await turn(conversations, other, 2.0, Image(ELSEWHERE, 1, 1))
    for media in (SHOWN, DRAWN):
        assert await shares.media(made.token, media.sha256) == (ANN, media)
    for sha256 in (PAPER.sha256, ELSEWHERE.sha256, "e" * 64, "../../etc/passwd", ""):
        with pytest.raises(Missing):
            await shares.media(made.token, sha256)
    with pytest.raises(Missing):
        await shares.media(new_id(), SHOWN.sha256)


async def test_a_share_ends_when_it_is_withdrawn_or_its_conversation_goes(
    conversations: Conversations, shares: Shares, engine: AsyncEngine
) -> None:
    talk, listing = new_id(), Listing(engine)
    await turn(conversations, talk, 1.0, Image(SHOWN, 1, 1))

    async def is_gone(token: str) -> None:
        with pytest.raises(Missing):
            await shares.open(token)
        with pytest.raises(Missing):
            await shares.media(token, SHOWN.sha256)

    first = await shares.share(ANN, talk)
    await shares.withdraw(ANN, talk)
    await is_gone(first.token)
    assert await shares.of(ANN, talk) is None
    second = await shares.share(ANN, talk)
    assert second.token != first.token
    await is_gone(first.token)
    assert (await listing.contents(ANN)).recent[0].shared
    await listing.throw(ANN, talk, 1.0, forgets=False)
    await is_gone(second.token)
    await listing.take_back(ANN, talk)
    assert len((await shares.open(second.token)).messages) == 2
    await conversations.delete(ANN, talk)
    await is_gone(second.token)


async def test_others_can_neither_share_nor_withdraw(
    conversations: Conversations, shares: Shares
) -> None:
    talk = new_id()
    await turn(conversations, talk, 1.0)
    made = await shares.share(ANN, talk)
    for attempt in (shares.share(BOB, talk), shares.withdraw(BOB, talk)):
        with pytest.raises(Missing):
            await attempt
    assert await shares.of(BOB, talk) is None
    for token in ("", "x", made.token.upper(), made.token + "0", talk, "%", "' OR 1=1 --"):
        with pytest.raises(Missing):
            await shares.open(token)
    with pytest.raises(Missing):
        await shares.share(ANN, new_id())
