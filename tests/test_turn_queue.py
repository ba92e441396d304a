"""Who is answered now, who waits, and who is told to come again."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from events import Event, TextDelta, Waiting
from turn_queue import Bounds, Crowded, Place, TurnQueue


class Reply:
    """A turn that writes its first event at once and its second when it is let go on."""

    def __init__(self, queue: TurnQueue, owner: str, pool: str = "") -> None:
        self.seen: list[Event] = []
        self.may_end = asyncio.Event()
        with queue.entering(owner, pool) as place:
            self.place = place
            self.task = asyncio.create_task(self._run(place))

    async def _run(self, place: Place) -> None:
        async for event in place.in_turn(self._events()):
            self.seen.append(event)
        place.leave()

    async def _events(self) -> AsyncGenerator[Event, None]:
        yield TextDelta("first")
        yield TextDelta("second")
        await self.may_end.wait()

    @property
    def runs(self) -> bool:
        return TextDelta("second") in self.seen

    async def end(self) -> None:
        self.may_end.set()
        await self.task
        await settled()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_stranger_has_one_that_runs_and_one_that_waits() -> None:
    queue = TurnQueue()
    first, second = Reply(queue, "ann", "net"), Reply(queue, "ann", "net")
    await settled()
    assert first.runs
    assert second.seen == [TextDelta("first"), Waiting("Waiting for your other reply to end.", 0)]
    with pytest.raises(Crowded, match="still waits to be answered"):
        Reply(queue, "ann", "net")
    other = Reply(queue, "bob", "net")
    await settled()
    assert other.runs
    await first.end()
    assert second.runs
    await second.end()
    await Reply(queue, "ann", "net").end()
    await other.end()


async def test_who_waits_may_be_stopped_and_gives_its_place_back() -> None:
    queue = TurnQueue()
    first, second = Reply(queue, "ann", "net"), Reply(queue, "ann", "net")
    await settled()
    second.task.cancel()
    await asyncio.wait((second.task,))
    second.place.leave()
    third = Reply(queue, "ann", "net")
    await first.end()
    assert third.runs
    await third.end()


async def test_what_could_not_be_stored_takes_no_place() -> None:
    queue = TurnQueue()
    for _ in range(5):
        with pytest.raises(OSError), queue.entering("ann", "net"):
            raise OSError("no space left on device")
    await Reply(queue, "ann", "net").end()


async def test_one_network_takes_a_quarter_and_others_come_first_when_room_is_made() -> None:
    queue = TurnQueue(Bounds(running=8, waiting=8))
    flood = [Reply(queue, f"flood {n}", "one net") for n in range(4)]
    await settled()
    assert [reply.runs for reply in flood] == [True, True, False, False]
    with pytest.raises(Crowded, match="as many as it can"):
        Reply(queue, "flood 5", "one net")
    others = [Reply(queue, f"other {n}", f"net {n}") for n in range(7)]
    await settled()
    assert [reply.runs for reply in others] == [True] * 6 + [False]
    await flood[0].end()
    assert [flood[2].runs, others[6].runs] == [False, True], (
        "the network with the fewest comes first"
    )
    await others[0].end()
    assert flood[2].runs
    for reply in (*flood[1:], *others[1:]):
        await reply.end()


async def test_the_queue_has_an_end() -> None:
    queue = TurnQueue(Bounds(running=4, waiting=2))
    replies = [Reply(queue, f"user {n}") for n in range(6)]
    with pytest.raises(Crowded):
        Reply(queue, "one more")
    await settled()
    assert sum(reply.runs for reply in replies) == 4
    for reply in replies:
        await reply.end()
    await Reply(queue, "one more").end()


async def test_a_user_may_have_several_at_once() -> None:
    queue = TurnQueue()
    replies = [Reply(queue, "ann") for _ in range(16)]
    await settled()
    assert sum(reply.runs for reply in replies) == 8
    with pytest.raises(Crowded, match="16 of your replies"):
        Reply(queue, "ann")
    for reply in replies:
        await reply.end()
