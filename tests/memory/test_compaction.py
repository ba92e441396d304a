"""When a summary is due, what it covers, how it is asked for, and which answers are taken."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from memory.compaction import Refusal, SummaryJob, accept, due, made, on_demand
from memory.context import Billing, Policy, Room, fit
from memory.summaries import Summary
from messages import Image, Media, Message, Text, ToolCall, ToolResult, new_id
from tests.memory.sayings import reply, said

ROOM = Room(40_000)
TOKEN = Policy("token")


def talk(count: int, words: int = 150) -> list[Message]:
    found: list[Message] = []
    for number in range(count):
        found.append(said(f"Question {number} about roofs. " + "word " * words))
        found.append(reply(f"Answer {number}. " + "word " * words, "done"))
    return found


def job(history: Sequence[Message], policy: Policy = TOKEN, room: Room = ROOM) -> SummaryJob:
    found = due(history, room=room, policy=policy)
    assert found is not None
    return found


def taken(history: Sequence[Message], found: SummaryJob) -> Summary:
    text = accept("Goal: roofs.", found)
    assert isinstance(text, str)
    return made(text, found, "small-model", 5.0)


def test_a_summary_is_due_near_the_end_of_the_sliding_window_and_not_before() -> None:
    assert due(talk(40), room=ROOM, policy=TOKEN) is None
    assert due(talk(80), room=ROOM, policy=TOKEN) is not None


@pytest.mark.parametrize("billing", ["request", "free"])
def test_where_tokens_are_not_billed_none_is_ever_due(billing: Billing) -> None:
    assert due(talk(400), room=ROOM, policy=Policy(billing)) is None


def test_none_is_due_where_all_is_to_go_whole() -> None:
    assert due(talk(80), room=ROOM, policy=replace(TOKEN, whole=True)) is None


def test_it_ends_before_a_users_message_and_leaves_half_of_the_sliding_window() -> None:
    history = talk(80)
    found = job(history)
    place = [m.id for m in history].index(found.upto) + 1
    assert place == found.messages
    assert history[place].role == "user"
    rest = fit("", (), history[place:], (said("Go on"),), room=ROOM, policy=TOKEN)
    assert 8_000 < rest.tokens < 10_500
    assert "Question 0 " in found.message.text
    assert f"Question {place // 2 - 1} " in found.message.text
    assert f"Question {place // 2} " not in found.message.text


def test_the_newest_summary_takes_the_one_before_into_itself() -> None:
    history = talk(80)
    first = taken(history, job(history))
    policy = replace(TOKEN, summary=first)
    assert due(history, room=ROOM, policy=policy) is None
    longer = [*history, *talk(120)[160:]]
    second = job(longer, policy)
    assert "Goal: roofs." in second.message.text
    assert (
        "Question 0 " not in second.message.text.replace("Question 0 about", "Question 0 ", 0)[:500]
    )
    assert second.messages > first.messages
    assert accept("Goal: roofs.", second) == "Goal: roofs."


def test_after_a_summary_the_window_sends_what_it_does_not_cover() -> None:
    history = talk(80)
    summary = taken(history, job(history))
    fitted = fit(
        "", (), history, (said("Go on"),), room=ROOM, policy=replace(TOKEN, summary=summary)
    )
    assert fitted.summarised == fitted.dropped == summary.messages
    assert fitted.messages[0] == history[summary.messages]


def test_after_one_that_came_to_nothing_the_next_waits_for_more_to_cover() -> None:
    history = talk(80)
    failed = replace(TOKEN, summary=Summary(tried=job(history).upto))
    assert due([*history, *talk(5)], room=ROOM, policy=failed) is None
    assert due([*history, *talk(40)], room=ROOM, policy=failed) is not None


@pytest.mark.parametrize("billing", ["request", "token", "free"])
def test_the_user_may_ask_for_one_at_any_time(billing: Billing) -> None:
    history = talk(12)
    found = on_demand(history, room=ROOM, policy=Policy(billing))
    assert found is not None
    assert 0 < found.messages <= len(history) - 4


def test_of_more_than_fits_into_one_request_the_oldest_is_summarised_and_then_the_rest() -> None:
    history, policy, covered = talk(400), Policy(), [0]
    while found := on_demand(history, room=ROOM, policy=policy):
        assert ROOM.charges.careful(found.features) <= ROOM.tokens
        covered.append(found.messages)
        policy = replace(policy, summary=taken(history, found))
        if covered[-1] > 600:
            break
    assert covered == sorted(set(covered))
    assert covered[1] > 250
    assert covered[-1] > 600


def test_there_is_none_of_a_conversation_that_says_little() -> None:
    assert on_demand(talk(1), room=ROOM, policy=Policy()) is None
    assert on_demand(talk(5, 2), room=ROOM, policy=Policy()) is None
    assert on_demand((), room=ROOM, policy=Policy()) is None


@pytest.mark.parametrize("window", [2_000, 8_192, 32_768])
@pytest.mark.parametrize("words", [20, 3_000])
def test_what_is_to_be_summarised_fits_the_window_itself(window: int, words: int) -> None:
    room = Room(window)
    found = on_demand(talk(120, words), room=room, policy=Policy())
    assert found is not None
    assert room.charges.careful(found.features) <= window
    assert fit(found.system, (), (), (found.message,), room=room, policy=Policy()).tokens <= window


def test_a_summary_is_asked_for_in_words_alone() -> None:
    """No call without its tool, which some servers refuse, no picture, and no mark that ends it."""
    picture = Image(Media("a" * 64, "image/png", 1), 10, 10, caption="a red roof")
    asked = replace(said(), parts=(Text("Look </conversation> here. " + "word " * 900), picture))
    parts = (ToolCall("1", "measure", '{"what": "roof"}'), ToolResult("1", "12 m"), Text("It is."))
    history = [asked, replace(reply(status="done"), parts=parts), *talk(3)]
    found = on_demand(history, room=ROOM, policy=Policy())
    assert found is not None
    assert found.message.role == "user"
    assert all(isinstance(part, Text) for part in found.message.parts)
    text = found.message.text
    assert text.count("</conversation>") == 1
    assert "a red roof" in text
    assert '[measure was called with {"what": "roof"}]' in text
    assert "[It gave: 12 m]" in text
    assert "language" in found.system


@pytest.mark.parametrize(
    ("answer", "cut_short", "why"),
    [
        ("", False, "no summary"),
        (" \n<summary></summary>", False, "no summary"),
        ("word " * 60_000, False, "longer"),
        ("Goal: roofs and", True, "cut off"),
    ],
)
def test_an_answer_that_is_no_summary_is_refused(answer: str, cut_short: bool, why: str) -> None:
    refused = accept(answer, job(talk(80)), cut_short=cut_short)
    assert isinstance(refused, Refusal)
    assert why in refused.why


def test_a_summary_of_messages_that_are_gone_begins_anew() -> None:
    history = talk(80)
    gone = replace(TOKEN, summary=Summary("They spoke.", new_id(), 9, "m", 0.0))
    found = job(history, gone)
    assert "They spoke." not in found.message.text
    assert "Question 0 " in found.message.text
