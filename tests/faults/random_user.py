"""Somebody who does anything at any time, on a Parley that is killed and started again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from messages import new_id
from tests.components.conftest import Frame
from tests.faults.checker import Checker
from tests.faults.parley_process import Parley
from tests.faults.person import Person, arrived
from tests.faults.sudden_end import long_with_a_tool
from tests.pictures import png
from tests.scripted_server import ScriptedServer


def run(folder: Path, steps: int, seed: int) -> None:
    """So many steps, all of them by chance, the invariants looked at after each."""
    user, trail = RandomUser(folder, random.Random(seed)), list[str]()
    try:
        for _ in range(steps):
            act = user.chance.choice(user.acts)
            trail.append(act.__name__)
            act()
            user.all_is_well()
    except BaseException:
        print(f"\nseed {seed}, {len(trail)} steps; the last: {', '.join(trail[-12:])}")
        raise
    finally:
        user.close()


class RandomUser:
    """What it may do stands in `acts`. (Hypothesis tries the simplest of all lives first: of one life
    alone that is the same act all the time.)"""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.chance = chance
        self.acts: tuple[Callable[[], None], ...] = (
            *(self.send, self.send, self.send_to_a_new_chat, self.stop, self.retry, self.edit),
            *(self.wait, self.wait, self.reload, self.switch, self.delete, self.upload),
            self.end_it_and_start_it_again,
        )
        self.runner = asyncio.Runner()
        self.server = ScriptedServer().__enter__().improvises(long_with_a_tool)
        data = folder / "data"
        self.parley = Parley(data, self.server.base_url).start()
        self.checks = Checker(data, self.server)
        self.coming = arrived(self.parley.address, self.checks)
        self.person: Person = self.does(self.coming.__aenter__())
        self.talks = [new_id()]
        self.here = self.talks[0]
        self.media: list[str] = []

    def does(self, work: Awaitable[Any]) -> Any:
        async def it() -> Any:
            return await work

        return self.runner.run(it())

    def told(self, order: Callable[[], Awaitable[Frame]]) -> Frame:
        """The answer to an order. Who is told that this is too fast waits, and gives it again."""
        while True:
            answer: Frame = self.does(order())
            if answer["ok"] or "faster than Parley can take it" not in answer["message"]:
                return answer
            self.does(asyncio.sleep(1))

    def close(self) -> None:
        self.does(self.coming.__aexit__(None, None, None))
        self.parley.close()
        self.server.__exit__()
        self.runner.close()

    # ── what somebody may do ────────────────────────────────────────────────────────────────────

    def send(self) -> None:
        speak = self.chance.random() < 0.5
        answer = self.told(lambda: self.person.says(self.here, media=self.media, speak=speak))
        if answer["ok"]:
            self.media = []
        assert answer["ok"] or answer["advice"], answer

    def send_to_a_new_chat(self) -> None:
        self.here = new_id()
        self.talks.append(self.here)
        self.send()

    def stop(self) -> None:
        order = {"do": "stop", "conversation": self.here}
        assert self.told(lambda: self.person.visitor.order(order))["ok"]

    def retry(self) -> None:
        if len(self.checks.messages(self.here)) >= 2:
            answer = self.told(lambda: self.person.retries(self.here))
            assert answer["ok"] or answer["advice"], answer

    def edit(self) -> None:
        said = [m for m in self.checks.messages(self.here) if m.role == "user"]
        if said:
            message = self.chance.choice(said).id
            answer = self.told(lambda: self.person.edits(self.here, message, "Another question."))
            assert answer["ok"] or answer["advice"], answer

    def wait(self) -> None:
        self.does(asyncio.sleep(self.chance.uniform(0, 1.5)))

    def reload(self) -> None:
        shown = self.does(self.person.sees(self.here))
        last = self.checks.messages(self.here)
        assert not last or last[-1].id in shown

    def switch(self) -> None:
        self.here = self.chance.choice(self.talks)

    def delete(self) -> None:
        if not self.checks.messages(self.here):
            return
        marks = self.person.of_talk.pop(self.here, [])
        self.checks.deleted |= set(marks)
        order = {"do": "delete", "conversation": self.here}
        assert self.told(lambda: self.person.visitor.order(order))["ok"]
        self.talks = [talk for talk in self.talks if talk != self.here] or [new_id()]
        self.here = self.talks[-1]

    def upload(self) -> None:
        if len(self.media) >= 2:
            return
        number = self.chance.randrange(1000)
        sending = self.person.visitor.post(
            "/parley/media", content=png(f"Pier {number}"), headers={"x-file-name": "pier.png"}
        )
        answer = self.does(sending)
        assert answer.status_code == 201, answer.text
        self.media.append(answer.json()["sha256"])

    def end_it_and_start_it_again(self) -> None:
        if self.chance.random() > 0.2:  # a start takes seconds
            return
        if self.chance.random() < 0.5:
            assert self.parley.end() < 5
        else:
            self.parley.kill()
        self.parley.start()
        self.checks.settle(5)

    # ── what holds after each ───────────────────────────────────────────────────────────────────

    def all_is_well(self) -> None:
        if self.checks.running():
            assert not self.checks.wrong, self.checks.wrong
        else:
            self.checks.check(self.parley.said())
