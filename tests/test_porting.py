"""Files of conversations in the form that ChatGPT, Open WebUI and Parley itself write them."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from messages import (
    Conversation,
    Document,
    Image,
    Media,
    Message,
    Provenance,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from porting import own
from porting.carried import Carried, Unreadable
from porting.chatgpt_marks import without_marks
from porting.markdown import to_markdown
from porting.reading import conversations
from tests.pictures import png

FILES = Path(__file__).parent / "porting_files"
PICTURE = png("A sign")


def read(data: bytes) -> list[Carried]:
    return list(conversations(io.BytesIO(data)))


def texts(found: Carried) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in found.messages]


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_chatgpts_way_that_was_shown_is_read() -> None:
    tree, voice = read((FILES / "chatgpt.json").read_bytes())
    assert (tree.title, tree.source) == ("Lighthouses", "6720a1b2-0000-8000-9000-000000000001")
    assert (tree.created_at, tree.updated_at) == (1730000000.123456, 1730000100.5)
    assert texts(tree) == [
        ("user", "Who built the first one?\n\n📎 notes.pdf"),
        ("assistant", "The Pharos stood in Alexandria.\n\n```python\nprint(1)\n```"),
        ("user", "Draw it."),
        ("assistant", "Here it is."),
    ]
    reply = tree.messages[1]
    assert reply.parts[0] == Reasoning("The user asks for history.")
    assert reply.provenance == Provenance(model="gpt-4o")
    assert isinstance(tree.messages[3].parts[0], Image)
    assert isinstance(tree.messages[0].parts[0], Image)
    assert texts(voice) == [("user", "What time is it?"), ("assistant", "It is noon.")]


def test_pictures_come_out_of_chatgpts_zip() -> None:
    exported = (FILES / "chatgpt.json").read_bytes()
    members = {
        "user.json": b'{"id": "user-1", "email": "a@b.c"}',
        "chat.html": b"<html></html>",
        "conversations.json": exported,
        "file-AbC123xyz-sign.png": PICTURE,
        "dalle-generations/file_00000000abcd1234-6f0c.webp": b"drawn",
    }
    tree, _ = read(zipped(members))
    first, last = tree.messages[0].parts[0], tree.messages[3].parts[0]
    assert isinstance(first, Image)
    assert isinstance(last, Image)
    assert tree.files[first.media.sha256]() == PICTURE
    assert tree.files[last.media.sha256]() == b"drawn"


def test_todays_zip_of_chatgpt_is_read_with_its_sources_names_and_canvas() -> None:
    members = {
        "export_manifest.json": b'{"version": 1, "files": []}',
        "conversations-000.json": (FILES / "chatgpt_2026.json").read_bytes(),
        "conversation_asset_file_names.json": b'{"file_00000000607871f5.dat": "sign.png"}',
        "library_files.json": b"[]",
        "user.json": b'{"id": "user-1"}',
        "file_00000000607871f5.dat": PICTURE,
        "file_00000000bb22.dat": b"a recording",
    }
    (harbour,) = read(zipped(members))
    assert (harbour.title, harbour.pinned) == ("The harbour", True)
    assert texts(harbour) == [
        ("user", "When does the harbour open, and who runs it?\n\n📎 tides.csv"),
        (
            "assistant",
            "It opens at 7:30. Port Ellen runs it ([harbour.example](https://harbour.example/));"
            " see [its page](https://harbour.example/map).",
        ),
        ("user", "Write that down as a note, and in Python."),
        (
            "assistant",
            "📎 Harbour\n\n# Harbour\n\nOpens at 7:30.\n\n"
            "📎 opens.py\n\n```python\nopens = (7, 30)\n```\n\n"
            "📎 opens.py\n\n```python\nopens = (7, 45)\n```\n\nBoth are in the canvas.",
        ),
        ("user", "And the tide?"),
        ("assistant", "Two metres, at half past seven."),
    ]
    picture, thought = harbour.messages[0].parts[0], harbour.messages[1].parts[0]
    assert isinstance(picture, Image)
    assert harbour.files[picture.media.sha256]() == PICTURE
    assert isinstance(thought, Reasoning)
    assert thought.text.startswith("Reading the sign\n\nThe sign says half past seven")
    assert harbour.messages[1].provenance == Provenance(model="gpt-5-2-thinking")


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("In \ue200entity\ue202Oban\ue201.", "In Oban."),
        ("In \ue200entity\ue202[broken\ue201.", "In ."),
        ("\ue200url\ue202here\ue202javascript:alert(1)\ue201", "here"),
        ("\ue200video\ue202x\ue202y\ue201So.", "So."),
        ("Kept 【as it is】", "Kept 【as it is】"),
    ],
)
def test_marks_of_chatgpts_page_become_words(marked: str, plain: str) -> None:
    assert without_marks(marked, {}) == plain


def test_a_zip_whose_conversations_are_split_is_read_whole() -> None:
    one, two = json.loads((FILES / "chatgpt.json").read_text())
    shards = {"conversations-001.json": [two], "conversations-000.json": [one]}
    found = read(zipped({name: json.dumps(some).encode() for name, some in shards.items()}))
    assert [carried.title for carried in found] == ["Lighthouses", "By voice"]


def test_open_webuis_way_that_was_shown_is_read() -> None:
    tree, old = read((FILES / "open_webui.json").read_bytes())
    assert (tree.title, tree.pinned, tree.folder) == ("🗼 Towers", True, "Open WebUI")
    assert (tree.created_at, tree.updated_at) == (1735689600.0, 1735689700.0)
    assert texts(tree) == [
        ("user", "📎 plan.pdf\n\nWhat is this?"),
        ("assistant", "A tower, 300 m high."),
    ]
    picture = tree.messages[0].parts[0]
    assert isinstance(picture, Image)
    assert tree.files[picture.media.sha256]() == b"a picture"
    thought, _ = tree.messages[1].parts
    assert thought == Reasoning("It is tall.\nSo it is a tower.")
    assert tree.messages[1].provenance == Provenance(model="llama3.2:3b")
    assert texts(old) == [("user", "Hi"), ("assistant", "Hello!")]
    assert old.created_at == 1700000000.0


def test_todays_export_of_open_webui_is_read_with_its_sources() -> None:
    (harbour,) = read((FILES / "open_webui_2026.json").read_bytes())
    assert texts(harbour) == [
        ("user", "📎 tides.csv\n\nWhen does it open?"),
        (
            "assistant",
            "At 7:30 [2](https://harbour.example/)[1], as `hours[1]` says"
            " [3](https://harbour.example/map).",
        ),
        ("user", "And on Sundays?"),
        ("assistant", "Closed."),
    ]
    assert isinstance(harbour.messages[0].parts[0], Image)  # whose bytes stayed on its server
    assert harbour.messages[1].parts[0] == Reasoning("Look at the page.")
    assert harbour.messages[3].provenance == Provenance(model="llama3.3:70b")


def test_our_own_file_comes_back_as_it_was() -> None:
    picture, drawn = Media("a" * 64, "image/png", 7, "a.png"), Media("b" * 64, "image/png", 5)
    said = [
        Message("1" * 32, "user", (Image(picture, 4, 3, "a cat"), Text("Look </script> \u2028")), 5.0),
        Message(
            "2" * 32,
            "assistant",
            (ToolCall("c", "chart", "{}"), ToolResult("c", "ok", pictures=(drawn,)), Text("Ah")),
            6.0,
            provenance=Provenance(model="m", why="because", provider="p"),
        ),
    ]  # fmt: skip
    about = Conversation("3" * 32, "Ä title", 5.0, 6.0, pinned=True, folder="Work")
    files = {picture.sha256: (picture, b"picture"), drawn.sha256: (drawn, b"drawn")}
    [back] = read(own.to_file(about, said, files))
    assert (back.source, back.title, back.pinned, back.folder) == (
        "3" * 32, "Ä title", True, "Work",
    )  # fmt: skip
    assert [message.parts for message in back.messages] == [message.parts for message in said]
    assert back.messages[1].provenance == Provenance(model="m", provider="p")
    assert {name: fetch() for name, fetch in back.files.items()} == {
        "a" * 64: b"picture",
        "b" * 64: b"drawn",
    }


def test_a_zip_of_our_own_files_is_read_whole() -> None:
    said = [Message("1" * 32, "user", (Text("Hi"),), 5.0)]
    members = {
        f"{n} Talk.json": own.to_file(Conversation(str(n) * 32, f"Talk {n}", 5.0, 5.0), said, {})
        for n in (1, 2)
    }
    assert [found.title for found in read(zipped(members))] == ["Talk 1", "Talk 2"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no conversations"),
        (b"%PDF-1.7 ...", "no conversations"),
        (b"[]", "no conversations"),
        (b"{}", "no conversations"),
        (b"[1, 2]", "no conversations"),
        (b'["a", null]', "no conversations"),
        (b'[{"mapping": {}}]', "no conversations"),
        (b"[" * 200_000, "no conversations"),
        (b'{"a":' * 200_000, "no conversations"),
        (b'[{"mapping": {"a": {', "damaged"),
        (b'[{"mapping": nonsense}]', "damaged"),
        (b'[{"mapping": {"a": "' + b"x" * 70_000_000, "too long"),
        (b"PK\x03\x04 no zip at all", "cannot be read"),
        (b'{"format": "parley-conversations", "version": 99}', "another version"),
        (b'{"format": "parley-conversations", "version": 1, "messages": [{"id": 1}]}', "cannot be read"),
        (b"\xff\xfe\x00\x01", "no conversations"),
    ],
    ids=lambda value: str(value)[:32],
)  # fmt: skip
def test_what_is_no_file_of_conversations_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(data)
    assert words in refused.value.message


@pytest.mark.parametrize(
    "mapping",
    [
        {"a": {"parent": "b"}, "b": {"parent": "a"}},
        {"a": None, "b": 7, "c": []},
        {"a": {"message": {"author": "me", "content": 5, "metadata": []}}},
        {"a": {"message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": 1}}}},
        {"a": {"message": {"author": {"role": "user"}, "create_time": "soon",
                           "content": {"content_type": "multimodal_text",
                                       "parts": [{"content_type": "image_asset_pointer"}, None, 3]}}}},
    ],
)  # fmt: skip
def test_nonsense_in_a_tree_is_passed_over(mapping: object) -> None:
    good = json.loads((FILES / "chatgpt.json").read_text())[1]
    found = read(json.dumps([{"mapping": mapping, "current_node": "a"}, good]).encode())
    assert found[-1].title == "By voice"


def test_a_zip_that_grows_without_end_is_given_up() -> None:
    bomb = io.BytesIO()
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("conversations.json", "w") as member,
    ):
        member.write(b"[")
        for _ in range(1_100):
            member.write(b" " * 1_000_000)
    assert len(bomb.getvalue()) < 2_000_000
    with pytest.raises(Unreadable, match="unpacks to more"):
        read(bomb.getvalue())


def test_names_in_a_zip_lead_nowhere() -> None:
    exported = (FILES / "chatgpt.json").read_bytes()
    tree, _ = read(zipped({"../../conversations.json": exported, "/etc/file-AbC123xyz.png": b"x"}))
    assert tree.files["file-AbC123xyz"]() == b"x"  # read from the archive, written nowhere


def test_markdown_says_who_said_what() -> None:
    paper = Document(Media("c" * 64, "application/pdf", 5, "a*b]c.pdf"), 1, 1)
    said = [
        Message("1" * 32, "user", (Image(Media("a" * 64, "i", 1, "cat.png"), 1, 1), paper, Text("Hi"))
                , 5.0),
        Message("2" * 32, "assistant", (Reasoning("hm"), ToolCall("1", "dates", "{}"), Text("**Ho**")),
                6.0, "interrupted", Provenance(model="m")),
    ]  # fmt: skip
    assert to_markdown(Conversation("3" * 32, "T", 0.0, 6.0), said) == (
        "# T\n\n1970-01-01 00:00 UTC\n\n## You\n\n*[Picture: cat.png]*\n\n*[Document: ab)c.pdf]*\n\nHi\n\n"
        "## Parley (m)\n\n*[Used dates]*\n\n**Ho**\n\n*[Interrupted]*\n"
    )
