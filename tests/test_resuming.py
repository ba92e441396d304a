"""A reply that broke off goes on: the rest is joined so that nobody can tell where."""

import pytest

from inference.backend import FinishedChunk
from inference.provider import load_providers
from inference.shortcomings import shortcoming
from messages import Fault, Message, Provenance, Reasoning, Text, ToolCall, ToolResult, new_id
from steps.resuming import Seam, asks_for_the_rest, resumed

CODE = "Here it is:\n\n```python\ndef f(x):\n"


def joined(before: str, *pieces: str) -> str:
    seam = Seam(before)
    return before + "".join([*map(seam.take, pieces), seam.end()])


def letters(before: str, rest: str) -> str:
    return joined(before, *rest)


@pytest.mark.parametrize("join", [joined, letters])
@pytest.mark.parametrize(
    ("before", "rest", "whole"),
    [
        ("The cat ", "sat down.", "The cat sat down."),
        ("The cat ", " sat down.", "The cat sat down."),
        ("The cat ", "\n\nAnd then", "The cat \n\nAnd then"),
        ("One.\n\n", "Two.", "One.\n\nTwo."),
        ("One.\n\n", "\n\nTwo.", "One.\n\nTwo."),
        # what was said last, once more
        ("It was the best of ", "the best of times.", "It was the best of times."),
        ("- one\n- the second ", "- the second one\n- three", "- one\n- the second one\n- three"),
        # all of it, once more
        ("It is ", "It is late.", "It is late."),
        ("Dear Ann,\n\nthe train ", "Dear Ann,\n\nthe train left.", "Dear Ann,\n\nthe train left."),
        # what only looks like it
        ("ha ha ", "ha ha ha!", "ha ha ha!"),
        ("I said that that ", "that is it.", "I said that that that is it."),
        ("a b a b ", "a b c", "a b a b a b c"),
        # code goes on where it was, with its indentation, without another fence
        (CODE, "    return x\n```", CODE + "    return x\n```"),
        (CODE, "```python\n    return x\n```", CODE + "    return x\n```"),
        (CODE + "    ", "    return x", CODE + "    return x"),
        (CODE + "    ", "return x", CODE + "    return x"),
        (CODE, "```\n\nDone.", CODE + "```\n\nDone."),
        ("Done:\n\n", "```python\nx = 1\n```", "Done:\n\n```python\nx = 1\n```"),
        # a script without spaces
        ("東京は日本の", "首都です。", "東京は日本の首都です。"),
        # nothing was missing
        ("Yes.\n", " ", "Yes.\n"),
        ("", "Yes.", "Yes."),
    ],
)
def test_the_rest_is_joined_without_a_seam(
    join: object, before: str, rest: str, whole: str
) -> None:
    assert join(before, rest) == whole  # type: ignore[operator]


def test_only_what_may_be_a_repetition_is_held_back() -> None:
    seam = Seam("The cat sat on the mat and ")
    assert seam.take("the ") == ""
    assert seam.take("dog ") == "the dog "
    assert seam.take("the ") == "the "


def broken(
    *parts: Text | Reasoning | ToolCall | ToolResult, status: str = "interrupted"
) -> Message:
    about = Provenance(model="m", seconds=3, fault=Fault("Broke off."), spoken_s=2.0)
    return Message(new_id(), "assistant", parts, 5.0, status, about)  # type: ignore[arg-type]


def test_a_reply_goes_on_from_its_last_whole_word() -> None:
    reply = resumed(broken(Text("It was the best of ti")))
    assert (reply.text, reply.status, reply.at) == ("It was the best of ", "running", 5.0)
    assert reply.provenance == Provenance(model="m", seconds=3)
    assert resumed(broken(Text("Stop here.\n"))).text == "Stop here.\n"
    assert resumed(broken(Text("東京は" * 30))).text == "東京は" * 30
    assert resumed(broken(Reasoning("hm"), Text("Hel"))).parts == ()


def test_the_rest_is_asked_for_only_in_the_middle_of_words() -> None:
    call, result = ToolCall("1", "clock", "{}"), ToolResult("1", "noon")
    assert len(asks_for_the_rest(broken(Text("It is ")))) == 1
    for reply in (broken(), broken(Text("Let me see"), call, result)):
        assert asks_for_the_rest(reply) == ()


def test_what_can_go_on_has_words_and_did_not_end_by_itself() -> None:
    assert broken(Text("Half")).broke_off
    assert broken(Text("Half"), status="stopped").broke_off
    assert not broken(Reasoning("hm")).broke_off
    assert not broken(Text("Half"), status="running").broke_off
    assert not broken(Text("Filtered"), status="done").broke_off
    for finish, cut in (("length", True), ("incomplete", True), ("content_filter", False)):
        fault = shortcoming(FinishedChunk(finish), load_providers()["openai"], 0)
        about = Provenance(fault=fault)
        assert Message(new_id(), "assistant", (Text("x"),), 0.0, "done", about).broke_off is cut
