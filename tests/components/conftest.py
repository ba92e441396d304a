"""The page over an assistant that plays recorded turns."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from components.mount import mount
from events import TurnStarted
from messages import Message
from tests.components.canned import Canned, Step
from tests.components.test_render import recorded

KEY = b"a signing key of the tests, 32 b"


def tools(_said: Message) -> list[Step]:
    """The recorded turn with tools, a hundredth of a second an event."""
    return [(0.01, event) for event in recorded("tools") if not isinstance(event, TurnStarted)]


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Canned:
    return Canned(tmp_path_factory.mktemp("media"), tools)


@pytest.fixture(scope="module")
def app(assistant: Canned) -> FastAPI:
    return mount(FastAPI(), assistant, KEY, "1.2.3")


@pytest.fixture(scope="module")
def browser(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://testserver") as client:
        yield client


@pytest.fixture
def visitor(browser: TestClient) -> TestClient:
    """Somebody new who has opened the page, and so has a cookie."""
    browser.cookies.clear()
    browser.get("/")
    return browser
