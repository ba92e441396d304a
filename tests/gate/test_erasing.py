"""What somebody erased is in no byte of the data directory, the log or the temporary files."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.attacker import A, Attacker, B, C, arrived, opened, shown
from tests.browser.conftest import RunningParley
from tests.scripted_server import ScriptedServer

CANARIES = {
    "said": "quillfeather",
    "replied": "brindlemoss",
    "remembered": "saltmarigold",
    "titled": "copperlark",
    "document": "thistlewren",
    "file name": "ambergorse",
    "picture name": "larkspindle",
    "tool": "harrowfinch",
}
SHARED = b"A page that both of them have.\n" * 40


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def parley(
    provider: ScriptedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningParley]:
    data, temporary = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("temporary")
    running = RunningParley(
        data,
        {
            "PARLEY_BASE_URL": provider.base_url,
            "PARLEY_MODEL": "big",
            "PARLEY_VISION_MODEL": "big",
            "PARLEY_PROXIES": "127.0.0.1",
            "TMPDIR": str(temporary),
            "GRADIO_TEMP_DIR": str(temporary / "gradio"),
        },
    )
    running.start()
    yield running
    running.end()


@pytest.fixture
async def ann(parley: RunningParley) -> AsyncIterator[Attacker]:
    async with arrived(parley, 1) as client:
        yield client


@pytest.fixture
async def bob(parley: RunningParley) -> AsyncIterator[Attacker]:
    async with arrived(parley, 2) as client:
        yield client


def holding(parley: RunningParley, words: bytes) -> list[str]:
    """The files in which these bytes stand, as text or as UTF-16."""
    places = [parley.data, Path(parley.environ["TMPDIR"])]
    wide, found = words.decode().encode("utf-16-le"), []
    for path in (path for place in places for path in place.rglob("*")):
        with suppress(FileNotFoundError, IsADirectoryError):  # a journal comes and goes
            data = path.read_bytes()
            if words in data.lower() or wide in data:
                found.append(path.name)
    return found


async def settled(parley: RunningParley, words: bytes) -> None:
    """Wait until these words are kept, in rows and in an index."""
    until = time.monotonic() + 20
    while len(holding(parley, words)) < 1 and time.monotonic() < until:
        await asyncio.sleep(0.2)


async def kept(client: Attacker, data: bytes, name: str) -> str:
    answer = await client.post("/parley/media", content=data, headers={"x-file-name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["sha256"])


def picture() -> bytes:
    """Whose metadata hold a canary, too: they are not kept in the first place."""
    notes = PngInfo()
    notes.add_text("Comment", CANARIES["picture name"])
    whole = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(whole, "PNG", pnginfo=notes)
    return whole.getvalue()


async def says_much(ann: Attacker, provider: ScriptedServer) -> None:
    told = CANARIES
    document = await kept(
        ann, f"It is about the {told['document']}.".encode(), f"{told['file name']}.txt"
    )
    shared = await kept(ann, SHARED, "both.txt")
    seen = await kept(ann, picture(), f"{told['picture name']}.png")
    provider.says(f"The {told['replied']} it is.")
    order = {"do": "send", "conversation": A, "text": f"Where is the {told['said']}?"}
    assert (await ann.does({**order, "media": [document, shared, seen]}))["ok"]
    await shown(ann, A, told["replied"])
    await ann.does({"do": "rename", "conversation": A, "title": f"The {told['titled']}"})
    provider.calls("calculate", expression=f"2 + 2 # {told['tool']}").says("It could not be done.")
    words = f"Remember that my favourite flower is the {told['remembered']}."
    assert (await ann.order(words, B))["ok"]
    await shown(ann, B, "It could not be done.")
    provider.says("You like flowers.")
    assert (await ann.order(f"What do you know of the {told['remembered']}?", C))["ok"]
    await shown(ann, C, "You like flowers.")
    for conversation in (A, B, C):
        await ann.does({"do": "keep-document", "conversation": conversation, "sha256": document})


async def test_erase_all_my_data_leaves_no_byte_of_it(
    parley: RunningParley, provider: ScriptedServer, ann: Attacker, bob: Attacker
) -> None:
    await says_much(ann, provider)
    owner = ann.cookies["parley"].partition(".")[0].encode()
    shared = await kept(bob, SHARED, "both.txt")
    provider.says("Bob keeps what is his.")
    assert (await bob.order("My own words are windlestraw.", "b" * 31 + "0"))["ok"]
    await shown(bob, "b" * 31 + "0", "what is his")
    for what, words in CANARIES.items():
        await settled(parley, words.encode())
        assert holding(parley, words.encode()), f"{what} was never kept: this proves nothing"
    assert holding(parley, owner)

    assert (await ann.does({"do": "erase", "word": "erase"}))["ok"]

    left = {what: holding(parley, words.encode()) for what, words in CANARIES.items()}
    assert left == {what: [] for what in CANARIES}
    assert holding(parley, owner) == []
    assert holding(parley, b"windlestraw")
    assert (await bob.get(f"/parley/media/{shared}")).status_code == 200
    assert (await ann.get(f"/parley/media/{shared}")).status_code == 404
    async with ann.listen() as socket:
        assert (await opened(socket, A))["messages"] == []
    wal = parley.data / "parley.db-wal"
    assert not wal.exists() or b"quillfeather" not in wal.read_bytes()


async def test_what_was_erased_does_not_come_back_with_a_restart(
    parley: RunningParley, provider: ScriptedServer, ann: Attacker
) -> None:
    provider.says("Noted.")
    assert (await ann.order("Remember that I hid it under the oxlipstone.", A))["ok"]
    await shown(ann, A, "Noted.")
    await settled(parley, b"oxlipstone")
    assert (await ann.does({"do": "erase", "word": "erase"}))["ok"]
    parley.end()
    parley.start()
    page = await ann.get("/")
    assert page.status_code == 200
    await asyncio.sleep(2)  # what is made anew after a start is made
    assert holding(parley, b"oxlipstone") == []
    told = json.dumps((await ann.get("/parley/memories.json")).json())
    assert "oxlipstone" not in told
