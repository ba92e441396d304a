"""Everything that was said is found again by its words, by its owner alone."""

import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.conversations import Conversations
from memory.database import open_database
from memory.erasing import erase_owner
from memory.listing import Listing
from memory.media import MediaStore
from memory.migrations import MIGRATIONS
from memory.search import Found, Piece, Search
from messages import Document, Media, Message, Provenance, Text, message_to_json, new_id

ANN, BOB = "ann", "bob"


@pytest.fixture
def search(engine: AsyncEngine) -> Search:
    return Search(engine)


class Talk:
    """A conversation that is held in a moment."""

    def __init__(self, conversations: Conversations, owner: str = ANN) -> None:
        self.conversations, self.owner, self.id = conversations, owner, new_id()
        self.at = 1_700_000_000.0

    async def turn(self, asked: str, answered: str) -> tuple[Message, Message]:
        self.at += 60
        said = Message(new_id(), "user", (Text(asked),), self.at)
        running = Message(new_id(), "assistant", (), self.at + 1, "running", Provenance())
        await self.conversations.begin_turn(self.owner, self.id, said, running)
        reply = Message(running.id, "assistant", (Text(answered),), self.at + 1)
        await self.conversations.save(self.owner, self.id, said, reply)
        return said, reply


def marked(found: list[Found]) -> list[str]:
    """What is marked in the hits, in order."""
    hits = [hit for one in found for hit in one.hits]
    return [piece.text for hit in hits for piece in hit.excerpt if piece.match]


@pytest.mark.parametrize(
    ("text", "query", "marks"),
    [
        ("The lighthouse keeper left.", "lighthouse", ["lighthouse"]),
        ("The lighthouse keeper left.", "LIGHT", ["lighthouse"]),
        ("Two old houses by the sea", "sea house", ["houses", "sea"]),
        ("One house by the sea", "houses", ["house"]),
        ("Der Bäcker heißt Müller.", "muller backer", ["Bäcker", "Müller"]),
        ("L'éte\u0301 dernier", "été", ["été"]),
        ("明日は東京都の美術館に行きます", "美術館", ["美術館"]),
        ("明日は東京都の美術館に行きます", "京都", ["京都"]),
        ("我昨天买了一只猫", "猫", ["猫"]),
        ("我昨天买了一只猫和一条狗", "昨天 狗", ["昨天", "狗"]),
        ("서울에서 만나요", "서울", ["서울"]),
        ("मुझे हिन्दी आती है", "हिन्दी", ["हिन्दी"]),
        ("ฉันชอบกินข้าวผัด", "ข้าวผัด", ["ข้าวผัด"]),
        ("Ich heiße Anna und sage hello", "hello", ["hello"]),
        ("call f(x_1) at 3.14", "3.14", ["3", "14"]),
    ],
)  # fmt: skip
async def test_words_are_found_and_marked(
    conversations: Conversations, search: Search, text: str, query: str, marks: list[str]
) -> None:
    talk = Talk(conversations)
    said, _ = await talk.turn(text, "Nothing of the kind.")
    [found] = await search.find(ANN, query)
    assert found.conversation_id == talk.id
    assert [hit.message_id for hit in found.hits] == [said.id]
    assert marked([found]) == marks


@pytest.mark.parametrize(
    "query",
    ["", "   ", "*", '"', "nothere", "light nothere", "house)", "'; DROP TABLE messages; --", "大阪",
     "京東", "NEAR(a b)", "terms:x", "a" * 5_000, "\x00", "\ud800"],
)  # fmt: skip
async def test_what_was_not_said_is_not_found(
    conversations: Conversations, search: Search, query: str
) -> None:
    await Talk(conversations).turn("The lighthouse at 東京都", "Yes.")
    assert await search.find(ANN, query) == []


async def test_others_conversations_are_not_searched(
    conversations: Conversations, search: Search
) -> None:
    await Talk(conversations, BOB).turn("My secret garden", "Lovely.")
    assert await search.find(ANN, "secret") == []
    assert len(await search.find(BOB, "secret")) == 1


async def test_a_reply_is_found_once_it_is_whole_as_it_is_then(
    conversations: Conversations, search: Search
) -> None:
    talk = Talk(conversations)
    said = Message(new_id(), "user", (Text("Hi"),), 1.0)
    growing = Message(new_id(), "assistant", (Text("Half a thoug"),), 2.0, "running")
    await conversations.begin_turn(ANN, talk.id, said, growing)
    await conversations.save(ANN, talk.id, said, growing)
    assert await search.find(ANN, "half") == []
    whole = Message(growing.id, "assistant", (Text("Half a thought, whole."),), 2.0)
    await conversations.save(ANN, talk.id, said, whole)
    assert marked(await search.find(ANN, "thought half")) == ["Half", "thought"]


async def test_what_a_crash_left_is_found(conversations: Conversations, search: Search) -> None:
    talk = Talk(conversations)
    said = Message(new_id(), "user", (Text("Hi"),), 1.0)
    growing = Message(new_id(), "assistant", (Text("Half a thoug"),), 2.0, "running")
    await conversations.begin_turn(ANN, talk.id, said, growing)
    await conversations.interrupt_running()
    assert marked(await search.find(ANN, "thoug")) == ["thoug"]


async def test_versions_that_are_not_shown_are_not_found(
    conversations: Conversations, search: Search
) -> None:
    talk = Talk(conversations)
    _, reply = await talk.turn("Name a fruit", "Quince")
    other = Message(new_id(), "assistant", (), 3.0, "running")
    await conversations.begin_retry(ANN, talk.id, reply.id, other)
    await conversations.save(ANN, talk.id, Message(other.id, "assistant", (Text("Medlar"),), 3.0))
    assert await search.find(ANN, "quince") == []
    assert len(await search.find(ANN, "medlar")) == 1


async def test_titles_and_names_of_files_are_searched_too(
    conversations: Conversations, search: Search
) -> None:
    talk = Talk(conversations)
    paper = Document(Media("a" * 64, "application/pdf", 10, "Budget-2031.pdf"), 1, 5)
    said = Message(new_id(), "user", (paper, Text("What is in it?")), 1.0)
    await conversations.begin_turn(ANN, talk.id, said, Message(new_id(), "assistant", (), 1.0))
    assert marked(await search.find(ANN, "budget 2031")) == ["Budget", "2031"]
    await conversations.rename(ANN, talk.id, "About the Zeppelin")
    [found] = await search.find(ANN, "zeppelin")
    assert found.hits == ()
    assert found.title == (Piece("About the "), Piece("Zeppelin", match=True))


async def test_the_newest_conversations_come_first_with_their_newest_hits(
    conversations: Conversations, search: Search
) -> None:
    old, new = Talk(conversations), Talk(conversations)
    new.at += 10_000
    await new.turn("A fox", "Red.")
    for number in range(5):
        await old.turn(f"Fox number {number}", "Yes.")
    found = await search.find(ANN, "fox")
    assert [one.conversation_id for one in found] == [new.id, old.id]
    assert len(found[1].hits) == 3
    assert found[1].more == 2
    assert "".join(piece.text for piece in found[1].hits[0].excerpt) == "Fox number 4"


async def test_an_excerpt_shows_where_the_words_stand_close_together(
    conversations: Conversations, search: Search
) -> None:
    filler = "something else entirely, " * 60
    await Talk(conversations).turn(f"The cat. {filler}The cat and the dog. {filler}", "Yes.")
    [found] = await search.find(ANN, "cat dog")
    shown = "".join(piece.text for piece in found.hits[0].excerpt)
    assert "cat and the dog" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 250


async def test_deleted_and_thrown_away_is_found_no_longer(
    conversations: Conversations, search: Search, engine: AsyncEngine
) -> None:
    talk = Talk(conversations)
    await talk.turn("A walrus", "Yes.")
    listing = Listing(engine)
    await listing.throw(ANN, talk.id, 5.0, forgets=True)
    assert await search.find(ANN, "walrus") == []
    await listing.take_back(ANN, talk.id)
    assert len(await search.find(ANN, "walrus")) == 1
    await conversations.delete(ANN, talk.id)
    assert await search.find(ANN, "walrus") == []


@pytest.mark.files
async def test_deleted_words_stand_in_no_file(
    conversations: Conversations, engine: AsyncEngine, media: MediaStore, tmp_path: Path
) -> None:
    gone, kept, erased = Talk(conversations), Talk(conversations), Talk(conversations, BOB)
    await gone.turn("xylographically speaking", "Yes.")
    await kept.turn("something else", "Yes.")
    await erased.turn("brachiosaurus here", "Yes.")
    await conversations.delete(ANN, gone.id)
    await erase_owner(engine, media, BOB)
    every = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert b"xylographically" not in every.lower()
    assert b"brachiosaurus" not in every.lower()
    assert b"something else" in every


async def test_what_was_said_before_there_was_an_index_is_found(database_url: str) -> None:
    before = [step for step in MIGRATIONS if step.__name__ != "words_of_messages"]
    engine = await open_database(database_url, before)
    async with engine.begin() as connection:
        for number in range(3):
            talk, at = new_id(), float(number)
            row = {"id": talk, "owner": ANN, "title": "T", "created_at": at, "updated_at": at}
            await connection.execute(sa.insert(CONVERSATIONS).values(row))
            message = Message(new_id(), "user", (Text(f"Old oak {number}"),), at)
            body = message_to_json(message)
            said = {
                "id": message.id,
                "conversation_id": talk,
                "owner": ANN,
                "seq": 0,
                "role": "user",
            }
            said |= {"status": "done", "at": at, "replaced": False, "body": body}
            await connection.execute(sa.insert(MESSAGES).values(said))
    await engine.dispose()
    engine = await open_database(database_url, MIGRATIONS)
    assert len(await Search(engine).find(ANN, "oak")) == 3
    await engine.dispose()


CONVERSATIONS = sa.table(
    "conversations", *map(sa.column, ("id", "owner", "title", "created_at", "updated_at"))
)
MESSAGES = sa.table(
    "messages",
    *map(
        sa.column,
        ("id", "conversation_id", "owner", "seq", "role", "status", "at", "replaced", "body"),
    ),
)


async def test_two_thousand_conversations_are_searched_at_once(
    conversations: Conversations, search: Search, engine: AsyncEngine
) -> None:
    from memory.bringing import Arrivals, Brought
    from messages import Conversation

    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa".split()
    brought = []
    for number in range(2_000):
        about = Conversation(new_id(), f"Talk {number}", float(number), float(number))
        said = " ".join(words[(number + i) % 10] for i in range(40))
        brought.append(
            Brought(
                about,
                [
                    Message(new_id(), "user", (Text(f"{said} n{number}"),), float(number)),
                    Message(new_id(), "assistant", (Text(said),), float(number)),
                ],
            )
        )
    await Arrivals(engine).store(ANN, brought)
    await search.find(ANN, "alpha")
    began = time.perf_counter()
    [found] = await search.find(ANN, "n1234")
    rare_s = time.perf_counter() - began
    began = time.perf_counter()
    common = await search.find(ANN, "alpha")
    common_s = time.perf_counter() - began
    assert found.conversation_id == brought[1234].conversation.id
    assert len(common) == 30
    assert max(rare_s, common_s) < 2
