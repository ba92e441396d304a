"""What a model charges is learnt from its replies, and nonsense is not."""

import random
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from memory.calibration import Calibrations, Charges
from memory.context import Policy, Room, Window, fit
from messages import Image, Media, Message, Part, Text, new_id
from tests.memory.servers import PER_PICTURE, Server, byte_pairs, llama_2
from tests.memory.texts import pieces

SYSTEM = "You are a helpful assistant."
MIXED = ("english", "code", "chinese")


@pytest.fixture(scope="module", params=["llama 2", "byte pairs"])
def server(request: pytest.FixtureRequest) -> Server:
    return llama_2() if request.param == "llama 2" else byte_pairs()


def message(*parts: Part, role: str = "user") -> Message:
    return Message(new_id(), "user" if role == "user" else "assistant", parts, 0.0)


def window(history: list[Message], said: Message, charges: Charges | None = None) -> Window:
    room = Room(1_000_000, charges or Charges())
    return fit(SYSTEM, (), history, (said,), room=room, policy=Policy())


def taught(server: Server, kinds: tuple[str, ...], replies: int = 10) -> Charges:
    """After so many replies in one conversation."""
    charges, history, made = Charges(), list[Message](), random.Random(3)
    texts = {kind: pieces(kind, seed=2) for kind in kinds}
    for number in range(replies):
        kind = texts[kinds[number % len(kinds)]]
        said = message(Text(made.choice(kind)))
        built = window(history, said, charges)
        charges = charges.learnt(built.features, server.request(built.system, built.messages))
        history += [said, message(Text(made.choice(kind)), role="assistant")]
    return charges


@pytest.mark.parametrize("kinds", [("english",), ("code",), ("chinese",), MIXED], ids=str)
def test_after_ten_replies_the_next_request_is_estimated_within_five_percent(
    server: Server, kinds: tuple[str, ...]
) -> None:
    charges, unheard = taught(server, kinds), [t for kind in kinds for t in pieces(kind, seed=9)]
    history = [message(Text(text)) for text in random.Random(4).sample(unheard, 30)]
    built = window(history, message(Text(unheard[0])), charges)
    reported = server.request(built.system, built.messages)
    assert built.tokens == pytest.approx(reported, rel=0.05)


@pytest.mark.parametrize("kind", MIXED)
def test_after_ten_mixed_replies_each_kind_alone_is_estimated_within_five_percent(
    kind: str,
) -> None:
    server = llama_2()
    charges, unheard = taught(server, MIXED), pieces(kind, seed=9)
    built = window([message(Text(text)) for text in unheard], message(Text("Go on")), charges)
    reported = server.request(built.system, built.messages)
    assert built.tokens == pytest.approx(reported, rel=0.05)


def test_the_reserve_shrinks_with_replies_but_never_to_nothing(server: Server) -> None:
    features = window([], message(*map(Text, pieces("english")))).features
    shares = []
    for replies in (0, 1, 3, 10, 60):
        charges = taught(server, ("english",), replies)
        shares.append(charges.careful(features) / charges.likely(features) - 1)
    assert shares == sorted(shares, reverse=True)
    assert 0.1 <= shares[0] <= 0.26
    assert 0.05 <= shares[-1] <= 0.12


def test_what_a_model_was_never_seen_to_count_is_counted_with_more_in_reserve() -> None:
    charges = taught(llama_2(), ("english",))

    def reserve(kind: str) -> float:
        features = window([], message(Text(pieces(kind)[0] * 20))).features
        return charges.careful(features) / charges.likely(features) - 1

    assert reserve("chinese") > 2 * reserve("english")


@pytest.mark.parametrize("reported", [0, -5, 1, 17, 10**9])
def test_nonsense_is_not_learnt(server: Server, reported: int) -> None:
    charges = taught(server, ("english",), 3)
    features = window([], message(Text(pieces("english")[0] * 20))).features
    assert charges.learnt(features, reported) is charges


@pytest.mark.parametrize("share", [0.3, 0.5, 0.95])
def test_a_server_that_leaves_out_what_it_had_cached_does_not_make_texts_seem_cheap(
    server: Server, share: float
) -> None:
    charges, history = taught(server, ("english",)), list[Message]()
    for text in pieces("english", seed=5)[:40]:
        said = message(Text(text))
        built = window(history, said, charges)
        reported = server.request(built.system, built.messages)
        charges = charges.learnt(built.features, int(reported * (1 - share)))
        history += [said, message(Text(text), role="assistant")]
    built = window(history, message(Text("And now?")), charges)
    assert charges.careful(built.features) >= server.request(built.system, built.messages)


def test_a_picture_that_costs_thirty_times_as_much_is_learnt() -> None:
    picture = Image(Media("a" * 64, "image/png", 1), 1024, 1024)
    said = message(Text("What is this?"), picture)
    charges = Charges()
    for _ in range(10):
        built = window([], said, charges)
        charges = charges.learnt(built.features, 33 * PER_PICTURE)
    assert window([], said, charges).tokens == pytest.approx(33 * PER_PICTURE, rel=0.1)


def test_after_the_server_refused_the_same_request_no_longer_fits() -> None:
    history = [message(Text(text)) for text in pieces("english") * 3]
    said, room = message(Text("And now?")), Room(8_000)
    built = fit(SYSTEM, (), history, (said,), room=room, policy=Policy())
    charges = Charges().refused(built.features, 8_000)
    assert charges.careful(built.features) > 8_000
    less = fit(SYSTEM, (), history, (said,), room=replace(room, charges=charges), policy=Policy())
    assert less.dropped > built.dropped


def test_a_window_that_is_smaller_than_said_is_found_out_and_forgotten_when_it_has_grown() -> None:
    history = [message(Text(text)) for text in pieces("english") * 5]
    said, room = message(Text("And now?")), Room(1_000_000)
    built = fit(SYSTEM, (), history, (said,), room=room, policy=Policy())
    assert built.dropped == 0
    charges = Charges().refused(built.features, 1_000_000)
    smaller = replace(room, charges=charges)
    again = fit(SYSTEM, (), history, (said,), room=smaller, policy=Policy())
    assert 0 < again.tokens < built.tokens * 0.9
    grown = replace(room, charges=charges.learnt(built.features, charges.ceiling + 1))
    assert fit(SYSTEM, (), history, (said,), room=grown, policy=Policy()).dropped == 0


async def test_what_was_learnt_outlasts_the_program(engine: AsyncEngine) -> None:
    kept, features = Calibrations(engine), window([], message(Text(pieces("code")[0]))).features
    for _ in range(3):
        await kept.learn("local", "qwen", features, int(features.sum()))
    learnt, later = await kept.of("local", "qwen"), await Calibrations(engine).of("local", "qwen")
    assert later.replies == learnt.replies == 3
    assert later.careful(features) == pytest.approx(learnt.careful(features), abs=1)
    assert (await kept.of("local", "other")).replies == 0
    assert (await kept.of("other", "qwen")).replies == 0


async def test_a_refusal_outlasts_the_program(engine: AsyncEngine) -> None:
    features = window([], message(Text(pieces("code")[0] * 9))).features
    await Calibrations(engine).refused("local", "qwen", features, 1_000_000)
    assert (await Calibrations(engine).of("local", "qwen")).ceiling > 0


async def test_hostile_names_of_models_are_only_names(engine: AsyncEngine) -> None:
    kept, features = Calibrations(engine), window([], message(Text("Hello there"))).features
    for name in ("'; DROP TABLE calibrations; --", "\ud800", "x" * 100_000, ""):
        await kept.learn("local", name, features, 30)
        assert (await Calibrations(engine).of("local", name)).replies == 1


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"kinds": ["words"], "factors": [null], "unsure": [[1]]}', "x"],
)
def test_what_was_kept_and_cannot_be_read_begins_anew(text: str) -> None:
    assert Charges.from_json(text).replies == 0


def test_kinds_that_came_later_begin_at_their_default() -> None:
    charges = taught(llama_2(), ("english",))
    older = Charges.from_json(charges.to_json().replace('"kana"', '"runes"'))
    english, japanese = (window([], message(Text(t))).features for t in ("Good day", "かな" * 99))
    assert older.likely(english) == pytest.approx(charges.likely(english), abs=0.1)
    assert older.likely(japanese) == pytest.approx(Charges().likely(japanese), rel=0.1)
