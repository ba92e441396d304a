"""Uploads and their way back, the page's own files, and the page itself."""

import io
import re
import struct
import wave
import zlib
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from components.files import STATIC, StaticFiles
from tests.components.canned import Canned


def png(width: int = 3, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + b"\x1c\x6e\x65" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def wav(frames: int = 16000) -> bytes:
    kept = io.BytesIO()
    with wave.open(kept, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes(b"\0\0" * frames)
    return kept.getvalue()


def test_a_picture_is_kept_and_comes_back(visitor: TestClient) -> None:
    told = visitor.post("/parley/media", content=png(), headers={"x-file-name": "a%20sign.png"})
    assert told.status_code == 201
    assert (told.json()["kind"], told.json()["width"], told.json()["height"]) == ("image", 3, 2)
    assert told.json()["name"] == "a sign.png"
    back = visitor.get(told.json()["url"])
    assert back.content == png()
    assert back.headers["content-type"] == "image/png"
    assert back.headers["x-content-type-options"] == "nosniff"
    assert back.headers["content-security-policy"] == "default-src 'none'"
    assert back.headers["content-disposition"].startswith("inline")


def test_a_recording_can_be_played_from_the_middle(visitor: TestClient) -> None:
    told = visitor.post("/parley/media", content=wav()).json()
    assert told["seconds"] == 1.0
    part = visitor.get(told["url"], headers={"range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == wav()[100:200]


def test_a_file_is_there_for_its_owner_only(visitor: TestClient, app: FastAPI) -> None:
    told = visitor.post("/parley/media", content=png()).json()
    stranger = TestClient(app, base_url="http://testserver")
    theirs, missing = stranger.get(told["url"]), stranger.get(f"/parley/media/{'0' * 64}")
    assert theirs.status_code == missing.status_code == 404
    assert theirs.json() == missing.json()


def test_what_is_no_picture_is_refused_with_advice(visitor: TestClient) -> None:
    told = visitor.post("/parley/media", content=b"%PDF-1.7")
    assert told.status_code == 422
    assert told.json() == {
        "message": "This is no picture and no recording.",
        "advice": "Choose a PNG or a WAV.",
    }


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_that_is_too_large_is_not_read_to_its_end(
    visitor: TestClient, announced: bool
) -> None:
    sent = 0

    def endless() -> object:
        nonlocal sent
        for _ in range(60):
            sent += 1 << 20
            yield b"\0" * (1 << 20)

    headers = {"content-length": str(60 << 20)} if announced else {}
    told = visitor.post("/parley/media", content=endless(), headers=headers)  # type: ignore[arg-type]
    assert told.status_code == 413
    assert "25 MB" in told.json()["message"]


def test_another_site_cannot_upload(visitor: TestClient, assistant: Canned) -> None:
    evil = {"origin": "http://evil.example"}
    told = visitor.post("/parley/media", content=png(width=77), headers=evil)
    assert told.status_code == 403
    assert not any(path.read_bytes() == png(width=77) for path in assistant.folder.iterdir())


def test_the_page_is_well_and_says_its_version(visitor: TestClient) -> None:
    assert visitor.get("/healthz").json() == {"status": "ok", "version": "1.2.3"}


def test_styles_and_scripts_have_an_address_that_changes_with_them(visitor: TestClient) -> None:
    page = visitor.get("/").text
    addresses = set(re.findall(r"/parley/static/[0-9a-f]{12}/[a-z]+\.(?:css|js|svg)", page))
    assert len(addresses) == 7
    for address in addresses:
        answer = visitor.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert visitor.get("/parley/static/000000000000/main.js").headers["cache-control"] == "no-store"


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}")
    before = StaticFiles(tmp_path).version
    (tmp_path / "a.css").write_text("b{}")
    assert StaticFiles(tmp_path).version != before


@pytest.mark.parametrize("name", ["", "../mount.py", "%2e%2e%2fmount.py", "mount.py", "x/../../y"])
def test_there_is_no_list_and_no_way_out_of_the_folder(visitor: TestClient, name: str) -> None:
    answer = visitor.get(f"/parley/static/x/{name}")
    assert answer.status_code == 404


def test_the_page_may_load_from_nowhere_else(visitor: TestClient) -> None:
    answer = visitor.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_script_or_style_names_another_host() -> None:
    for path in STATIC.iterdir():
        hosts = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text(encoding="utf-8")))
        assert hosts <= {"http://www.w3.org/2000/svg"}
