"""What goes over the wire, exactly: one conversation, many strict servers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest

from inference.backend import ChatRequest, ToolSpec, Unsupported
from inference.openai_wire import MAX_IMAGE_CHARACTERS, chat_body, object_text
from inference.provider import Model, Provider, load_providers
from messages import (
    Audio,
    Document,
    Image,
    Media,
    Message,
    Part,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
    new_id,
)

CUSTOM = load_providers()["custom"]


def message(role: Role, *parts: Part | str) -> Message:
    whole = tuple(Text(p) if isinstance(p, str) else p for p in parts)
    return Message(new_id(), role, whole, at=0.0)


def picture(size: int = 4, name: str = "a") -> Image:
    return Image(Media(name * 64, "image/png", size), 1, 1)


def body(
    *messages: Message,
    system: str = "",
    model: str = "big",
    tools: Sequence[ToolSpec] = (),
    provider: Provider = CUSTOM,
) -> dict[str, Any]:
    def read(media: Media) -> bytes:
        return b"\x89PNG"

    return chat_body(ChatRequest(model, system, messages, read, 500, tools), provider)


def rows(*messages: Message, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(*messages, **options)["messages"]
    return found


def assistant_call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def test_a_plain_question_is_this_and_nothing_more() -> None:
    assert body(message("user", "Hi"), system="Be brief.") == {
        "model": "big",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
        ],
        "max_tokens": 500,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_tools_are_told_as_functions() -> None:
    spec = ToolSpec("clock", "The time.", {"type": "object", "properties": {}})
    assert body(message("user", "Hi"), tools=[spec])["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "clock",
                "description": "The time.",
                "parameters": {"type": "object", "properties": {}},
            },
        }
    ]


def test_openai_itself_is_told_the_limit_under_its_new_name() -> None:
    sent = body(message("user", "Hi"), provider=load_providers()["openai"])
    assert sent["max_completion_tokens"] == 500
    assert "max_tokens" not in sent


def test_a_reply_with_two_rounds_of_tools_becomes_the_messages_it_was() -> None:
    reply = message(
        "assistant",
        Reasoning("Hm."),
        "Let me look.",
        ToolCall("c1", "clock", '{"zone":"UTC"}'),
        ToolCall("c2", "add", '{"a":1}'),
        ToolResult("c2", "2"),
        ToolResult("c1", "noon"),
        ToolCall("c3", "add", "{}"),
        ToolResult("c3", "no numbers", ok=False),
        "It is noon.",
    )
    assert rows(message("user", "When?"), reply, message("user", "Thanks")) == [
        {"role": "user", "content": "When?"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [
                assistant_call("c1", "clock", '{"zone":"UTC"}'),
                assistant_call("c2", "add", '{"a":1}'),
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "noon"},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
        {"role": "assistant", "content": "", "tool_calls": [assistant_call("c3", "add", "{}")]},
        {"role": "tool", "tool_call_id": "c3", "content": "no numbers"},
        {"role": "assistant", "content": "It is noon."},
        {"role": "user", "content": "Thanks"},
    ]


def test_a_call_that_was_never_answered_is_answered_for_it() -> None:
    reply = message("assistant", ToolCall("c1", "clock", "{}"))
    sent = rows(message("user", "When?"), reply, message("user", "Well?"))
    assert [row["role"] for row in sent] == ["user", "assistant", "tool", "assistant", "user"]
    assert sent[2]["content"] == "no result: the turn was interrupted"


def test_words_that_came_after_a_call_stand_beside_it() -> None:
    reply = message(
        "assistant", ToolCall("c", "clock", "{}"), "Wait.", ToolResult("c", "noon"), "Noon."
    )
    sent = rows(message("user", "When?"), reply)
    assert [row["role"] for row in sent] == ["user", "assistant", "tool", "assistant"]
    assert sent[1]["content"] == "Wait."


def test_where_a_server_wants_null_for_no_words_it_gets_null() -> None:
    quirky = replace(CUSTOM, quirks=replace(CUSTOM.quirks, empty_content="null"))
    reply = message("assistant", ToolCall("c", "clock", "{}"), ToolResult("c", "noon"))
    assert rows(message("user", "Hi"), reply, provider=quirky)[1]["content"] is None


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        ("  ", {}),
        ('{"a": 1', {"unreadable": '{"a": 1'}),
        ("[1]", {"unreadable": "[1]"}),
        ('"x"', {"unreadable": '"x"'}),
    ],
)
def test_arguments_are_always_the_text_of_an_object(written: str, sent: object) -> None:
    assert orjson.loads(object_text(written)) == sent


def test_a_name_no_server_would_take_is_made_one() -> None:
    reply = message("assistant", ToolCall("c", "functions.local time", "{}"))
    sent = rows(message("user", "Hi"), reply)
    assert sent[1]["tool_calls"][0]["function"]["name"] == "functions_local_time"


def test_reasoning_goes_back_only_to_models_that_want_it_and_only_with_calls() -> None:
    reply = message(
        "assistant", Reasoning("Hm."), ToolCall("c", "a", "{}"), ToolResult("c", "1"), "One."
    )
    plain = message("assistant", Reasoning("Hm."), "Yes.")
    said = [message("user", "Hi"), reply, message("user", "And?"), plain]
    for model, wanted in (("kimi-k2.6", True), ("deepseek-v4-flash", True), ("big", False)):
        sent = rows(*said, model=model)
        assert ("reasoning_content" in sent[1]) is wanted
        assert all("reasoning_content" not in row for row in sent[2:])


def test_a_recording_goes_as_its_transcript() -> None:
    heard = Audio(Media("a" * 64, "audio/wav", 9), 1.0, transcript="what time is it")
    unheard = Audio(Media("b" * 64, "audio/wav", 9), 1.0)
    sent = rows(message("user", "Listen:", heard, unheard))
    assert (
        sent[0]["content"] == "Listen:\n\nwhat time is it\n\n[A recording that was not understood.]"
    )


def test_an_image_goes_as_a_data_uri_beside_its_words() -> None:
    assert rows(message("user", "What is this?", picture())) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            ],
        }
    ]


def test_images_beyond_the_limit_are_left_out_oldest_first() -> None:
    big = MAX_IMAGE_CHARACTERS * 3 // 4 // 2 - 100
    said = [
        m for n in "abc" for m in (message("user", n, picture(big, n)), message("assistant", n))
    ]
    kinds = [
        [part["type"] for part in row["content"]] if isinstance(row["content"], list) else "text"
        for row in rows(*said)
        if row["role"] == "user"
    ]
    assert kinds == ["text", ["text", "image_url"], ["text", "image_url"]]
    assert "left out" in rows(*said)[0]["content"]


def test_an_image_too_large_to_send_at_all_is_refused_with_advice() -> None:
    with pytest.raises(Unsupported, match="too large") as caught:
        rows(message("user", picture(MAX_IMAGE_CHARACTERS)))
    assert "smaller" in caught.value.advice


def test_a_model_known_to_be_blind_gets_words_in_place_of_an_old_image() -> None:
    blind = replace(CUSTOM, models={"big": Model()})
    said = [
        message("user", "Look", picture()),
        message("assistant", "I see."),
        message("user", "?"),
    ]
    sent = rows(*said, provider=blind)
    assert sent[0]["content"] == "Look\n\n[An image stood here; this model cannot see images.]"


def test_neighbours_of_one_role_are_one_message() -> None:
    sent = rows(
        message("user", "One"),
        message("assistant"),
        message("user", "two", picture()),
        message("assistant", "A"),
        message("assistant", "B", ToolCall("c", "x", "{}"), ToolResult("c", "1")),
    )
    assert [row["role"] for row in sent] == ["user", "assistant", "tool"]
    assert [part["type"] for part in sent[0]["content"]] == ["text", "text", "image_url"]
    assert sent[1]["content"] == "A\n\nB"
    assert sent[1]["tool_calls"]


def test_the_user_comes_first_even_where_the_beginning_was_dropped() -> None:
    sent = rows(message("assistant", "As I said."), message("user", "Yes?"), system="S")
    assert [row["role"] for row in sent] == ["system", "user", "assistant", "user"]


def test_empty_messages_are_not_sent() -> None:
    sent = rows(
        message("user", "Hi"), message("assistant", Reasoning("Hm."), "\n"), message("user", "")
    )
    assert sent == [{"role": "user", "content": "Hi"}]


def test_a_document_whose_text_was_not_put_in_its_place_is_named() -> None:
    document = Document(Media("d" * 64, "application/pdf", 9, "fruit.pdf"), 3, 40)
    told = rows(message("user", document, "What is it?"))[0]["content"]
    assert told == "[A document stood here: fruit.pdf; its text is not at hand.]\n\nWhat is it?"
