"""Thousands of turns against a server that alone knows how many tokens a request has."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from memory.calibration import Charges
from memory.context import Billing, ContextTooSmall, Policy, Room, Window, fit
from memory.measures import Measures
from messages import Image, Media, Message, Part, Text, ToolCall, ToolResult, new_id
from tests.memory.servers import Server
from tests.memory.texts import KINDS, pieces

SYSTEM = "You are a helpful assistant. Answer in the language of the question."
PICTURE = Media("a" * 64, "image/png", 1)
BILLINGS: tuple[Billing, ...] = ("request", "token", "free")


@dataclass
class Outcome:
    """`errors`: turns that did not fit although sent. `refused`: too large, said before sending;
    `wrongly`, where it would have taken less than three quarters of the window. `full`: shares of
    the window that were used when something had to be left out. `off`: by how much the estimate was
    wrong, from the eleventh reply of a model on."""

    turns: int = 0
    errors: int = 0
    refused: int = 0
    wrongly: int = 0
    full: list[float] = field(default_factory=list)
    off: list[float] = field(default_factory=list)


def simulate(server: Server, window: int, turns: int, seed: int = 1) -> Outcome:
    """Conversations of up to 300 turns, until there are `turns`. The window keeps its size for the
    question alone. One model in four is one of which nothing is known."""
    made, out, measures = random.Random(seed), Outcome(), Measures()
    # Longer texts for larger windows, so that each is tokenized but once.
    longer = 8 if window > 100_000 else 1
    texts = {kind: _joined(pieces(kind), longer) for kind in KINDS}
    sizes: dict[str, int] = {}
    charges = Charges()
    while out.turns < turns:
        if made.random() < 0.25:
            charges = Charges()
        policy = Policy(billing=made.choice(BILLINGS))
        history: list[Message] = []
        for said, reply in _conversation(made, texts, window):
            out.turns += 1
            room = Room(window, charges, measures)
            try:
                fitted = fit(SYSTEM, (), history, (said,), room=room, policy=policy)
            except ContextTooSmall:
                out.refused += 1
                out.wrongly += server.request(SYSTEM, (said,)) < window * 0.75
                continue
            reported = _reported(server, fitted, sizes)
            out.errors += reported > window
            if charges.replies >= 10:
                out.off.append(fitted.tokens / reported - 1)
            if fitted.dropped and policy.billing == "request":
                out.full.append(reported / window)
            policy = Policy(policy.billing, held=fitted.sent_from)
            charges = charges.learnt(fitted.features, reported)
            history += [said, reply]
            if out.turns >= turns:
                break
    return out


def _joined(texts: list[str], count: int) -> list[str]:
    return ["\n".join(texts[n : n + count]) for n in range(0, len(texts), count)]


def _reported(server: Server, window: Window, sizes: dict[str, int]) -> int:
    total = server.request(window.system, ())
    for message in window.messages:
        if message.id not in sizes:
            sizes[message.id] = server.message(message)
        total += sizes[message.id]
    return total


def _conversation(
    made: random.Random, texts: dict[str, list[str]], window: int
) -> Iterator[tuple[Message, Message]]:
    kind = made.choice(KINDS)
    scale = max(1.0, window / 400_000)
    for _ in range(made.choice((3, 20, 100, 300))):
        if made.random() < 0.1:
            kind = made.choice(KINDS)
        count = int(made.lognormvariate(0.3, 0.8) * scale) + 1
        if made.random() < 0.02:  # a long paste
            count += int(window / (1_200 if window > 100_000 else 150) * made.random())
        asked: list[Part] = [Text(text) for text in made.choices(texts[kind], k=count)]
        if made.random() < 0.03:
            asked.append(Image(PICTURE, made.randint(200, 1568), made.randint(200, 1568)))
        answered: list[Part] = []
        if made.random() < 0.15:
            result = made.choice(texts[made.choice(("records", "random", kind))])
            answered += [ToolCall("1", "look_up", '{"of": "this"}'), ToolResult("1", result)]
        count = int(made.lognormvariate(0.8, 0.8) * scale) + 1
        answered += [Text(text) for text in made.choices(texts[kind], k=count)]
        yield _message("user", asked), _message("assistant", answered)


def _message(role: str, parts: list[Part]) -> Message:
    return Message(new_id(), "user" if role == "user" else "assistant", tuple(parts), 0.0)
