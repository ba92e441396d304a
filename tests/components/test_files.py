"""Uploads and their way back, the page's own files, and the page itself."""

import asyncio
import io
import json
import re
import wave
from collections.abc import Iterable
from pathlib import Path

import PIL.Image
import pytest

from components.files import STATIC, StaticFiles
from house import House
from intake import Intake
from refusals import Refused
from tests.components.conftest import Visitor
from tests.papers import pdf
from tests.pictures import png
from tests.scripted_server import tone


async def raw(visitor: Visitor, request: str, body: Iterable[bytes] = ()) -> tuple[int, bytes]:
    """Status and body of the answer to bytes as no client would send them, and that never end."""
    url = visitor.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(f"{request}\r\nhost: {url.netloc.decode()}\r\n\r\n".encode())
        for piece in body:
            writer.write(piece)
            await writer.drain()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        length = re.search(rb"content-length: (\d+)", head)
        return int(head.split()[1]), await reader.readexactly(int(length[1]) if length else 0)
    finally:
        writer.close()


async def test_a_picture_is_kept_and_comes_back(visitor: Visitor) -> None:
    picture = png("A sign")
    told = await visitor.post(
        "/parley/media", content=picture, headers={"x-file-name": "a%20sign.png"}
    )
    assert told.status_code == 201
    with PIL.Image.open(io.BytesIO(picture)) as given:
        size = given.size
    assert (told.json()["kind"], told.json()["width"], told.json()["height"]) == ("image", *size)
    assert told.json()["name"] == "a sign.png"
    back = await visitor.get(told.json()["url"])
    with (
        PIL.Image.open(io.BytesIO(back.content)) as kept,
        PIL.Image.open(io.BytesIO(picture)) as was,
    ):
        assert kept.convert("RGB").tobytes() == was.convert("RGB").tobytes()
    assert back.headers["content-type"] == "image/png"
    assert back.headers["x-content-type-options"] == "nosniff"
    assert back.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert back.headers["content-disposition"].startswith("inline")


async def test_a_recording_can_be_played_from_the_middle(visitor: Visitor) -> None:
    told = (await visitor.post("/parley/media", content=tone(1.0))).json()
    assert told["seconds"] == 1.0
    part = await visitor.get(told["url"], headers={"range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == tone(1.0)[100:200]
    with wave.open(io.BytesIO((await visitor.get(told["url"])).content)) as sound:
        assert sound.getnframes() == 16_000


async def test_a_file_is_there_for_its_owner_only(visitor: Visitor, stranger: Visitor) -> None:
    told = (await visitor.post("/parley/media", content=png("Mine"))).json()
    assert (await visitor.get(told["url"])).status_code == 200
    theirs = await stranger.get(told["url"])
    missing = await stranger.get(f"/parley/media/{'0' * 64}")
    assert theirs.status_code == missing.status_code == 404
    assert theirs.json() == missing.json()


async def test_what_nobody_can_read_is_refused_with_advice(visitor: Visitor) -> None:
    told = await visitor.post("/parley/media", content=b"\x00\x01\x02")
    assert told.status_code == 422
    assert "no picture, recording or document" in told.json()["message"]
    assert "PNG" in told.json()["advice"]


async def test_a_document_is_read_and_comes_back_as_it_was_but_never_in_the_page(
    visitor: Visitor,
) -> None:
    page = b"<!doctype html><script>alert(1)</script>" + b"pears " * 20
    for data, length in ((pdf("Pears", "Plums"), "2 pages"), (page, "1 page")):
        told = await visitor.post(
            "/parley/media", content=data, headers={"x-file-name": "a%22%0d%0ab%20%3F.html"}
        )
        assert told.status_code == 201
        assert (told.json()["kind"], told.json()["length"]) == ("document", length)
        assert told.json()["tokens"] > 0
        back = await visitor.get(told.json()["url"])
        assert back.content == data
        assert back.headers["content-type"] == "application/octet-stream"
        assert back.headers["content-disposition"].startswith("attachment")
        assert back.headers["x-content-type-options"] == "nosniff"
        assert (
            back.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        )


async def test_a_scan_is_taken_and_said_to_have_no_text(visitor: Visitor) -> None:
    told = (await visitor.post("/parley/media", content=pdf("", "", ""))).json()
    assert (told["length"], told["tokens"]) == ("3 pages", 0)


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_that_is_too_large_is_not_read_to_its_end(
    visitor: Visitor, announced: bool
) -> None:
    """The answer comes although the end of the file never does."""
    length = "content-length: 62914560" if announced else "transfer-encoding: chunked"
    piece = b"100000\r\n" + b"\0" * (1 << 20) + b"\r\n"
    body = [] if announced else [piece] * 26
    status, told = await raw(visitor, f"POST /parley/media HTTP/1.1\r\n{length}", body)
    assert status == 413
    assert "25 MB" in json.loads(told)["message"]


async def test_another_site_cannot_upload(visitor: Visitor, tmp_path: Path) -> None:
    evil = {"origin": "http://evil.example"}
    told = await visitor.post("/parley/media", content=png("Evil"), headers=evil)
    assert told.status_code == 403
    assert not [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert (await visitor.post("/parley/media", content=png("Own"))).status_code == 201
    assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


async def test_the_page_is_well_and_says_its_version(visitor: Visitor) -> None:
    assert (await visitor.get("/healthz")).json() == {"status": "ok", "version": "1.2.3"}


async def test_styles_and_scripts_have_an_address_that_changes_with_them(visitor: Visitor) -> None:
    page = (await visitor.get("/")).text
    addresses = set(re.findall(r"/parley/static/[0-9a-f]{12}/[a-z]+\.(?:css|js|svg)", page))
    names = {address.rsplit("/", 1)[1] for address in addresses}
    assert {"main.js", "mark.svg", "tokens.css", "chat.css"} <= names
    for address in addresses:
        answer = await visitor.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    stale = await visitor.get("/parley/static/000000000000/main.js")
    assert stale.headers["cache-control"] == "no-store"


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}")
    before = StaticFiles(tmp_path).version
    (tmp_path / "a.css").write_text("b{}")
    assert StaticFiles(tmp_path).version != before


@pytest.mark.parametrize("name", ["", "../mount.py", "%2e%2e%2fmount.py", "mount.py", "x/../../y"])
async def test_there_is_no_list_and_no_way_out_of_the_folder(visitor: Visitor, name: str) -> None:
    status, told = await raw(visitor, f"GET /parley/static/x/{name} HTTP/1.1")
    assert (status, b"def " in told) == (404, False)


async def test_the_page_may_load_from_nowhere_else(visitor: Visitor) -> None:
    answer = await visitor.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_script_or_style_names_another_host() -> None:
    for path in STATIC.iterdir():
        if path.suffix == ".png":
            continue
        hosts = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text(encoding="utf-8")))
        assert hosts <= {"http://www.w3.org/2000/svg"}


async def test_a_stranger_keeps_so_many_bytes_and_no_more(house: House) -> None:
    """Who has a login, or sits at the machine, has no such limit."""
    intake = Intake(house.layers.media, house.layers.documents)
    words = [f"{number} ".encode() + b"words " * 50 for number in range(3)]
    for data in words[:2]:
        await intake.keep("ann", data, "a.txt", most=700)
    assert await house.layers.media.total("ann") == sum(map(len, words[:2]))
    with pytest.raises(Refused, match="all that one visitor may keep"):
        await intake.keep("ann", words[2], "a.txt", most=700)
    await intake.keep("bob", words[2], "a.txt", most=700)
    await intake.keep("ann", words[2], "a.txt")
