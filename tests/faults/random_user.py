"""Somebody who does anything at any time, on a Parley that is killed and started again."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from messages import new_id
from tests.faults.checker import Checker
from tests.faults.parley_process import Parley
from tests.faults.person import Person, arrived
from tests.faults.sudden_end import long_with_a_tool
from tests.pictures import png
from tests.scripted_server import ScriptedServer


class RandomUser(RuleBasedStateMachine):
    """`folder` is where the data of one life are kept; set it before a run."""

    folder: Path
    lives = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).lives += 1
        self.runner = asyncio.Runner()
        self.server = ScriptedServer().__enter__().improvises(long_with_a_tool)
        data = self.folder / f"life{type(self).lives}"
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

    def teardown(self) -> None:
        self.does(self.coming.__aexit__(None, None, None))
        self.parley.close()
        self.server.__exit__()
        self.runner.close()

    # ── what somebody may do ────────────────────────────────────────────────────────────────────

    @rule(speak=st.booleans())
    def send(self, speak: bool) -> None:
        answer = self.does(self.person.says(self.here, media=self.media, speak=speak))
        if answer["ok"]:
            self.media = []
        assert answer["ok"] or answer["advice"], answer

    @rule()
    def send_to_a_new_chat(self) -> None:
        self.here = new_id()
        self.talks.append(self.here)
        self.send(speak=False)

    @rule()
    def stop(self) -> None:
        assert self.does(self.person.visitor.order({"do": "stop", "conversation": self.here}))["ok"]

    @rule()
    def retry(self) -> None:
        if len(self.checks.messages(self.here)) >= 2:
            answer = self.does(self.person.retries(self.here))
            assert answer["ok"] or answer["advice"], answer

    @rule(number=st.integers(0, 9))
    def edit(self, number: int) -> None:
        said = [m for m in self.checks.messages(self.here) if m.role == "user"]
        if said:
            order = {
                "do": "edit",
                "conversation": self.here,
                "message": said[number % len(said)].id,
            }
            answer = self.does(self.person.visitor.order({**order, "text": "Another question."}))
            assert answer["ok"] or answer["advice"], answer

    @rule(wait_s=st.floats(0, 1.5))
    def wait(self, wait_s: float) -> None:
        self.does(asyncio.sleep(wait_s))

    @rule()
    def reload(self) -> None:
        shown = self.does(self.person.sees(self.here))
        last = self.checks.messages(self.here)
        assert not last or last[-1].id in shown

    @rule(number=st.integers(0, 9))
    def switch(self, number: int) -> None:
        self.here = self.talks[number % len(self.talks)]

    @rule()
    def delete(self) -> None:
        if not self.checks.messages(self.here):
            return
        marks = self.person.of_talk.pop(self.here, [])
        self.checks.deleted |= set(marks)
        order = {"do": "delete", "conversation": self.here}
        assert self.does(self.person.visitor.order(order))["ok"]
        self.talks = [talk for talk in self.talks if talk != self.here] or [new_id()]
        self.here = self.talks[-1]

    @precondition(lambda self: len(self.media) < 2)
    @rule(number=st.integers(0, 999))
    def upload(self, number: int) -> None:
        sending = self.person.visitor.post(
            "/parley/media", content=png(f"Pier {number}"), headers={"x-file-name": "pier.png"}
        )
        answer = self.does(sending)
        assert answer.status_code == 201, answer.text
        self.media.append(answer.json()["sha256"])

    @rule(dice=st.integers(0, 9), orderly=st.booleans())
    def end_it_and_start_it_again(self, dice: int, orderly: bool) -> None:
        if dice:  # a start takes seconds
            return
        if orderly:
            assert self.parley.end() < 5
        else:
            self.parley.kill()
        self.parley.start()
        self.checks.settle(5)

    # ── what holds after each ───────────────────────────────────────────────────────────────────

    @invariant()
    def all_is_well(self) -> None:
        if self.checks.running():
            assert not self.checks.wrong
        else:
            self.checks.check(self.parley.said())
