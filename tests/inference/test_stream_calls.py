"""Tool calls as servers really stream them: numbered wrongly, split oddly, or left in the text."""

import pytest

from inference.backend import CallChunk, FinishedChunk, TextChunk
from tests.inference.stream_bytes import DONE, call, calls, delta, finish, ids, read, text


def test_calls_without_an_index_are_told_apart_by_their_names() -> None:
    chunks = read(
        call(index=None, id="", name="add", arguments='{"a": 1}'),
        call(id="", name="sub", arguments='{"b"'),
        call(arguments=": 2}"),
        DONE,
    )
    assert calls(chunks) == [("add", '{"a": 1}'), ("sub", '{"b": 2}')]
    assert len(set(ids(chunks))) == 2


def test_two_calls_at_index_0_with_different_ids_stay_two() -> None:
    chunks = read(
        call(index=0, id="c1", name="add", arguments='{"a": 1}'),
        call(index=0, id="c2", name="add", arguments='{"a": 2}'),
        DONE,
    )
    assert calls(chunks) == [("add", '{"a": 1}'), ("add", '{"a": 2}')]
    assert ids(chunks) == ["c1", "c2"]


def test_a_new_name_after_complete_arguments_at_the_same_index_is_a_new_call() -> None:
    chunks = read(
        call(index=0, name="add", arguments='{"a": 1}'),
        call(index=0, name="sub", arguments='{"a": 2}'),
        DONE,
    )
    assert calls(chunks) == [("add", '{"a": 1}'), ("sub", '{"a": 2}')]


def test_whole_calls_in_one_delta_are_all_read() -> None:
    both = [
        {"function": {"name": "add", "arguments": '{"a": 1}'}},
        {"function": {"name": "add", "arguments": '{"a": 1}'}},
    ]
    chunks = read(delta(tool_calls=both), DONE)
    assert calls(chunks) == [("add", '{"a": 1}')] * 2


def test_fragments_of_two_calls_that_alternate_find_their_own() -> None:
    chunks = read(
        call(index=0, id="a", name="add", arguments=""),
        call(index=1, id="b", name="sub", arguments=""),
        call(index=0, arguments='{"x":'),
        call(index=1, arguments='{"y":'),
        call(index=0, arguments="1}"),
        call(index=1, arguments="2}"),
        DONE,
    )
    assert calls(chunks) == [("add", '{"x":1}'), ("sub", '{"y":2}')]


def test_fragments_keyed_only_by_their_place_in_the_list_find_their_own() -> None:
    opening = [
        {"id": "a", "index": 0, "function": {"name": "add", "arguments": ""}},
        {"id": "b", "index": 1, "function": {"name": "sub", "arguments": ""}},
    ]
    more = [{"function": {"arguments": '{"x":1}'}}, {"function": {"arguments": '{"y":2}'}}]
    chunks = read(delta(tool_calls=opening), delta(tool_calls=more), DONE)
    assert calls(chunks) == [("add", '{"x":1}'), ("sub", '{"y":2}')]


def test_an_id_and_a_name_repeated_on_every_delta_are_not_appended() -> None:
    chunks = read(
        *(call(index=0, id="c1", name="add", arguments=a) for a in ("", '{"a"', ": 1", "}")), DONE
    )
    assert calls(chunks) == [("add", '{"a": 1}')]
    assert ids(chunks) == ["c1"]


def test_a_fresh_id_on_every_delta_does_not_split_a_call() -> None:
    chunks = read(
        call(index=0, id="r1", name="add", arguments='{"a"'),
        call(index=0, id="r2", arguments=": 1"),
        call(index=0, id="r3", arguments="}"),
        DONE,
    )
    assert calls(chunks) == [("add", '{"a": 1}')]


def test_a_name_in_two_pieces_is_joined() -> None:
    chunks = read(
        call(index=0, id="c1", name="local_"),
        call(index=0, name="time", arguments="{}"),
        DONE,
        offered={"local_time"},
    )
    assert calls(chunks) == [("local_time", "{}")]


def test_calls_without_arguments_are_told_apart_by_the_tools_on_offer() -> None:
    chunks = read(
        call(index=0, name="ping"), call(index=0, name="pong"), DONE, offered={"ping", "pong"}
    )
    assert calls(chunks) == [("ping", "{}"), ("pong", "{}")]


@pytest.mark.parametrize("nothing", ["", None, "null"])
def test_no_arguments_are_an_empty_object(nothing: str | None) -> None:
    chunks = read(call(index=0, id="c", name="now", arguments=nothing), DONE)
    assert calls(chunks) == [("now", "{}")]


def test_arguments_that_come_as_an_object_become_its_text() -> None:
    chunks = read(call(index=0, id="c", name="add", arguments={"a": 1}), DONE)
    assert calls(chunks) == [("add", '{"a":1}')]


def test_arguments_encoded_twice_are_unpacked() -> None:
    chunks = read(call(index=0, id="c", name="add", arguments='"{\\"a\\": 1}"'), DONE)
    assert calls(chunks) == [("add", '{"a": 1}')]


def test_broken_arguments_are_passed_on_as_they_were_written() -> None:
    chunks = read(call(index=0, id="c", name="add", arguments='{"a": 1'), delta("stop"), DONE)
    assert calls(chunks) == [("add", '{"a": 1')]


def test_ids_missing_or_already_taken_are_replaced() -> None:
    chunks = read(
        call(index=0, id="call_0", name="add", arguments="{}"),
        call(index=1, id="", name="add", arguments="{}"),
        call(index=2, id="same", name="add", arguments="{}"),
        call(index=3, id="same", name="add", arguments="{}"),
        DONE,
        taken={"call_0", "call_1"},
    )
    assert ids(chunks) == ["call_2", "call_3", "same", "call_4"]


def test_calls_count_although_the_finish_reason_says_stop() -> None:
    chunks = read(call(index=0, id="c", name="now", arguments="{}"), delta("stop"), DONE)
    assert calls(chunks)
    assert finish(chunks) == "tool_calls"


def test_a_reply_cut_at_its_length_says_so_although_it_calls() -> None:
    chunks = read(call(index=0, id="c", name="now", arguments='{"a'), delta("length"), DONE)
    assert finish(chunks) == "length"


def test_the_old_function_call_is_a_call() -> None:
    chunks = read(
        delta(function_call={"name": "add", "arguments": ""}),
        delta(function_call={"arguments": '{"a": 1}'}),
        delta("function_call"),
        DONE,
    )
    assert calls(chunks) == [("add", '{"a": 1}')]


def test_calls_left_in_the_text_are_taken_out_of_it() -> None:
    chunks = read(
        delta(content="Let me see. <tool_"),
        delta(content='call>\n{"name": "add", "arg'),
        delta(content='uments": {"a": 1}}\n</tool_call>'),
        delta(content='<tool_call>{"name": "sub", "arguments": {}}'),
        DONE,
        offered={"add", "sub"},
    )
    assert text(chunks) == "Let me see. "
    assert calls(chunks) == [("add", '{"a":1}'), ("sub", "{}")]


def test_a_reply_that_is_nothing_but_a_call_is_one() -> None:
    chunks = read(
        delta(content='{"na'), delta(content='me": "add", "parameters": {"a": 1}}'), DONE,
        offered={"add"},
    )  # fmt: skip
    assert (text(chunks), calls(chunks)) == ("", [("add", '{"a":1}')])


@pytest.mark.parametrize(
    "words",
    [
        '<tool_call>{"name": "unknown", "arguments": {}}</tool_call>',
        "<tool_call>not json</tool_call> and more",
        '{"name": "Alice", "age": 7}',
        "{",
        "a <tool_ca",
    ],
)
def test_text_that_only_resembles_a_call_stays_text(words: str) -> None:
    chunks = read(*(delta(content=c) for c in words), DONE, offered={"add"})
    assert (text(chunks), calls(chunks)) == (words, [])


def test_without_tools_on_offer_the_text_is_left_alone() -> None:
    words = '<tool_call>{"name": "add", "arguments": {}}</tool_call>'
    assert text(read(delta(content=words), DONE)) == words


def test_the_beginning_of_a_call_that_leaked_into_the_text_is_dropped() -> None:
    chunks = read(
        delta(content='{"name": "'), call(index=0, id="c", name="add", arguments="{}"), DONE,
        offered={"add"},
    )  # fmt: skip
    assert (text(chunks), calls(chunks)) == ("", [("add", "{}")])


def test_words_before_a_call_are_kept() -> None:
    chunks = read(
        delta(content="One moment."), call(index=0, id="c", name="add", arguments="{}"), DONE
    )
    assert [type(c) for c in chunks] == [TextChunk, CallChunk, FinishedChunk]


# ── calls left in the text, of other families ───────────────────────────────────────────────────

SEARCH: dict[str, dict[str, object]] = {
    "search": {
        "type": "object",
        "properties": {
            "words": {"type": "string"},
            "most": {"type": "integer"},
            "where": {"type": "array"},
        },
    },
    "now": {},
}
QWEN = """<function=search>
<parameter=words>
42
</parameter>
<parameter=most>
3
</parameter>
<parameter=where>
["here"]
</parameter>
</function>"""


@pytest.mark.parametrize(
    "written",
    [
        f"<tool_call>\n{QWEN}\n</tool_call>",
        f"<tool_call>\n{QWEN}",
        QWEN,
        f"{QWEN}\n</tool_call>",
        QWEN.replace("\n</parameter>", ""),
        QWEN.replace("\n</function>", ""),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_qwens_calls_are_taken_out_of_the_text_with_the_types_of_their_schema(
    written: str, size: int
) -> None:
    words = f"Let me look.\n{written}"
    pieces = [words[i : i + size] for i in range(0, len(words), size)]
    chunks = read(*(delta(content=p) for p in pieces), DONE, offered=SEARCH)
    assert calls(chunks) == [("search", '{"words":"42","most":3,"where":["here"]}')]
    assert text(chunks).strip() == "Let me look."


def test_two_calls_of_qwen_and_one_without_parameters() -> None:
    words = f"<tool_call>{QWEN}</tool_call>\n<tool_call><function=now></function></tool_call>"
    chunks = read(*(delta(content=c) for c in words), DONE, offered=SEARCH)
    assert [name for name, _ in calls(chunks)] == ["search", "now"]
    assert calls(chunks)[1][1] == "{}"
    assert text(chunks).strip() == ""


@pytest.mark.parametrize(
    "written",
    [
        '[TOOL_CALLS][{"name": "search", "arguments": {"most": 3}}, {"name": "now"}]',
        '[TOOL_CALLS] [{"name": "search", "arguments": {"most": 3}}, {"name": "now"}]',
        '[TOOL_CALLS]search{"most": 3}[TOOL_CALLS]now{}',
        '[TOOL_CALLS]search[ARGS]{"most": 3}[TOOL_CALLS]now[ARGS]{}',
        '[TOOL_CALLS]search[CALL_ID]a1b2[ARGS]{"most": 3}[TOOL_CALLS]now[ARGS]{}',
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_mistrals_calls_are_taken_out_of_the_text(written: str, size: int) -> None:
    words = f"One moment. {written}"
    pieces = [words[i : i + size] for i in range(0, len(words), size)]
    chunks = read(*(delta(content=p) for p in pieces), DONE, offered=SEARCH)
    assert calls(chunks) == [("search", '{"most":3}'), ("now", "{}")]
    assert text(chunks) == "One moment. "


@pytest.mark.parametrize(
    "words",
    [
        "<function=unknown><parameter=a>1</parameter></function> and more",
        "[TOOL_CALLS] is how Mistral begins a call.",
        '[TOOL_CALLS]unknown{"a": 1}',
        "In C, a <function=ptr> is odd; so is </tool_call>.",
        "See [1] and [TOOL",
    ],
)
def test_what_only_resembles_another_familys_call_stays_text(words: str) -> None:
    chunks = read(*(delta(content=c) for c in words), DONE, offered=SEARCH)
    assert (text(chunks), calls(chunks)) == (words, [])
