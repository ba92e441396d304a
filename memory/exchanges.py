"""What was found, as exchanges that fit: each memory with its question or reply, none of it twice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from memory.excerpts import clipped, excerpt
from memory.tokens import estimate
from messages import Memory

MEMORY_TOKENS = 24
"""The origin that is quoted with each: date, who, where."""
FOUND_CHARS = 1_200
BESIDE_CHARS = 300
"""A memory is quoted where it is about the query, its question or reply from its beginning."""
SAYS_NOTHING = 20
"""Replies so short ("I see.") do not come along."""
REST = 60
"""So many characters beside a fact are no reason to quote its message as well."""


def exchanges(
    query: str, found: Sequence[Memory], beside: Mapping[str, Memory], tokens: int, limit: int
) -> list[Memory]:
    """At most `limit` of `found` and `beside` together and so many estimated `tokens`, best first.

    Left out is what repeats the query or another one, and facts quoted with the words they were told in.
    """
    chosen: list[Memory] = []
    seen = {_plain(query)}
    for memory in found:
        other = beside.get(memory.id)
        if _plain(memory.text) in seen or _told_already(memory, chosen):
            continue
        quoted = replace(memory, text=excerpt(memory.text, query, FOUND_CHARS))
        cost = tokens_of(quoted)
        if len(chosen) >= limit or cost > tokens:
            break
        seen.add(_plain(memory.text))
        chosen.append(quoted)
        tokens -= cost
        if other is not None and _worth(memory, other) and _plain(other.text) not in seen:
            quoted = replace(other, text=clipped(other.text, BESIDE_CHARS))
            cost = tokens_of(quoted)
            if len(chosen) < limit and cost <= tokens and not _found_too(other, found):
                seen.add(_plain(other.text))
                chosen.append(quoted)
                tokens -= cost
    return chosen


def tokens_of(memory: Memory) -> int:
    return MEMORY_TOKENS + estimate(memory.text)


def _told_already(memory: Memory, chosen: Sequence[Memory]) -> bool:
    """Whether it is a fact whose message is quoted, or words that tell little more than a fact quoted."""
    for other in chosen:
        if memory.message_id and other.message_id == memory.message_id:
            fact, said = (other, memory) if memory.kind == "said" else (memory, other)
            if "said" not in (memory.kind, other.kind) or fact.kind == "said":
                continue
            if memory is fact and _plain(fact.text) in _plain(said.text):
                return True
            if memory is said and len(said.text) <= len(fact.text) + REST:
                return True
    return False


def _worth(memory: Memory, other: Memory) -> bool:
    return other.role != memory.role and (other.role == "user" or len(other.text) >= SAYS_NOTHING)


def _found_too(other: Memory, found: Sequence[Memory]) -> bool:
    """It comes in its own place."""
    return any(memory.id == other.id for memory in found)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
