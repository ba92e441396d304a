"""A tool that must ask: its owner sees what it would do, and has the last word."""

import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import RunningParley, finished, opened, say
from tests.scripted_server import ScriptedServer


def told_to_forget(parley: RunningParley, model: ScriptedServer, visitor: BrowserContext) -> Page:
    page, _ = opened(visitor, parley.url)
    model.says("Noted.")
    say(page, "Remember that my locker is number 4711.")
    finished(page)
    model.calls("forget", memory="my locker is number 4711").says("Done.")
    say(page, "Please forget my locker.")
    expect(page.locator(".tool-question")).to_contain_text("May forget run?")
    return page


def test_a_tool_that_asks_runs_once_it_is_approved(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page = told_to_forget(parley, model, visitor)
    assert len(model.hits) == 2
    page.get_by_role("button", name="Approve forget").click()
    expect(finished(page, 2)).to_contain_text("Done.")
    assert "Forgotten" in str(model.requests[-1]["messages"])
    expect(page.locator(".tool-question")).to_have_count(0)


def test_a_question_survives_a_reload_and_can_be_rejected(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page = told_to_forget(parley, model, visitor)
    page.reload()
    page.get_by_role("button", name="Reject forget").click()
    expect(finished(page, 2)).to_contain_text("Done.")
    assert "Rejected by the user" in str(model.requests[-1]["messages"])
    expect(page.locator(".tool .state")).to_have_text(re.compile("failed"))
