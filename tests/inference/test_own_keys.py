"""A visitor's own key: it answers that visitor alone, for two hours, and is written nowhere."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import (
    BackendError,
    BudgetSpent,
    ChatRequest,
    Errand,
    KeyRejected,
    ModelUnavailable,
    RateLimited,
    TextChunk,
)
from inference.budget import Limits
from inference.connection import Connection
from inference.ledger import Ledger
from inference.openai_backend import OpenAIBackend
from inference.own_keys import LIFE_S, LINGER_S, MOST_TRIES, OwnKeys
from inference.provider import Provider, load_providers
from inference.switchboard import Line, Switchboard
from messages import Media
from tests.conftest import said
from tests.scripted_server import ScriptedServer

ANN, BEN = "ann", "ben"
CANARY = "canary-in-the-coal-mine-1234"  # unlike any known form of key
HOUSE = "the-operators-own-key"


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Everything:
    """The operator's Oxlo on one server, the Oxlo and the Groq of visitors on others."""

    def __init__(self, engine: AsyncEngine, servers: list[ScriptedServer]) -> None:
        self.house, self.oxlo, self.groq = servers
        known = load_providers()
        self.providers: dict[str, Provider] = {
            **known,
            "oxlo": replace(known["oxlo"], base_url=self.oxlo.base_url),
            "groq": replace(known["groq"], base_url=self.groq.base_url),
        }
        self.clock = Clock()
        self.ledger = Ledger(engine, {"oxlo": Limits(per_day=1, reserve=1, label="Oxlo.ai")})
        self.keys = OwnKeys(self.providers, self.ledger, clock=self.clock, most=3)
        self.board = Switchboard(self._dial, self.keys)

    def _dial(self, provider: Provider, key: str) -> OpenAIBackend:
        return OpenAIBackend(provider, key, self.ledger)

    async def ask(self, owner: str, line: Line | None = None, pool: str = "") -> str:
        """What the visitor's first line replies."""
        line = line or self.board.of(owner).lines()[0]
        request = ChatRequest("m", "", [said("Hello")], _nothing, 100)
        errand = Errand(owner, "c", "t", "answer", pool=pool)
        chunks = [chunk async for chunk in line.backend.chat(request, errand)]
        return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))


def _nothing(_: Media) -> bytes:
    raise AssertionError


def chats(server: ScriptedServer) -> list[str]:
    """The keys with which a server was asked for replies."""
    return [h.headers["authorization"] for h in server.hits if h.path.endswith("completions")]


@pytest.fixture
def servers() -> Iterator[list[ScriptedServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(ScriptedServer()) for _ in range(3)]


@pytest.fixture
async def every(engine: AsyncEngine, servers: list[ScriptedServer]) -> AsyncIterator[Everything]:
    opened = Everything(engine, servers)
    facts = replace(load_providers()["oxlo"], base_url=opened.house.base_url)
    await opened.board.add(Connection(facts, HOUSE))
    yield opened
    await opened.keys.aclose()
    await opened.board.aclose()


async def test_an_own_key_answers_its_visitor_and_nobody_else(every: Everything) -> None:
    every.oxlo.says("for Ann")
    every.house.says("for Ben")
    told = await every.keys.connect(ANN, "oxlo", CANARY)
    assert told == "Connected: Oxlo.ai offers 1 model, and answers you with your own key now."
    assert await every.ask(ANN) == "for Ann"
    assert await every.ask(BEN, every.board.lines()[0]) == "for Ben"
    assert every.board.of(BEN) is every.board
    assert chats(every.oxlo) == [f"Bearer {CANARY}"]
    assert chats(every.house) == [f"Bearer {HOUSE}"]
    mine = every.board.of(ANN).lines()[0].provider
    assert mine.label == "Oxlo.ai (your key)"
    assert [line.provider.name for line in every.board.of(ANN).lines()] == [mine.name, "oxlo"]
    with pytest.raises(ModelUnavailable, match="Your own key is not connected"):
        every.board.of(BEN).line(mine.name)
    assert every.board.of(ANN).of(BEN) is every.board


async def test_two_visitors_of_one_provider_have_a_line_each(every: Everything) -> None:
    await every.keys.connect(ANN, "oxlo", CANARY)
    await every.keys.connect(BEN, "oxlo", "another-key-of-somebody")
    await every.ask(ANN)
    await every.ask(BEN)
    assert chats(every.oxlo) == [f"Bearer {CANARY}", "Bearer another-key-of-somebody"]
    names = {every.board.of(owner).lines()[0].provider.name for owner in (ANN, BEN)}
    assert len(names) == 2


async def test_the_operators_count_does_not_move_and_its_end_does_not_matter(
    every: Everything,
) -> None:
    with pytest.raises(BudgetSpent):  # a visitor has no part of the operator's reserve
        await every.ask(ANN, pool="203.0.113.0/24")
    await every.keys.connect(ANN, "oxlo", CANARY)
    for _ in range(3):
        assert await every.ask(ANN, pool="203.0.113.0/24") == "ok"
    mine = every.board.of(ANN).lines()[0].provider.name
    assert await every.ledger.used_today("oxlo") == 0
    assert await every.ledger.used_today(mine) == 3
    assert (await every.ledger.left(mine)).left is None
    assert await every.ledger.by_purpose(mine, ANN) == {"answer": 3}
    assert await every.ledger.by_purpose(mine, BEN) == {}


async def test_two_hours_after_it_was_last_used_the_house_answers_again(every: Everything) -> None:
    gone: list[str] = []
    await every.keys.connect(ANN, "oxlo", CANARY)
    every.keys.on_change = gone.append
    every.clock.now += LIFE_S - 1
    await every.ask(ANN)
    every.clock.now += LIFE_S - 1
    for _ in range(3):  # to look at it is no use of it
        assert every.keys.of(ANN).connected == "Oxlo.ai (your key)"
    every.clock.now += 1
    assert every.board.of(ANN) is every.board
    assert every.keys.of(ANN).connected == ""
    assert gone == [ANN]


async def test_a_key_goes_in_time_also_where_nobody_asks_for_it(every: Everything) -> None:
    gone: list[str] = []
    await every.keys.connect(ANN, "oxlo", CANARY)
    line = every.board.of(ANN).lines()[0]
    every.keys.on_change = gone.append
    every.clock.now += LIFE_S
    await every.keys.tidy()
    assert gone == [ANN]
    with pytest.raises(KeyRejected, match="not connected any more"):
        await every.ask(ANN, line)


async def test_a_turn_that_runs_when_its_key_goes_still_ends(every: Everything) -> None:
    await every.keys.connect(ANN, "oxlo", CANARY)
    every.oxlo.says("still ", "here", delay_s=0.05)
    line = every.board.of(ANN).lines()[0]
    request = ChatRequest("m", "", [said("Hello")], _nothing, 100)
    stream = line.backend.chat(request, Errand(ANN, "c", "t", "answer"))
    words = [await anext(stream)]
    await every.keys.disconnect(ANN)
    every.clock.now += LINGER_S
    await every.keys.tidy()
    words += [chunk async for chunk in stream]
    assert [w.text for w in words if isinstance(w, TextChunk)] == ["still ", "here"]
    assert await every.ask(ANN, line) == "ok"  # its next round, after a tool
    every.clock.now += LINGER_S
    await every.keys.tidy()
    with pytest.raises(KeyRejected, match="not connected any more"):
        await every.ask(ANN, line)
    assert every.board.of(ANN) is every.board


async def test_a_rejected_key_is_told_without_being_shown_and_is_not_kept(
    every: Everything,
) -> None:
    every.oxlo.fails(401, {"error": {"message": f"Incorrect API key: {CANARY}"}}, on="models")
    with pytest.raises(KeyRejected) as told:
        await every.keys.connect(ANN, "oxlo", CANARY)
    assert "Oxlo.ai rejects the key" in told.value.message
    assert CANARY not in told.value.message + told.value.advice
    assert "OXLO_API_KEY" not in told.value.advice
    assert every.board.of(ANN) is every.board


async def test_a_key_that_is_rejected_later_is_told_in_words_for_its_visitor(
    every: Everything,
) -> None:
    await every.keys.connect(ANN, "oxlo", CANARY)
    every.oxlo.fails(401, {"error": {"message": f"{CANARY} was revoked"}})
    with pytest.raises(KeyRejected) as told:
        await every.ask(ANN)
    assert CANARY not in told.value.message
    assert "OXLO_API_KEY" not in told.value.advice


async def test_a_rejected_key_leaves_the_one_before_it(every: Everything) -> None:
    await every.keys.connect(ANN, "oxlo", CANARY)
    every.groq.fails(401, on="models")
    with pytest.raises(KeyRejected):
        await every.keys.connect(ANN, "groq", "a-wrong-key-for-groq")
    assert every.keys.of(ANN).connected == "Oxlo.ai (your key)"


async def test_where_there_is_no_list_the_key_is_kept_and_said_to_be_unchecked(
    every: Everything,
) -> None:
    every.oxlo.fails(404, {"error": {"message": "no such path"}}, on="models")
    told = await every.keys.connect(ANN, "oxlo", CANARY)
    assert told.startswith("Kept, but not checked.")
    assert "first message will show" in told
    assert await every.ask(ANN) == "ok"


async def test_a_key_goes_to_known_providers_that_ask_for_one_and_to_no_address_of_a_visitor(
    every: Everything,
) -> None:
    offered = every.keys.of(ANN).providers
    assert {"oxlo", "openai", "openrouter", "groq", "together", "fireworks"} == set(offered)
    assert offered["oxlo"] == "Oxlo.ai"
    for name in ("custom", "ollama", "vllm", "offline", "", every.house.base_url):
        with pytest.raises(ModelUnavailable):
            await every.keys.connect(ANN, name, CANARY)
    assert [server.hits for server in (every.house, every.oxlo, every.groq)] == [[], [], []]


@pytest.mark.parametrize(
    "key",
    ["", "short", "x" * 513, f"{CANARY}\r\nx: y", f"{CANARY}\0", "schlüssel-1234", "two words"],
)
async def test_what_cannot_be_a_key_is_sent_nowhere(every: Everything, key: str) -> None:
    with pytest.raises(KeyRejected) as told:
        await every.keys.connect(ANN, "oxlo", key)
    assert not key or key not in told.value.message
    assert every.oxlo.hits == []


async def test_a_visitor_says_which_plan_their_account_has(every: Everything) -> None:
    every.oxlo.models([{"id": "deepseek-v3.2"}, {"id": "gpt-oss-20b"}])
    for plan, window in (("", 8_192), ("pro", 16_384)):
        await every.keys.connect(ANN, "oxlo", CANARY, plan)
        board = every.board.of(ANN)
        assert board.lines()[0].provider.limit.window_in == window
        assert ("gpt-oss-20b" in {offer.model for offer in board.offers()}) is (plan == "pro")
    assert every.keys.of(BEN).plans == {"oxlo": ("free", "pro", "premium")}
    with pytest.raises(ModelUnavailable, match="has the plans free, pro, premium"):
        await every.keys.connect(BEN, "oxlo", CANARY, "gold")
    assert every.keys.line(BEN) is None


async def test_of_too_many_keys_the_longest_unused_goes(every: Everything) -> None:
    for owner in (ANN, BEN, "cid"):
        await every.keys.connect(owner, "oxlo", f"key-number-of-{owner}")
        every.clock.now += 10
    await every.ask(ANN)
    await every.keys.connect("dot", "oxlo", "key-number-of-dot")
    held = [owner for owner in (ANN, BEN, "cid", "dot") if every.keys.of(owner).connected]
    assert held == [ANN, "cid", "dot"]


async def test_this_is_no_place_to_test_many_keys(every: Everything) -> None:
    for number in range(MOST_TRIES):
        every.oxlo.fails(401, on="models")
        with pytest.raises(KeyRejected):
            await every.keys.connect(f"visitor-{number}", "oxlo", f"stolen-key-{number}")
    with pytest.raises(RateLimited):
        await every.keys.connect(ANN, "oxlo", CANARY)
    assert len(every.oxlo.hits) == MOST_TRIES
    every.clock.now += 60
    await every.keys.connect(ANN, "oxlo", CANARY)


async def test_the_own_provider_hears_and_speaks_where_it_can_and_a_free_one_elsewhere(
    every: Everything,
) -> None:
    known = load_providers()
    await every.board.add(Connection(known["kokoro"], "none"))
    await every.board.add(Connection(replace(known["openai"], name="openai@speech"), HOUSE))
    every.board.use("speech", "openai@speech")
    await every.keys.connect(ANN, "groq", CANARY)
    board = every.board.of(ANN)
    names = [board.for_sense(t).provider.name for t in ("chat", "transcription", "speech")]
    assert len(set(names)) == 1
    assert names[0].startswith("groq@own-")
    # OpenRouter does not speak: what the operator named for it does.
    every.providers["openrouter"] = replace(
        known["openrouter"], base_url=every.groq.base_url, senses=("chat",)
    )
    keys = OwnKeys(every.providers, every.ledger, clock=every.clock)
    await keys.connect(ANN, "openrouter", CANARY)
    board = Switchboard(every._dial, keys)
    await board.add(Connection(known["oxlo"], HOUSE))  # bills: never asked unasked
    assert board.of(ANN).for_sense("transcription").provider.name.startswith("openrouter@own-")
    await board.add(Connection(known["kokoro"], "none"))
    assert board.of(ANN).for_sense("speech").provider.name == "kokoro"
    await keys.aclose()
    await board.aclose()


async def test_what_the_own_server_offers_is_offered_to_its_visitor_alone(
    every: Everything,
) -> None:
    every.oxlo.models([{"id": "rare-one"}, {"id": "deepseek-v3.2"}])
    await every.keys.connect(ANN, "oxlo", CANARY)
    board = every.board.of(ANN)
    own = board.lines()[0]
    assert "rare-one" in {offer.model for offer in board.offers() if "your key" in offer.label}
    assert "rare-one" not in {offer.model for offer in every.board.offers()}
    catalogue = every.keys.catalogue(ANN, own)
    assert catalogue
    assert catalogue.age_s(own.connection) is not None
    assert every.keys.catalogue(BEN, own) is None
    assert every.keys.catalogue(ANN, board.lines()[1]) is None
    every.oxlo.models([{"id": "rarer-still"}])
    board.learn(own.provider.name, await catalogue.offered(own.connection, ANN, fresh=True))
    assert "rarer-still" in {offer.model for offer in every.board.of(ANN).offers()}


async def test_the_key_is_in_no_file_no_log_and_no_error(
    every: Everything, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said_to_the_visitor: list[str] = []
    every.oxlo.fails(401, {"error": {"message": f"bad key {CANARY}"}}, on="models")
    every.oxlo.raw(f"<h1>no list for {CANARY}</h1>".encode(), content_type="text/html", on="models")
    for _ in range(3):
        try:
            said_to_the_visitor.append(await every.keys.connect(ANN, "oxlo", CANARY))
        except BackendError as error:
            said_to_the_visitor += [error.message, error.advice]
    await every.ask(ANN)
    for status in (400, 403, 404, 429, 500):
        every.oxlo.fails(status, {"error": {"message": f"{CANARY} is no good"}})
        every.oxlo.fails(status, {"error": {"message": f"{CANARY} is no good"}})
        try:
            await every.ask(ANN)
        except BackendError as error:
            said_to_the_visitor += [error.message, error.advice]
    await every.keys.disconnect(ANN)
    assert len(said_to_the_visitor) > 8
    assert CANARY not in " ".join(said_to_the_visitor)
    assert CANARY not in caplog.text
    assert CANARY not in repr(every.keys.__dict__)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "parley.db" in {path.name for path in files}
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]
