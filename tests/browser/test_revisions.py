"""Editing, versions, going on, branches and verdicts, as a person uses them."""

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import RunningParley, finished, opened, ready, replies, say
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.browser


def asked(page: Page) -> Locator:
    return page.locator("#parley-chat [data-role=user]")


def words(page: Page) -> Locator:
    return page.locator("#parley-chat .message :is(.bubble, .text)")


def act(message: Locator, name: str) -> Locator:
    return message.get_by_role("button", name=re.compile(name))


def edit(page: Page, number: int, text: str) -> None:
    message = asked(page).nth(number)
    message.hover()
    act(message, "Edit").click()
    box = message.get_by_role("textbox")
    expect(box).to_be_focused()
    box.fill(text)
    box.press("Enter")


def test_an_edited_question_and_both_its_versions(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    model.says("One.").says("Two.").says("*Uno.*", delay_s=0.3)
    say(page, "First")
    finished(page)
    say(page, "Second")
    finished(page, 2)
    twin, _ = opened(visitor, page.url)
    expect(words(twin)).to_have_text(["First", "One.", "Second", "Two."])

    edit(page, 0, "Primero")
    for tab in (page, twin):
        expect(words(tab)).to_have_text(["Primero", "Uno."])
        expect(asked(tab).locator(".versions")).to_have_text("2/2")
    finished(page)
    act(asked(page).first, "Earlier version").click()
    for tab in (page, twin):
        expect(words(tab)).to_have_text(["First", "One.", "Second", "Two."])
    expect(act(asked(page).first, "Later version")).to_be_focused()
    page.reload()
    ready(page)
    expect(words(page)).to_have_text(["First", "One.", "Second", "Two."])
    expect(asked(page).first.locator(".versions")).to_have_text("1/2")
    act(asked(page).first, "Later version").press("Enter")
    expect(words(page)).to_have_text(["Primero", "Uno."])
    assert len(model.requests) == 3
    assert (watch.complaints, watch.strangers) == ([], [])


def test_editing_is_left_by_escape_and_refused_while_a_reply_runs(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says(*[f"n{n} " for n in range(60)], delay_s=0.1)
    say(page, "Count")
    expect(replies(page).first).to_contain_text("n1")
    edit(page, 0, "Count more")
    expect(page.locator("#parley-notice")).to_contain_text("still being written")
    box = asked(page).first.get_by_role("textbox")
    expect(box).to_have_value("Count more")  # it is not lost
    box.press("Escape")
    expect(box).to_have_count(0)
    expect(act(asked(page).first, "Edit")).to_be_focused()
    expect(replies(page).first).to_have_attribute("data-status", "running")
    page.keyboard.press("Escape")
    expect(replies(page).first).to_have_attribute("data-status", "stopped")


def test_a_reply_answered_again_streams_as_another_version(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says("Heads.").says("Tails, ", "I ", "say.", delay_s=0.3)
    say(page, "Flip a coin")
    act(finished(page), "Answer again").click()
    expect(replies(page).locator(".versions")).to_have_text("2/2")
    expect(replies(page).first).to_have_attribute("data-status", "running")
    expect(replies(page)).to_contain_text("Tails, I say.")
    finished(page)
    expect(replies(page)).to_have_count(1)
    act(replies(page).first, "Earlier version").click()
    expect(replies(page)).to_contain_text("Heads.")
    act(replies(page).first, "Later version").click()
    expect(replies(page)).to_contain_text("Tails, I say.")
    assert len(model.requests) == 2


def test_a_stopped_reply_goes_on_in_the_same_place(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, watch = opened(visitor, parley.url)
    model.begins("It was the **best** of ti").hangs(30)
    say(page, "Quote it")
    reply = replies(page).first
    expect(reply).to_contain_text("of ti")
    page.locator("#parley-stop").click()
    expect(reply).to_have_attribute("data-status", "stopped")
    model.says("times, ", "it was the worst.", delay_s=0.2)
    act(reply, "Continue").click()
    expect(reply.locator(".text")).to_have_text("It was the best of times, it was the worst.")
    finished(page)
    expect(reply.locator(".foot .facts")).to_contain_text("2 requests")
    expect(act(reply, "Continue")).to_have_count(0)
    expect(replies(page)).to_have_count(1)
    page.reload()
    ready(page)
    expect(replies(page).locator(".text")).to_have_text(
        "It was the best of times, it was the worst."
    )
    assert (watch.complaints, watch.strangers) == ([], [])


def test_a_verdict_is_kept_and_shown_in_every_tab(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says("Fine.")
    say(page, "How are you?")
    finished(page)
    twin, _ = opened(visitor, page.url)
    like, dislike = act(finished(page), "Good reply"), act(finished(page), "Bad reply")
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(like).to_be_focused()
    dislike.press("Enter")
    for tab in (page, twin):
        expect(act(finished(tab), "Bad reply")).to_have_attribute("aria-pressed", "true")
        expect(act(finished(tab), "Good reply")).to_have_attribute("aria-pressed", "false")
    page.reload()
    ready(page)
    act(finished(page), "Bad reply").click()
    expect(act(finished(twin), "Bad reply")).to_have_attribute("aria-pressed", "false")


def test_a_branch_goes_on_in_a_chat_of_its_own(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says("One.").says("Two.").says("Elsewhere.")
    say(page, "First of the branch")
    finished(page)
    say(page, "Second")
    finished(page, 2)
    here = page.url
    first = replies(page).first
    first.hover()
    act(first, "Branch").click()
    page.wait_for_url(lambda url: url != here)
    expect(words(page)).to_have_text(["First of the branch", "One."])
    expect(page.locator("#parley-title")).to_have_text("First of the branch · branch")
    say(page, "Another way")
    expect(words(page)).to_have_text(["First of the branch", "One.", "Another way", "Elsewhere."])
    page.goto(here)
    ready(page)
    expect(words(page)).to_have_text(["First of the branch", "One.", "Second", "Two."])
    assert len(model.requests) == 3


def test_acts_come_with_the_pointer_and_the_keyboard_and_are_always_there_by_touch(
    parley: RunningParley, model: ScriptedServer, visitor: BrowserContext
) -> None:
    page, _ = opened(visitor, parley.url)
    model.says("One.").says("Two.")
    say(page, "First")
    finished(page)
    say(page, "Second")
    finished(page, 2)
    page.mouse.move(5, 5)
    earlier = replies(page).first.locator(".foot .acts")
    expect(earlier).to_have_css("opacity", "0")
    expect(replies(page).nth(1).locator(".foot .acts")).to_have_css("opacity", "1")
    act(replies(page).first, "Copy").focus()
    expect(earlier).to_have_css("opacity", "1")
    assert visitor.browser
    phone = visitor.browser.new_context(
        viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True,
        storage_state=visitor.storage_state(),
    )  # fmt: skip
    touched, _ = opened(phone, page.url)
    expect(replies(touched).first.locator(".foot .acts")).to_have_css("opacity", "1")
    expect(asked(touched).first.locator(".said-foot .acts")).to_have_css("opacity", "1")
    assert touched.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.close()
