"""Servers that reject a part of what is sent: it is changed once, and remembered for that model."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from inference.backend import JsonAnswer, Unsupported
from inference.provider import Quirks
from messages import (
    Image,
    Media,
    Message,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from tests.inference.asking import CLOCK, ask, ask_and_fail, outcomes, question, retries, text
from tests.inference.conftest import Open
from tests.scripted_server import ScriptedServer

STRICT: dict[str, object] = {"type": "object", "properties": {"a": {"type": "integer"}}}


def said(words: str, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": words, "type": "invalid_request_error", "param": param}}


UNKNOWN_FIELDS = [
    (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"],
                       "msg": "Extra inputs are not permitted", "input": {}}]}),
    (422, {"object": "error", "message": {"detail": [{"loc": ["body", "stream_options"],
                                                      "msg": "Extra inputs are not permitted"}]}}),
    (422, {"detail": "Unexpected fields in the request: {'stream_options'}"}),
    (400, said("Unrecognized request argument supplied: stream_options")),
    (400, said("Unknown parameter.", "stream_options")),
    (400, {"error_code": "BAD_REQUEST", "message": "Bad request: json: unknown field "
                                                   "\"stream_options\"\n"}),
    (400, [{"error": {"code": 400, "message": "Unknown name \"stream_options\""}}]),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), UNKNOWN_FIELDS)
async def test_a_field_that_is_not_known_is_left_out_from_then_on(
    model: ScriptedServer, backend: Open, engine: AsyncEngine, status: int, body: Any
) -> None:
    model.fails(status, body).says("Yes.").says("Again.")
    opened = backend()
    chunks = await ask(opened)
    assert text(chunks) == "Yes."
    (retry,) = retries(chunks)
    assert retry.wait_s == 0
    assert "stream_options" in retry.why
    assert "stream_options" in model.requests[0]
    assert "stream_options" not in model.requests[1]
    assert await outcomes(engine) == ["Unsupported", "done"]
    assert retries(await ask(opened)) == []
    assert "stream_options" not in model.requests[2]


async def test_what_one_model_rejects_another_is_still_asked(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(400, said("Unrecognized request argument supplied: stream_options"))
    opened = backend()
    await ask(opened)
    await ask(opened, model="another")
    assert "stream_options" in model.requests[2]


@pytest.mark.parametrize(
    "words",
    [
        "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        "Extra inputs are not permitted: max_tokens",
    ],
)
async def test_the_limit_goes_under_its_other_name(
    model: ScriptedServer, backend: Open, words: str
) -> None:
    model.fails(400, said(words, "max_tokens")).says("Yes.")
    assert text(await ask(backend())) == "Yes."
    assert model.requests[1]["max_completion_tokens"] == 500
    assert "max_tokens" not in model.requests[1]


async def test_the_new_name_gives_way_to_the_old_one_too(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(400, said("Unrecognized request argument supplied: max_completion_tokens"))
    await ask(backend(quirks=Quirks(max_tokens_field="max_completion_tokens")))
    assert model.requests[1]["max_tokens"] == 500


@pytest.mark.parametrize(
    "words",
    [
        "max_tokens is too large: 500. This model supports at most 256 completion tokens.",
        "`max_tokens` must be less than or equal to `256`, the maximum value for `max_tokens`",
        "Invalid max_tokens value, the valid range of max_tokens is [1, 256]",
    ],
)
async def test_a_limit_that_is_too_high_is_lowered(
    model: ScriptedServer, backend: Open, words: str
) -> None:
    model.fails(400, said(words)).says("Yes.")
    assert text(await ask(backend())) == "Yes."
    assert model.requests[1]["max_tokens"] == 256


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "registry.ollama.ai/library/big does not support tools"),
        (404, "No endpoints found that support tool use. Try disabling clock."),
        (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser'),
        (500, "tools param requires --jinja flag; unsupported here"),
        (400, "Function calling is not enabled for models/big"),
        (400, "`tool calling` is not supported with this model"),
        (422, "body.tools: Extra inputs are not permitted"),
    ],
)
async def test_a_model_that_takes_no_tools_is_asked_without(
    model: ScriptedServer, backend: Open, status: int, words: str
) -> None:
    model.fails(status, said(words)).says("Yes.")
    opened, request = backend(), question(tools=(CLOCK,))
    chunks = await ask(opened, request)
    assert text(chunks) == "Yes."
    assert "tools" in retries(chunks)[0].why
    assert "tools" in model.requests[0]
    await ask(opened, request)
    assert all("tools" not in sent for sent in model.requests[1:])


async def test_calls_of_earlier_are_told_in_words_to_a_model_without_tools(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(400, said("big does not support tools"))
    await ask(backend(), question(*TOOL_TURN, tools=(CLOCK,)))
    rows = model.requests[1]["messages"]
    assert [row["role"] for row in rows] == ["system", "user", "assistant", "user"]
    assert 'clock was called with {"zone":"UTC"}; it gave: noon' in rows[2]["content"]
    assert rows[2]["content"].endswith("It is noon.")


async def test_one_tool_with_a_bad_schema_does_not_cost_all_tools(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(400, said("Invalid schema for function 'clock': bad.", "tools[0].parameters"))
    chunks, error = await ask_and_fail(backend(), question(tools=(CLOCK,)))
    assert isinstance(error, Unsupported)
    assert chunks == []


async def test_everything_that_is_named_at_once_goes_at_once(
    model: ScriptedServer, backend: Open
) -> None:
    detail = [{"loc": ["body", name], "msg": "Extra inputs are not permitted"}
              for name in ("stream_options", "tools", "max_tokens")]  # fmt: skip
    model.fails(422, {"detail": detail}).says("Yes.")
    chunks = await ask(backend(), question(tools=(CLOCK,)))
    assert len(retries(chunks)) == 1
    sent = model.requests[1]
    assert "max_completion_tokens" in sent
    assert not {"stream_options", "tools", "max_tokens"} & set(sent)


async def test_rejections_one_by_one_are_followed_to_the_end(
    model: ScriptedServer, backend: Open, engine: AsyncEngine
) -> None:
    model.fails(400, said("Unrecognized request argument supplied: stream_options"))
    model.fails(400, said("max_tokens is not supported; use max_completion_tokens"))
    model.fails(503, said("busy"))
    model.says("Yes.")
    chunks = await ask(backend())
    assert [r.wait_s == 0 for r in retries(chunks)] == [True, True, False]
    assert text(chunks) == "Yes."
    assert len(await outcomes(engine)) == 4


async def test_a_rejection_that_changes_nothing_ends_it(
    model: ScriptedServer, backend: Open
) -> None:
    rejected = said("Unrecognized request argument supplied: stream_options")
    model.fails(400, rejected).fails(400, rejected)
    _, error = await ask_and_fail(backend())
    assert isinstance(error, Unsupported)
    assert "stream_options" in error.message
    assert len(model.hits) == 2


# ── the history ─────────────────────────────────────────────────────────────────────────────────

USER = Message("m1", "user", (Text("When?"),), 0.0)
REPLY = Message(
    "m2",
    "assistant",
    (
        Reasoning("Hm."),
        ToolCall("c1", "clock", '{"zone":"UTC"}'),
        ToolResult("c1", "noon"),
        Reasoning("So."),
        Text("It is noon."),
    ),
    0.0,
)
TOOL_TURN = (USER, REPLY, Message("m3", "user", (Text("Sure?"),), 0.0))
PICTURE = Image(Media("a" * 64, "image/png", 4), 1, 1)


@pytest.mark.parametrize(
    "words",
    [
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        "thinking is enabled but reasoning_content is missing in assistant tool call message "
        "at index 2",
    ],
)
async def test_a_model_that_wants_its_reasoning_back_gets_it(
    model: ScriptedServer, backend: Open, words: str
) -> None:
    model.fails(400, said(words)).fails(400, said(words)).says("Yes.")
    plain = Message("m0", "assistant", (Reasoning("Oh."), Text("Hello.")), 0.0)
    opened = backend()
    request = question(Message("m", "user", (Text("Hi"),), 0.0), plain, *TOOL_TURN)
    assert text(await ask(opened, request)) == "Yes."
    first, second, third = (
        [row.get("reasoning_content") for row in sent["messages"] if row["role"] == "assistant"]
        for sent in model.requests
    )
    assert first == [None, None, None]
    assert second == [None, "Hm.", "So."]
    assert third == ["Oh.", "Hm.", "So."]


async def test_a_model_of_that_kind_gets_it_at_once_under_the_name_it_used(
    model: ScriptedServer, backend: Open
) -> None:
    thought = b'data: {"choices":[{"delta":{"reasoning":"Hm."}}]}\n\n'
    words = b'data: {"choices":[{"delta":{"content":"Yes."},"finish_reason":"stop"}]}\n\n'
    model.raw(thought, words).says("Again.")
    opened = backend()
    await ask(opened, model="kimi-k2.6")
    await ask(opened, question(*TOOL_TURN), model="kimi-k2.6")
    sent = [row for row in model.requests[1]["messages"] if row["role"] == "assistant"]
    assert [row.get("reasoning") for row in sent] == ["Hm.", "So."]
    assert all("reasoning_content" not in row for row in sent)


async def test_think_tags_go_back_as_think_tags(model: ScriptedServer, backend: Open) -> None:
    model.says("<think>Hm.</think>Yes.").says("Again.")
    opened = backend(quirks=Quirks(replay_reasoning=("minimax",)))
    await ask(opened, model="minimax-m2.5")
    await ask(opened, question(*TOOL_TURN), model="minimax-m2.5")
    sent = [row["content"] for row in model.requests[1]["messages"] if row["role"] == "assistant"]
    assert sent == ["<think>\nHm.\n</think>\n\n", "<think>\nSo.\n</think>\n\nIt is noon."]


async def test_a_call_of_another_model_without_reasoning_has_something_in_its_place(
    model: ScriptedServer, backend: Open
) -> None:
    reply = Message("m2", "assistant", (ToolCall("c1", "clock", "{}"), ToolResult("c1", "1")), 0.0)
    await ask(backend(), question(USER, reply, TOOL_TURN[2]), model="kimi-k2.6")
    (row,) = [r for r in model.requests[0]["messages"] if "tool_calls" in r]
    assert row["reasoning_content"]


async def test_reasoning_that_is_not_taken_is_left_out(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(400, said("property 'reasoning_content' is unsupported")).says("Yes.")
    await ask(backend(), question(*TOOL_TURN), model="kimi-k2.6")
    assert "reasoning_content" in str(model.requests[0]["messages"])
    assert "reasoning_content" not in str(model.requests[1]["messages"])


@pytest.mark.parametrize(
    "words", ["System role not supported", "Developer instruction is not enabled for models/big"]
)
async def test_a_model_without_a_system_hears_it_from_the_user(
    model: ScriptedServer, backend: Open, words: str
) -> None:
    model.fails(400, said(words)).says("Yes.")
    await ask(backend())
    assert model.requests[1]["messages"] == [{"role": "user", "content": "Be brief.\n\nHi"}]


async def test_no_words_beside_a_call_are_null_or_empty_as_the_server_takes_it(
    model: ScriptedServer, backend: Open
) -> None:
    blank = "The text field in the ContentBlock object at messages.1.content.0 is blank."
    model.fails(400, said(blank)).says("Yes.")
    await ask(backend(), question(*TOOL_TURN))
    assert [s["messages"][2]["content"] for s in model.requests] == ["", None]
    model.reset()
    model.fails(400, said("invalid message content type: <nil>")).says("Yes.")
    await ask(backend(quirks=Quirks(empty_content="null")), question(*TOOL_TURN))
    assert [s["messages"][2]["content"] for s in model.requests] == [None, ""]


NO_EYES = "image input is not supported - hint: you may need to provide the mmproj"


async def test_an_earlier_image_never_breaks_the_chat_with_a_model_that_cannot_see(
    model: ScriptedServer, backend: Open
) -> None:
    seen = replace(PICTURE, caption="a red door")
    earlier = Message("m1", "user", (Text("Look"), seen, PICTURE), 0.0)
    reply = Message("m2", "assistant", (Text("A door."),), 0.0)
    now = Message("m3", "user", (Text("Which colour?"),), 0.0)
    model.fails(500, said(NO_EYES)).says("Red.")
    assert text(await ask(backend(), question(earlier, reply, now))) == "Red."
    content = model.requests[1]["messages"][1]["content"]
    assert "[An image that shows: a red door]" in content
    assert "left out" in content


async def test_an_image_that_was_just_sent_is_not_dropped_in_silence(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(500, said(NO_EYES))
    now = Message("m1", "user", (Text("Look"), PICTURE), 0.0)
    chunks, error = await ask_and_fail(backend(), question(now))
    assert chunks == []
    assert isinstance(error, Unsupported)
    assert "sees images" in error.advice


# ── JSON answers ────────────────────────────────────────────────────────────────────────────────


def formats(model: ScriptedServer) -> list[str | None]:
    return [(sent.get("response_format") or {}).get("type") for sent in model.requests]


async def test_a_json_answer_is_asked_for_by_schema_and_in_words(
    model: ScriptedServer, backend: Open
) -> None:
    await ask(backend(), question(json=JsonAnswer(STRICT)))
    sent = model.requests[0]
    assert sent["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": STRICT},
    }
    system = sent["messages"][0]["content"]
    assert system.startswith("Be brief.\n\n")
    assert "JSON" in system
    assert '{"type":"object","properties":{"a":{"type":"integer"}}}' in system


async def test_a_schema_that_allows_it_is_kept_strictly(
    model: ScriptedServer, backend: Open
) -> None:
    closed = {**STRICT, "required": ["a"], "additionalProperties": False}
    await ask(backend(), question(json=JsonAnswer(closed)))
    assert model.requests[0]["response_format"]["json_schema"]["strict"] is True


async def test_any_object_is_asked_for_as_an_object(model: ScriptedServer, backend: Open) -> None:
    await ask(backend(), question(json=JsonAnswer()))
    assert model.requests[0]["response_format"] == {"type": "json_object"}


async def test_what_a_server_cannot_is_stepped_down_and_remembered(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(400, said("This response_format type is unavailable now"))
    model.fails(400, said("JSON mode is not enabled for models/big"))
    opened, request = backend(), question(json=JsonAnswer(STRICT), tools=(CLOCK,))
    chunks = await ask(opened, request)
    assert len(retries(chunks)) == 2
    await ask(opened, request)
    assert formats(model) == ["json_schema", "json_object", None, None]
    assert all("tools" in sent for sent in model.requests)
    assert "JSON" in model.requests[2]["messages"][0]["content"]


async def test_a_server_that_knows_only_schemas_gets_the_schema_of_any_object(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(400, said("'response_format.type' must be 'json_schema' or 'text'"))
    await ask(backend(), question(json=JsonAnswer()))
    assert formats(model) == ["json_object", "json_schema"]


async def test_a_format_that_excludes_the_tools_gives_way_to_them(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(400, said("json mode cannot be combined with tool/function calling"))
    await ask(backend(), question(json=JsonAnswer(STRICT), tools=(CLOCK,)))
    assert formats(model) == ["json_schema", None]
    assert "tools" in model.requests[1]


async def test_a_list_is_never_asked_for_as_an_object(model: ScriptedServer, backend: Open) -> None:
    model.fails(400, said("json_schema is not supported"))
    await ask(backend(), question(json=JsonAnswer({"type": "array"})))
    assert formats(model) == ["json_schema", None]


async def test_one_schema_that_is_not_taken_says_nothing_about_the_next(
    model: ScriptedServer, backend: Open
) -> None:
    model.fails(400, said("Invalid schema for response_format 'answer': 'x' is not permitted"))
    opened = backend()
    await ask(opened, question(json=JsonAnswer({"type": "object", "x": 1})))
    await ask(opened, question(json=JsonAnswer(STRICT)))
    assert formats(model) == ["json_schema", "json_object", "json_schema"]


async def test_json_that_the_server_itself_could_not_read_is_the_models_fault(
    model: ScriptedServer, backend: Open
) -> None:
    body = {"error": {"message": "Failed to generate JSON.", "code": "json_validate_failed"}}
    model.fails(400, body)
    chunks, error = await ask_and_fail(backend(), question(json=JsonAnswer()))
    assert chunks == []
    assert "Failed to generate JSON" in error.message
    assert not isinstance(error, Unsupported)
