"""The reader against the bytes that servers really send; none of this needs a network."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.backend import FinishedChunk, ReasoningChunk, TextChunk
from inference.event_stream import INCOMPLETE, EventStream
from tests.inference.stream_bytes import (
    DONE,
    call,
    calls,
    delta,
    event,
    finish,
    play,
    read,
    text,
    thoughts,
)

# ── an ordinary answer ──────────────────────────────────────────────────────────────────────────


def test_each_piece_of_text_is_a_chunk_and_the_finish_is_last() -> None:
    usage = event({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}})
    chunks = read(
        delta(role="assistant", content=""), delta(content="It is "), delta(content="late."),
        delta("stop"), usage, DONE,
    )  # fmt: skip
    assert chunks == [TextChunk("It is "), TextChunk("late."), FinishedChunk("stop", 7, 2)]


def test_the_same_bytes_in_pieces_of_any_size_read_alike() -> None:
    whole = (
        b": hello\r\n\r\n"
        + delta(content="<think>Hm. Ümlaut 🐢</thi")
        + delta(content="nk>\n\nGrüße 🐢 a < b\n")
        + call(index=0, id="x", name="add", arguments='{"a":')
        + call(index=0, arguments=" 1}")
        + delta("tool_calls")
        + DONE
    )
    expected = read(whole)
    assert calls(expected) == [("add", '{"a": 1}')]
    assert thoughts(expected) == "Hm. Ümlaut 🐢"
    for size in (1, 2, 3, 7, 64):
        pieces = [whole[i : i + size] for i in range(0, len(whole), size)]
        chunks = read(*pieces)
        assert (text(chunks), thoughts(chunks)) == (text(expected), thoughts(expected))
        assert calls(chunks) == calls(expected)


# ── frames ──────────────────────────────────────────────────────────────────────────────────────


def test_comments_pings_and_bare_fields_are_skipped() -> None:
    chunks = read(
        b": OPENROUTER PROCESSING\n\n",
        b"event: ping\n\n",
        b"data:\n\n",
        b"data\n\n",
        b"retry: 3000\nid: 7\n\n",
        event({"type": "keepalive"}),
        b"data: some words that are no JSON\n\n",
        delta(content="ok"),
        DONE,
    )
    assert chunks == [TextChunk("ok"), FinishedChunk("stop")]


def test_line_breaks_of_every_kind_and_a_missing_last_one_are_understood() -> None:
    one = b'data: {"choices":[{"delta":{"content":"%s"}}]}'
    mixed = one % b"a" + b"\r\n\r\n" + one % b"b" + b"\r\r" + one % b"c" + b"\n" + one % b"d"
    for size in (1, len(mixed)):
        pieces = [mixed[i : i + size] for i in range(0, len(mixed), size)]
        assert text(read(b"\xef\xbb\xbf\n", *pieces)) == "abcd"


def test_a_value_over_several_data_lines_is_joined() -> None:
    chunks = read(b'data: {"choices": [\ndata: {"delta": {"content": "x"}}\ndata: ]}\n\n', DONE)
    assert text(chunks) == "x"


def test_halves_of_an_emoji_in_two_chunks_are_joined_and_a_lone_half_replaced() -> None:
    halves = (
        rb'data: {"choices":[{"delta":{"content":"a\ud83d"}}]}' + b"\n\n",
        rb'data: {"choices":[{"delta":{"content":"\udc22b\ud83d"}}]}' + b"\n\n",
    )
    assert text(read(*halves, DONE)) == "a🐢b\ufffd"


def test_numbers_that_are_none_do_not_stop_the_stream() -> None:
    odd = b'data: {"choices":[{"delta":{"content":"x"},"logprobs":NaN}]}\n\n'
    assert text(read(odd, DONE)) == "x"


def test_usage_is_the_last_that_came_wherever_it_stood() -> None:
    chunks = read(
        event({"choices": None, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}),
        event({"usage": {"prompt_tokens": 5, "completion_tokens": 9}}),
        delta(content="x"),
        event({"choices": [], "usage": None}),
        DONE,
    )
    assert chunks[-1] == FinishedChunk("stop", 5, 9)
    groq = read(delta(content="x"), event({"x_groq": {"usage": {"prompt_tokens": 3}}}), DONE)
    assert groq[-1] == FinishedChunk("stop", 3, 0)


def test_what_comes_after_done_does_not_count() -> None:
    stream = EventStream()
    chunks = play(stream, delta(content="x"), DONE, delta(content="y"))
    assert text(chunks) == "x"
    assert stream.over


# ── endings ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"),
        ("eos", "stop"), ("end_turn", "stop"), ("abort", "stop"), ("MAX_TOKENS", "length"),
    ],
)  # fmt: skip
def test_finish_reasons_of_every_dialect_are_understood(said: str, meant: str) -> None:
    assert finish(read(delta(content="x"), delta(said), DONE)) == meant


def test_an_end_without_a_reason_is_one_and_without_any_sign_is_incomplete() -> None:
    assert finish(read(delta(content="x"), delta(""), DONE)) == "stop"
    assert finish(read(delta(content="x"))) == INCOMPLETE


def test_calls_at_an_end_without_any_sign_run_only_if_they_are_whole() -> None:
    assert finish(read(call(index=0, id="c", name="now", arguments="{}"))) == "tool_calls"
    assert finish(read(call(index=0, id="c", name="now", arguments=""))) == "length"


def test_a_cut_before_the_finish_keeps_the_words_and_drops_the_calls() -> None:
    stream = EventStream()
    chunks = play(
        stream, delta(content="Half"), call(index=0, id="c", name="a", arguments="{}"), cut=True
    )
    assert chunks == [TextChunk("Half")]
    assert not stream.complete


def test_a_cut_after_the_finish_takes_nothing_away() -> None:
    stream = EventStream()
    chunks = play(stream, delta(content="Whole."), delta("stop"), cut=True)
    assert chunks == [TextChunk("Whole."), FinishedChunk("stop")]
    assert stream.complete


@pytest.mark.parametrize(
    "failure",
    [
        event({"error": {"message": "no capacity", "code": 502}, "choices": [
            {"delta": {"content": ""}, "finish_reason": "error"}]}),
        event({"error": "no capacity"}),
        event({"object": "error", "message": "no capacity", "code": 502}),
        event({"detail": "no capacity"}),
        event({"message": "no capacity", "code": 1}),
        b'event: error\ndata: {"message": "no capacity"}\n\n',
        b'event: error\ndata: "no capacity"\n\n',
        delta("network_error"),
        event({"choices": [{"delta": {}, "finish_reason": "error",
                            "error": {"message": "no capacity"}}]}),
    ],
)  # fmt: skip
def test_an_error_inside_a_stream_ends_it_and_keeps_the_words(failure: bytes) -> None:
    stream = EventStream()
    chunks = play(stream, delta(content="Half"), failure, delta(content="never"))
    assert chunks == [TextChunk("Half")]
    assert stream.error
    assert stream.over


def test_a_null_error_is_none() -> None:
    value = {"error": None, "choices": [{"delta": {"content": "x"}}]}
    stream = EventStream()
    assert text(play(stream, event(value), DONE)) == "x"
    assert stream.error is None


# ── no stream at all ────────────────────────────────────────────────────────────────────────────


def test_a_whole_completion_instead_of_a_stream_is_an_answer() -> None:
    message = {
        "role": "assistant", "content": "Yes.", "reasoning_content": "Hm.",
        "tool_calls": [{"id": "c", "function": {"name": "add", "arguments": '{"a":1}'}}],
    }  # fmt: skip
    body = {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 4, "completion_tokens": 3},
    }
    chunks = read(b" \n" + orjson.dumps(body, option=orjson.OPT_INDENT_2))
    assert chunks[:2] == [ReasoningChunk("Hm."), TextChunk("Yes.")]
    assert calls(chunks) == [("add", '{"a":1}')]
    assert chunks[-1] == FinishedChunk("tool_calls", 4, 3)


def test_chunks_as_lines_without_data_are_an_answer() -> None:
    lines = b'{"choices":[{"delta":{"content":"a"}}]}\n{"choices":[{"delta":{"content":"b"}}]}\n'
    assert text(read(lines)) == "ab"


@pytest.mark.parametrize(
    "body", [b'{"error": {"message": "no"}}', b'{"detail": "no"}', b'[{"error": {"code": 400}}]']
)
def test_an_error_instead_of_a_stream_is_one(body: bytes) -> None:
    stream = EventStream()
    assert play(stream, body) == []
    assert stream.error


def test_a_web_page_instead_of_a_stream_is_kept_as_a_page() -> None:
    stream = EventStream()
    assert play(stream, b"<!doctype html><title>502 Bad", b" Gateway</title>") == []
    assert "502 Bad Gateway" in stream.page


@pytest.mark.parametrize("body", [b"Number of choices must be 1", b"data: Number of choices\n\n"])
def test_plain_words_instead_of_a_stream_are_an_error(body: bytes) -> None:
    stream = EventStream()
    assert play(stream, body) == []
    assert "Number of choices" in str(stream.error)


def test_a_final_whole_message_does_not_repeat_what_was_streamed() -> None:
    final = event({"choices": [{"message": {"content": "One two three"}, "finish_reason": "stop"}]})
    chunks = read(delta(content="One "), delta(content="two"), final, DONE)
    assert text(chunks) == "One two three"


def test_deltas_that_are_null_lists_or_messages_are_read() -> None:
    chunks = read(
        event({"choices": [{"delta": None}]}),
        event({"choices": [{"index": 1, "delta": {"content": "another choice"}}]}),
        event({"choices": ["odd", {"delta": {"role": "assistant", "content": None}}]}),
        event({"choices": [{"message": {"content": "a"}}]}),
        delta(content=[{"type": "text", "text": "b"}, {"type": "odd"}, "c"]),
        event({"choices": [{"text": "d"}]}),
        event([1]), event("odd"), event(7),
        DONE,
    )  # fmt: skip
    assert text(chunks) == "abcd"


# ── reasoning ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_content": "Hm."},
        {"reasoning": "Hm."},
        {"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
        {"reasoning_content": "Hm.", "reasoning": "Hm."},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm."}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]},
        {"content": "<think>Hm.</think>"},
        {"content": "\n<thought>\nHm.\n</thought>\n"},
    ],
)
def test_reasoning_is_read_once_from_any_of_its_places(fields: dict[str, Any]) -> None:
    chunks = read(delta(**fields), delta(content="Yes."), DONE)
    assert (thoughts(chunks), text(chunks)) == ("Hm.", "Yes.")


def test_think_tags_split_over_chunks_are_found() -> None:
    words = "<think>\nHm, is a < b?\n</think>\n\nYes: a </think> is a tag."
    chunks = read(*(delta(content=c) for c in words), DONE)
    assert thoughts(chunks).rstrip() == "Hm, is a < b?"
    assert text(chunks) == "Yes: a </think> is a tag."


def test_a_think_tag_after_the_beginning_is_only_text() -> None:
    words = "Write `<think>` first.\n```\n<think>\n</think>\n```\n"
    chunks = read(*(delta(content=c) for c in words), DONE)
    assert (thoughts(chunks), text(chunks)) == ("", words)


def test_a_closing_tag_that_nobody_opened_is_not_shown() -> None:
    for pieces in (["Hm.\n</think>\n\nYes."], list("Hm.\n</think>\n\nYes.")):
        shown = text(read(*(delta(content=p) for p in pieces), DONE))
        assert "</think>" not in shown
        assert shown.startswith("Hm.\n")
        assert shown.endswith("Yes.")


def test_an_answer_that_is_all_reasoning_is_shown_as_the_answer() -> None:
    for pieces in ([delta(reasoning="Yes.")], [delta(content="<think>Yes.")]):
        chunks = read(*pieces, delta("stop"), DONE)
        assert (thoughts(chunks), text(chunks)) == ("Yes.", "Yes.")


def test_reasoning_that_used_up_the_tokens_is_no_answer() -> None:
    chunks = read(delta(reasoning="Hm, "), delta("length"), DONE)
    assert text(chunks) == ""
    assert finish(chunks) == "length"


def test_reasoning_before_calls_is_not_repeated_as_an_answer() -> None:
    chunks = read(delta(reasoning="Hm."), call(index=0, id="c", name="a", arguments="{}"), DONE)
    assert text(chunks) == ""


# ── anything at all ─────────────────────────────────────────────────────────────────────────────

LEAF = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=4)
NAMES = st.sampled_from(
    "choices delta message content tool_calls function name arguments id index usage error detail "
    "finish_reason reasoning reasoning_details thinking text type code x_groq function_call".split()
)
VALUES = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
CHOICES = st.fixed_dictionaries({"choices": st.lists(VALUES, max_size=2)})
DELTAS = st.dictionaries(NAMES, VALUES, max_size=4).map(lambda d: {"choices": [{"delta": d}]})


@given(st.lists(VALUES | CHOICES | DELTAS, max_size=4))
@settings(max_examples=300, deadline=None)
def test_no_json_at_all_makes_the_reader_fail(values: list[Any]) -> None:
    read(*(b"data: " + orjson.dumps(value) + b"\n\n" for value in values), offered={"name"})
    read(b"\n".join(map(orjson.dumps, values)))


PLAIN = st.text().map(lambda t: {"choices": [{"delta": {"content": t}}]})
BESIDE = st.sampled_from(
    [
        {"object": "error", "message": "no"}, {"error": {"message": "no"}}, {"error": None},
        {"usage": {"prompt_tokens": 3}}, {"x_groq": {"usage": {"prompt_tokens": 3}}}, {"type": "x"},
    ]
)  # fmt: skip


@given(st.lists(DELTAS | PLAIN | st.builds(dict.__or__, PLAIN, BESIDE)))
@settings(max_examples=300, deadline=None)
def test_the_quick_way_reads_like_the_thorough_one(values: list[Any]) -> None:
    quick = read(*map(event, values), DONE, offered={"name"})
    thorough = read(*(event([value]) for value in values), DONE, offered={"name"})
    assert quick == thorough


@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"data: ", b"\n", b"\r", b"{", b'"'])))
@settings(max_examples=200, deadline=None)
def test_no_bytes_at_all_make_the_reader_fail(pieces: list[bytes]) -> None:
    read(*pieces)
    read(b"data: ", *pieces, cut=True)
