"""Conversations over HTTP: searched, taken along, brought in and shared, also by those who may not."""

import asyncio
import io
import json
import re
import zipfile
from urllib.parse import unquote

import httpx

from house import House
from messages import Conversation, Image, Media, Message, Text, new_id
from porting import own
from tests.components.conftest import Visitor
from tests.pictures import png
from tests.scripted_server import ScriptedServer

TALK = "c" * 32
HOSTILE = '<script>alert(1)</script>"; filename=../../etc/passwd\r\nX-Evil: 1 日本'


async def talked(visitor: Visitor, words: str, conversation: str = TALK, *media: str) -> None:
    """Says something, and waits for the reply."""
    order = {"do": "send", "conversation": conversation, "text": words, "media": list(media)}
    assert (await visitor.order(order))["ok"]
    async with asyncio.timeout(20):
        while True:
            said = (await visitor.get(f"/parley/conversations/{conversation}.json")).json()[
                "messages"
            ]
            if said[-1]["status"] != "running":
                return
            await asyncio.sleep(0.02)


async def attached(visitor: Visitor, words: str = "A sign") -> str:
    told = await visitor.post("/parley/media", content=png(words))
    sha256: str = told.json()["sha256"]
    return sha256


def lines(answer: httpx.Response) -> list[dict[str, object]]:
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_what_was_said_is_found_by_its_owner_alone(
    visitor: Visitor, stranger: Visitor, model: ScriptedServer
) -> None:
    model.says("The keeper of the lighthouse left.")
    await talked(visitor, "Who <left>?")
    found = (await visitor.post("/parley/search", content=b"lighthouse left")).json()["html"]
    assert "<mark>lighthouse</mark>" in found
    assert f"?c={TALK}&amp;m=" in found
    theirs = (await stranger.post("/parley/search", content=b"lighthouse")).json()["html"]
    assert "Nothing was said of" in theirs


async def test_what_is_found_in_a_reply_stands_without_its_marks(
    visitor: Visitor, model: ScriptedServer
) -> None:
    model.says(
        "For **her** loaf:\n\n| flour | water |\n| --- | --: |\n| 500 g | 375 g |\n\n`rye` rests."
    )
    await talked(visitor, "The loaf || the **rye**?")
    found = (await visitor.post("/parley/search", content=b"loaf")).json()["html"]
    assert "For her <mark>loaf</mark>: · flour · water · 500 g · 375 g · rye rests." in found
    assert "The <mark>loaf</mark> || the **rye**?" in found  # as it was typed


async def test_a_conversation_is_taken_along_in_three_forms(
    visitor: Visitor, stranger: Visitor, model: ScriptedServer
) -> None:
    model.says("It says **A sign**.\n\n```python\nprint(1)\n```\n\n| a | b |\n|--:|---|\n| 1 | 2 |")
    await talked(visitor, "What <b>does</b> it say?", TALK, await attached(visitor))
    await visitor.order({"do": "rename", "conversation": TALK, "title": HOSTILE})
    for kind in ("md", "html", "json"):
        address = f"/parley/conversations/{TALK}.{kind}"
        answer = await visitor.get(address)
        assert answer.status_code == 200
        disposition = answer.headers["content-disposition"]
        assert "x-evil" not in answer.headers
        plain = re.search(r'filename="([^"]*)"', disposition)
        assert plain
        assert not set(plain[1]) & set('/\\<>:;"\r\n')
        assert unquote(disposition.partition("UTF-8''")[2]).endswith(f"日本.{kind}")
        assert "日本" in answer.text
        for no in (await stranger.get(address), await visitor.get(address.replace(kind, "exe"))):
            assert no.status_code == 404
    page = (await visitor.get(f"/parley/conversations/{TALK}.html")).text
    assert "<script" not in page
    named = r"http-equiv|http://www\.w3\.org/2000/svg"
    assert "http" not in re.sub(named, "", page)  # nothing is fetched from anywhere
    assert "data:image/png;base64," in page
    assert "<strong>A sign</strong>" in page
    assert "&lt;b&gt;does" in page


async def test_what_was_exported_comes_back_for_another_and_once_only(
    visitor: Visitor, stranger: Visitor, model: ScriptedServer
) -> None:
    model.says("It says: A sign.")
    await talked(visitor, "What does it say?", TALK, await attached(visitor))
    exported = (await visitor.get(f"/parley/conversations/{TALK}.json")).content
    mine = lines(await visitor.post("/parley/conversations", content=exported))
    assert mine == [{"added": 0, "known": 1, "left_out": 0}, {"done": True}]
    theirs = lines(await stranger.post("/parley/conversations", content=exported))
    assert theirs == [{"added": 1, "known": 0, "left_out": 0}, {"done": True}]
    again = lines(await stranger.post("/parley/conversations", content=exported))
    assert again[0] == {"added": 0, "known": 1, "left_out": 0}
    found = (await stranger.post("/parley/search", content=b"sign")).json()["html"]
    copy = re.search(r"\?c=([0-9a-f]{32})", found)
    assert copy
    back = (await stranger.get(f"/parley/conversations/{copy[1]}.json")).json()
    said = back["messages"]
    assert [part["kind"] for part in said[0]["parts"]] == ["image", "text"]
    assert said[1]["parts"][-1]["text"] == "It says: A sign."
    picture = await stranger.get(f"/parley/media/{said[0]['parts'][0]['media']['sha256']}")
    assert picture.content.startswith(b"\x89PNG")
    whole = await visitor.get("/parley/conversations.zip")
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert archive.namelist() == ["0001 What does it say.json"]
        assert json.loads(archive.read(archive.namelist()[0]))["conversation"]["id"] == TALK


async def test_what_is_brought_in_can_be_gone_on_with(
    visitor: Visitor, model: ScriptedServer
) -> None:
    exported = json.dumps([chatgpt("Old talk", "My boat is called Nimrod.", "A fine name.")])
    told = lines(await visitor.post("/parley/conversations", content=exported.encode()))
    assert told[0]["added"] == 1
    found = (await visitor.post("/parley/search", content=b"nimrod")).json()["html"]
    here = re.search(r"\?c=([0-9a-f]{32})", found)
    assert here
    model.says("Nimrod.")
    await talked(visitor, "What is it called?", here[1])
    sent = [message["content"] for message in model.requests[-1]["messages"]]
    assert any("My boat is called Nimrod." in str(content) for content in sent)
    assert any("A fine name." in str(content) for content in sent)


def chatgpt(title: str, asked: str, answered: str) -> dict[str, object]:
    def node(name: str, parent: str | None, role: str, words: str) -> dict[str, object]:
        content = {"content_type": "text", "parts": [words]}
        message = {"author": {"role": role}, "content": content, "create_time": 1.7e9}
        return {"id": name, "message": message, "parent": parent}

    nodes = {"a": node("a", None, "user", asked), "b": node("b", "a", "assistant", answered)}
    return {"title": title, "mapping": nodes, "current_node": "b", "create_time": 1.7e9}


async def test_an_import_of_nonsense_says_why_and_brings_nothing(visitor: Visitor) -> None:
    for data, words in (
        (b"%PDF-1.7", "no conversations"),
        (b"PK\x03\x04" + b"\0" * 100, "cannot be read"),
        (b'[{"mapping": {"a', "damaged"),
    ):
        told = lines(await visitor.post("/parley/conversations", content=data))
        assert words in str(told[-1]["message"])
    export = await visitor.get("/parley/conversations.zip")
    with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
        assert archive.namelist() == []


async def test_an_import_of_100_mb_is_refused_before_it_is_read(visitor: Visitor) -> None:
    url = visitor.base_url
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST /parley/conversations HTTP/1.1\r\nhost: {url.netloc.decode()}\r\ncookie: {cookie}\r\n"
    writer.write(f"{head}content-length: 100000000\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(2_000), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"larger than 64 MB" in answer
    assert b"Zip it" in answer


async def shared(visitor: Visitor) -> str:
    answer = await visitor.order({"do": "share", "conversation": TALK, "shared": True})
    assert re.fullmatch("/parley/shared/[0-9a-f]{32}", answer["link"])
    link: str = answer["link"]
    return link


async def test_a_link_shows_what_was_shared_to_whoever_has_it(
    visitor: Visitor, address: str, model: ScriptedServer
) -> None:
    model.says("It says <i>A sign</i>.")
    shown, other = await attached(visitor), await attached(visitor, "Another")
    await talked(visitor, "What <b>does</b> it say?", TALK, shown)
    link = await shared(visitor)
    await talked(visitor, "A later secret", TALK, other)
    async with httpx.AsyncClient(base_url=address) as anybody:
        page = await anybody.get(link)
        assert page.status_code == 200
        assert "set-cookie" not in page.headers
        assert "noindex" in page.headers["x-robots-tag"]
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "<script" not in page.text
        assert "What &lt;b&gt;does" in page.text
        assert "A later secret" not in page.text
        owner = next(iter(visitor.cookies.values())).split(".")[0]
        for private in (owner, TALK, "/parley/media/", "request"):
            assert private not in page.text
        picture = await anybody.get(f"{link}/{shown}")
        assert picture.content.startswith(b"\x89PNG")
        assert "set-cookie" not in picture.headers
        assert (await anybody.get(f"{link}/{other}")).status_code == 404
        assert (await anybody.get(f"/parley/media/{shown}")).status_code == 404


async def test_withdrawn_unknown_and_mistaken_links_answer_alike(
    visitor: Visitor, stranger: Visitor, address: str
) -> None:
    picture = await attached(visitor)
    await talked(visitor, "Look", TALK, picture)
    link = await shared(visitor)
    taken = await stranger.order({"do": "share", "conversation": TALK, "shared": False})
    assert not taken["ok"]
    assert (await stranger.get(link)).status_code == 200
    answer = await visitor.order({"do": "share", "conversation": TALK, "shared": False})
    assert (answer["ok"], answer["link"]) == (True, "")
    async with httpx.AsyncClient(base_url=address) as anybody:
        answers = [
            await anybody.get(where)
            for where in (
                link, f"{link}/{picture}", f"/parley/shared/{new_id()}", "/parley/shared/x",
                f"/parley/shared/{new_id()}/{picture}", f"/parley/shared/{TALK}",
                "/parley/shared/%2e%2e", "/parley/shared/' OR 1=1 --",
            )
        ]  # fmt: skip
    assert {one.status_code for one in answers} == {404}
    assert len({one.text for one in answers}) == 1
    assert len({tuple(sorted(k for k in one.headers if k != "date")) for one in answers}) == 1


async def test_others_can_order_nothing_of_a_conversation(
    visitor: Visitor, stranger: Visitor
) -> None:
    await talked(visitor, "Mine")
    for order in (
        {"do": "pin", "pinned": True},
        {"do": "put", "folder": "Stolen"},
        {"do": "delete", "memories": True},
        {"do": "delete"},
        {"do": "take-back"},
        {"do": "share", "shared": True},
        {"do": "share", "shared": False},
        {"do": "rename", "title": "Stolen"},
    ):
        answer = await stranger.order({**order, "conversation": TALK})
        assert answer["ok"] is False, order
        assert "not here any more" in answer["message"]
    assert (await stranger.order({"do": "share", "conversation": TALK}))["link"] == ""
    assert (await stranger.order({"do": "folders"}))["folders"] == []


async def test_deleting_asks_for_the_memories_and_can_be_undone(
    visitor: Visitor, model: ScriptedServer, house: House
) -> None:
    house.assistant.archive.undo_s = 0.3
    model.says("Noted.")
    await talked(visitor, "My parrot is called Archibald.")
    async with visitor.line() as line:
        await line.follow(TALK)
        await line.shows("memory", "things")
        count = (await visitor.order({"do": "delete", "conversation": TALK}))["memories"]
        assert count >= 1
        await line.shows("conversations", "Archibald")
        kept = await visitor.order({"do": "delete", "conversation": TALK, "memories": False})
        assert kept["ok"]
        await line.shows("conversations", "is listed here")
        assert (await visitor.order({"do": "take-back", "conversation": TALK}))["ok"]
        await line.shows("conversations", "Archibald")
        await visitor.order({"do": "delete", "conversation": TALK, "memories": False})
        await asyncio.sleep(1.2)
        gone = await visitor.order({"do": "take-back", "conversation": TALK})
        assert gone["ok"] is False
        exported = (await visitor.get("/parley/memories.json")).json()
        assert any("Archibald" in one["text"] for one in exported["memories"])


async def test_a_picture_of_an_import_that_is_none_is_named(
    visitor: Visitor,
) -> None:
    media = Media("e" * 64, "image/png", 3, "nonsense.png")
    bad = Message(new_id(), "user", (Image(media, 1, 1), Text("Look")), 5.0)
    file = own.to_file(
        Conversation(new_id(), "T", 5.0, 5.0), [bad], {media.sha256: (media, b"MZ\x90")}
    )
    told = lines(await visitor.post("/parley/conversations", content=file))
    assert told[0] == {"added": 1, "known": 0, "left_out": 1}
    found = (await visitor.post("/parley/search", content=b"nonsense")).json()["html"]
    assert "<mark>nonsense</mark>" in found
