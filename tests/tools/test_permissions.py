"""What an owner allows each tool, on a real database."""

import pytest

from memory.edge import Missing
from memory.permissions import Permissions
from messages import new_id


async def test_a_decision_is_kept_by_owner_and_tool(permissions: Permissions) -> None:
    await permissions.set("ann", "read_page", "off")
    await permissions.set("ann", "read_page", "ask")
    await permissions.set("ann", "remember", "allow")
    assert await permissions.of("ann") == {"read_page": "ask", "remember": "allow"}
    assert await permissions.of("bob") == {}


async def test_trust_is_for_one_conversation_alone(permissions: Permissions) -> None:
    here, there = new_id(), new_id()
    await permissions.trust("ann", here, "remember")
    await permissions.trust("ann", here, "remember")
    assert await permissions.trusted("ann", here) == {"remember"}
    assert await permissions.trusted("ann", there) == frozenset()
    assert await permissions.trusted("bob", here) == frozenset()
    assert await permissions.of("ann") == {}


@pytest.mark.parametrize("word", ["ask", "off"])
async def test_a_later_ask_or_off_takes_all_trust_back(permissions: Permissions, word: str) -> None:
    here = new_id()
    await permissions.trust("ann", here, "remember")
    await permissions.trust("ann", here, "forget")
    await permissions.set("ann", "remember", "allow")
    assert await permissions.trusted("ann", here) == {"remember", "forget"}
    await permissions.set("ann", "remember", word)  # type: ignore[arg-type]
    assert await permissions.trusted("ann", here) == {"forget"}


async def test_a_deleted_conversation_takes_its_trust_along_and_an_erased_owner_all(
    permissions: Permissions,
) -> None:
    here, there = new_id(), new_id()
    for owner in ("ann", "bob"):
        await permissions.set(owner, "read_page", "off")
        await permissions.trust(owner, here, "remember")
        await permissions.trust(owner, there, "remember")
    await permissions.forget("ann", here)
    assert await permissions.trusted("ann", here) == frozenset()
    assert await permissions.trusted("ann", there) == {"remember"}
    await permissions.erase("ann")
    assert await permissions.of("ann") == {}
    assert await permissions.trusted("ann", there) == frozenset()
    assert await permissions.of("bob") == {"read_page": "off"}
    assert await permissions.trusted("bob", here) == {"remember"}


@pytest.mark.parametrize(
    ("owner", "tool", "permission"),
    [("", "t", "off"), ("ann", "", "off"), ("ann", "t" * 201, "off"), ("ann", "t\x00", "off"),
     ("ann", "\ud800", "off"), ("ann", "t", "always"), ("ann", "t", "")],
)  # fmt: skip
async def test_what_cannot_be_one_is_refused(
    permissions: Permissions, owner: str, tool: str, permission: str
) -> None:
    with pytest.raises(Missing):
        await permissions.set(owner, tool, permission)  # type: ignore[arg-type]


async def test_conversations_that_cannot_be_one_are_refused(permissions: Permissions) -> None:
    with pytest.raises(Missing):
        await permissions.trust("ann", "", "remember")  # would hold everywhere
    with pytest.raises(Missing):
        await permissions.trusted("ann", "../x")
