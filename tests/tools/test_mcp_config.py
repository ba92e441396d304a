"""mcp.json as people write it, and as they mistype it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.mcp.config import Server, read_servers
from tools.mcp.naming import server_names, tool_names


def read(tmp_path: Path, entry: Any, **environ: str) -> list[Server]:
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": {"s": entry}}))
    return read_servers(path, environ)


def test_no_file_is_no_server(tmp_path: Path) -> None:
    assert read_servers(tmp_path / "mcp.json", {}) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"mcpServers": []}', '"\ud83d"'])
def test_a_file_that_is_none_is_a_server_that_failed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(text, errors="surrogatepass")
    [told] = read_servers(path, {})
    assert (told.name, told.problem) == (
        "mcp.json",
        'The file is not JSON of the form {"mcpServers": {…}}.',
    )


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "It needs either a command or a url."),
        ({"command": "a", "url": "http://b"}, "It needs either a command or a url."),
        ("npx", "Its entry in mcp.json is not what it should be."),
        (
            {"command": "a", "env": {"PORT": 1}},
            "Its env.PORT in mcp.json is not what it should be.",
        ),
        ({"command": "a", "timeout_s": 0}, "Its timeout_s in mcp.json is not what it should be."),
        ({"url": "ftp://b"}, "Its url is not an http or https address."),
        ({"url": "http://[b"}, "Its url is not an http or https address."),
        (
            {"url": "http://b", "type": "sse"},
            "Servers of type 'sse' are not spoken with: stdio and http are.",
        ),
        ({"command": "a", "args": ["${B}${A}"]}, "A, B is not set in Parley's environment."),
    ],
)
def test_what_is_wrong_is_said_of_that_server(tmp_path: Path, entry: Any, problem: str) -> None:
    assert [server.problem for server in read(tmp_path, entry)] == [problem]


def test_what_is_switched_off_is_not_there(tmp_path: Path) -> None:
    assert read(tmp_path, {"command": "a", "disabled": True}) == []


def test_what_other_clients_add_is_left_alone(tmp_path: Path) -> None:
    [server] = read(tmp_path, {"command": "a", "alwaysAllow": ["x"], "type": "stdio"})
    assert (server.problem, server.command) == ("", "a")


def test_variables_are_filled_in_and_known_as_secrets(tmp_path: Path) -> None:
    entry = {
        "url": "https://${HOST:-notes.example}/mcp?key=in-the-url",
        "headers": {"Authorization": "Bearer ${TOKEN}"},
    }
    [server] = read(tmp_path, entry, TOKEN="open-sesame")
    assert server.url == "https://notes.example/mcp?key=in-the-url"
    assert server.headers == {"Authorization": "Bearer open-sesame"}
    told = server.without_secrets("401 for open-sesame at ?key=in-the-url with hf_abcdefgh1234")
    assert told == "401 for [secret] at ?key=[secret] with [secret]"
    assert "sesame" not in repr(server)
    assert "in-the-url" not in repr(server)


def test_a_password_that_came_into_the_arguments_is_a_secret(tmp_path: Path) -> None:
    entry = {"command": "pg", "args": ["postgres://me:${PASSWORD}@db/notes"]}
    [server] = read(tmp_path, entry, PASSWORD="hunter22")
    assert server.without_secrets("cannot reach me:hunter22@db") == "cannot reach me:[secret]@db"


NAMES = st.lists(st.text(max_size=80), min_size=1, max_size=8, unique=True)


@given(NAMES, NAMES)
def test_every_tool_has_a_name_of_its_own_that_all_apis_take(
    servers: list[str], tools: list[str]
) -> None:
    prefixes = server_names(servers)
    found = [name for prefix in prefixes for name in tool_names(prefix, tools)]
    assert len(set(found)) == len(servers) * len(tools)
    for name in found:
        assert 1 <= len(name) <= 64
        assert name.isascii()
        assert name.replace("_", "a").replace("-", "a").isalnum()


def test_names_are_plain_where_they_can_be() -> None:
    assert server_names(["time", "my notes", "a__b_"]) == ["time", "my_notes", "a_b"]
    assert tool_names("time", ["now", "get.zone"]) == ["time__now", "time__get_zone"]


def test_names_that_would_meet_keep_apart_in_every_order() -> None:
    one = dict(zip(["a b", "a_b", "a.b"], server_names(["a b", "a_b", "a.b"]), strict=True))
    other = dict(zip(["a.b", "a b", "a_b"], server_names(["a.b", "a b", "a_b"]), strict=True))
    assert one == other
    assert one["a_b"] == "a_b"
