"""Searching, on a local server that answers as SearXNG does."""

from typing import Any

import pytest

from tests.tools.calling import call
from tests.tools.local_web import LocalWeb
from tools.router import Tool
from tools.search_web import search_web_tool

BODY = {
    "query": "parley", "number_of_results": 0,
    "results": [
        {"url": "https://example.org/a", "title": "A  page", "content": "About\nparleys.",
         "engine": "duckduckgo", "parsed_url": ["https", "example.org", "/a", "", "", ""],
         "template": "default.html", "engines": ["duckduckgo"], "positions": [1], "score": 1.0,
         "category": "general", "publishedDate": "2026-03-04T00:00:00"},
        {"url": "https://example.org/b", "title": "Another", "content": "", "publishedDate": None},
        {"title": "No address"},
    ],
    "answers": [{"url": "https://x.org", "template": "answer/legacy.html", "answer": "A talk."}],
    "corrections": [], "infoboxes": [], "suggestions": ["parlay"],
    "unresponsive_engines": [["google", "timeout"]],
}  # fmt: skip


@pytest.fixture
def search(web: LocalWeb) -> Tool:
    return search_web_tool(web.base_url + "/")


async def test_results_are_told_by_title_address_and_words(web: LocalWeb, search: Tool) -> None:
    web.gives_json("/search", BODY)
    result = await call(search, query="  parley\n")
    assert result.untrusted
    assert result.text == (
        "Answer: A talk.\n1. A page (2026-03-04)\nhttps://example.org/a\nAbout parleys.\n"
        "2. Another\nhttps://example.org/b"
    )
    assert web.hits[0].query == {"q": "parley", "format": "json"}


async def test_answers_of_older_instances_are_read_too(web: LocalWeb, search: Tool) -> None:
    web.gives_json("/search", {**BODY, "answers": ["42"]})
    assert (await call(search, query="x")).text.startswith("Answer: 42\n")


async def test_eight_results_are_the_most(web: LocalWeb, search: Tool) -> None:
    many = [
        {"url": f"https://e.org/{n}", "title": "t" * 900, "content": "c" * 9_000} for n in range(50)
    ]
    web.gives_json("/search", {"results": many})
    result = await call(search, query="x")
    assert "\n8. " in result.text
    assert "9. " not in result.text
    assert len(result.text) < 8_000


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, {"results": [], "unresponsive_engines": [["google", "timeout"]]},
         "Nothing was found for 'x' (1 engines did not answer)"),
        (403, None, "its operator must allow that format"),
        (429, None, "too often"),
        (500, None, "status 500"),
        (302, None, "status 302"),
        (200, None, "status 200"),
        (200, {"results": None, "answers": 7}, "Nothing was found"),
    ],
)  # fmt: skip
async def test_its_errors_are_told(
    web: LocalWeb, search: Tool, status: int, body: Any, words: str
) -> None:
    if body is None:
        web.gives("/search", b"<html>403 Forbidden</html>", status=status)
    else:
        web.gives_json("/search", body, status)
    result = await call(search, query="x")
    assert not result.ok
    assert words in result.text


async def test_an_empty_search_is_not_sent(web: LocalWeb, search: Tool) -> None:
    assert not (await call(search, query=" ")).ok
    assert not (await call(search, query="x" * 401)).ok
    assert not web.hits
