"""Where conversations stand in the list, and how they leave it."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.bringing import Arrivals, Brought
from memory.conversations import Conversations, Missing
from memory.listing import Contents, Listing, Thrown
from memory.recall import Recall
from messages import Conversation, Message, Text, new_id

ANN, BOB = "ann", "bob"


@pytest.fixture
def listing(engine: AsyncEngine) -> Listing:
    return Listing(engine)


@pytest.fixture
async def talks(engine: AsyncEngine) -> list[str]:
    """Five conversations of Ann, oldest first."""
    return await held(engine, ANN, 5)


async def held(engine: AsyncEngine, owner: str, count: int) -> list[str]:
    brought = [
        Brought(
            Conversation(new_id(), f"Talk {number}", float(number), float(number)),
            [Message(new_id(), "user", (Text(f"Saying {number}"),), float(number))],
        )
        for number in range(1, count + 1)
    ]
    await Arrivals(engine).store(owner, brought)
    return [one.conversation.id for one in brought]


def ids(listed: tuple[Conversation, ...]) -> list[str]:
    return [one.id for one in listed]


async def test_pinned_ones_stand_apart(listing: Listing, talks: list[str]) -> None:
    await listing.pin(ANN, talks[1], True)
    found = await listing.contents(ANN)
    assert ids(found.pinned) == [talks[1]]
    assert ids(found.recent) == [talks[4], talks[3], talks[2], talks[0]]
    await listing.pin(ANN, talks[1], False)
    assert len((await listing.contents(ANN)).recent) == 5


async def test_a_folder_is_there_while_something_is_in_it(
    listing: Listing, talks: list[str]
) -> None:
    assert await listing.put(ANN, talks[0], "  Work\n ") == "Work"
    await listing.put(ANN, talks[1], "Work")
    await listing.put(ANN, talks[2], "home")
    closed = await listing.contents(ANN)
    assert [(f.name, f.count, f.conversations) for f in closed.folders] == [
        ("home", 1, ()),
        ("Work", 2, ()),
    ]
    assert ids(closed.recent) == [talks[4], talks[3]]
    unfolded = (await listing.contents(ANN, unfolded=["Work", "none such"])).folders
    assert [ids(folder.conversations) for folder in unfolded] == [[], [talks[1], talks[0]]]
    await listing.rename_folder(ANN, "Work", "Deeds")
    assert await listing.folders(ANN) == ["Deeds", "home"]
    await listing.rename_folder(ANN, "Deeds", "")
    assert await listing.folders(ANN) == ["home"]
    await listing.put(ANN, talks[2], "")
    assert (await listing.contents(ANN)).folders == ()
    with pytest.raises(Missing):
        await listing.rename_folder(ANN, "Deeds", "x")


async def test_what_is_pinned_in_a_folder_is_listed_in_both(
    listing: Listing, talks: list[str]
) -> None:
    await listing.put(ANN, talks[0], "Work")
    await listing.pin(ANN, talks[0], True)
    found = await listing.contents(ANN, unfolded=["Work"])
    assert ids(found.pinned) == ids(found.folders[0].conversations) == [talks[0]]


async def test_no_more_are_read_than_are_shown(listing: Listing, engine: AsyncEngine) -> None:
    await held(engine, ANN, 25)
    some = await listing.contents(ANN, rows=10)
    assert (len(some.recent), some.more) == (10, True)
    everything = await listing.contents(ANN, rows=25)
    assert (len(everything.recent), everything.more) == (25, False)


@pytest.mark.parametrize("thief", [BOB, "", "ann' OR '1'='1"])
async def test_others_can_move_nothing(listing: Listing, talks: list[str], thief: str) -> None:
    for attempt in (
        listing.pin(thief, talks[0], True),
        listing.put(thief, talks[0], "Mine"),
        listing.throw(thief, talks[0], 1.0, forgets=True),
        listing.rename_folder(thief, "", "Mine"),
        listing.pin(ANN, "../../x", True),
        listing.pin(ANN, new_id(), True),
    ):
        with pytest.raises(Missing):
            await attempt
    assert len((await listing.contents(ANN)).recent) == 5
    assert await listing.contents(BOB) == Contents()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a" * 500, "a" * 60),
        ("\u202eevil", "evil"),
        ("<b>x</b>", "<b>x</b>"),
        ("\x00\n\t", "\ufffd"),
        ("# Work", "Work"),
    ],
)
async def test_a_hostile_name_of_a_folder_is_one_short_line(
    listing: Listing, talks: list[str], name: str, kept: str
) -> None:
    assert await listing.put(ANN, talks[0], name) == kept


async def test_what_is_thrown_away_is_nowhere_until_it_is_taken_back(
    listing: Listing, conversations: Conversations, talks: list[str]
) -> None:
    gone = talks[2]
    await listing.throw(ANN, gone, 100.0, forgets=True)
    assert gone not in ids((await listing.contents(ANN)).recent)
    assert gone not in [one.id for one in await conversations.list(ANN)]
    with pytest.raises(Missing):
        await conversations.get(ANN, gone)
    said = Message(new_id(), "user", (Text("x"),), 200.0)
    with pytest.raises(Missing):
        await conversations.begin_turn(ANN, gone, said, said)
    with pytest.raises(Missing):
        await listing.take_back(BOB, gone)
    assert await listing.thrown(before=100.0) == []
    assert await listing.thrown(before=101.0) == [Thrown(ANN, gone, forgets=True)]
    await listing.take_back(ANN, gone)
    assert gone in ids((await listing.contents(ANN)).recent)
    assert await listing.thrown(before=101.0) == []


async def test_memories_of_what_is_thrown_away_are_not_recalled_unless_they_stay(
    listing: Listing, recall: Recall, talks: list[str]
) -> None:
    said = Message(new_id(), "user", (Text("My parrot is called Archibald."),), 5.0)
    await recall.remember(ANN, talks[0], [said])

    async def recalled() -> list[str]:
        return [m.text for m in await recall.recall(ANN, "parrot Archibald", besides=None)]

    assert await recalled() == [said.text]
    await listing.throw(ANN, talks[0], 1.0, forgets=True)
    assert await recalled() == []
    await listing.take_back(ANN, talks[0])
    await listing.throw(ANN, talks[0], 1.0, forgets=False)
    assert await recalled() == [said.text]
