"""Reading a reply out over HTTP: what changes in it comes line by line."""

import json

from tests.components.conftest import Visitor
from tests.scripted_server import ScriptedServer, tone

TALK = "c" * 32


async def reply_of(visitor: Visitor, words: str) -> str:
    """The id of the reply, once it is whole."""
    async with visitor.line() as line:
        await line.follow(TALK)
        assert (await visitor.say(words, TALK))["ok"]
        frames = await line.until(
            lambda frame: any(m.get("status") == "done" for m in frame.get("messages", ()))
        )
    return str(frames[-1]["messages"][-1]["id"])


async def test_a_reply_is_read_out_line_by_line_for_its_owner_alone(
    visitor: Visitor, stranger: Visitor, model: ScriptedServer
) -> None:
    model.says("It is late. ", "Really.").speaks(tone(0.5))
    address = f"/parley/aloud/{TALK}/{await reply_of(visitor, 'Well?')}"
    refused = json.loads((await stranger.post(address)).text)
    assert refused["message"] == "This is not here any more."
    told = [json.loads(line) for line in (await visitor.post(address)).text.splitlines()]
    assert ["data-pieces" in one["set"].get("spoken", "") for one in told][-2:] == [True, True]
    assert "data-whole" in told[-1]["set"]["spoken"]
    assert told[-1]["keys"][-1] == "foot"
    foreign = await visitor.post(address, headers={"origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
