"""Tool calls as servers really streamed them: the bytes, who sent such, and what they mean.

The tools on offer are `add` and `clock`. A line here is an event of its own.
"""

from tests.inference.wild import Wild, sse

ADD = '{"name":"add","arguments":'

CALLS = (
    Wild(
        "index null and no id: Gemini's OpenAI API",
        sse(
            '{"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":null,"id":"",'
            '"type":"function","function":{"name":"add","arguments":"{\\"a\\": 1}"}}]}}]}',
            '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":null,"id":"","type":"function",'
            '"function":{"name":"clock","arguments":"{}"}}]},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a": 1}'), ("clock", "{}")),
    ),
    Wild(
        "no index at all, arguments in pieces: mistral.rs, old Ollama",
        sse(
            '{"choices":[{"delta":{"tool_calls":[{"id":"c1","function":{"name":"add","arguments":""}'
            "}]}}]}",
            '{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\\"a\\""}}]}}]}',
            '{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":": 1}"}}]}}]}',
            '{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a": 1}'),),
    ),
    Wild(
        "every call at index 0, told apart by id: Ollama 0.20, dynamo",
        sse(
            '{"choices":[{"index":0,"delta":{"tool_calls":[{"id":"call_a","index":0,"type":"function",'
            '"function":{"name":"add","arguments":"{\\"a\\":1}"}}]},"finish_reason":null}]}',
            '{"choices":[{"index":0,"delta":{"tool_calls":[{"id":"call_b","index":0,"type":"function",'
            '"function":{"name":"add","arguments":"{\\"a\\":2}"}}]},"finish_reason":null}]}',
            '{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a":1}'), ("add", '{"a":2}')),
    ),
    Wild(
        "every call at index 0 without ids, told apart by a new name after whole arguments",
        sse(
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"add","arguments":'
            '"{\\"a\\":1}"}}]}}]}',
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"clock","arguments":'
            '"{}"}}]}}]}',
            '{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a":1}'), ("clock", "{}")),
    ),
    Wild(
        "two whole calls in one delta: llama.cpp, transformers serve",
        sse(
            '{"choices":[{"finish_reason":null,"index":0,"delta":{"tool_calls":['
            '{"index":0,"id":"x1","type":"function","function":' + ADD + '"{\\"a\\":1}"}},'
            '{"index":1,"id":"x2","type":"function","function":' + ADD + '"{\\"a\\":2}"}}]}}]}',
            '{"choices":[{"finish_reason":"tool_calls","index":0,"delta":{}}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a":1}'), ("add", '{"a":2}')),
    ),
    Wild(
        "id and name again on every delta: Continue's and Spring's servers",
        sse(
            *(
                '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"add",'
                f'"arguments":"{piece}"}}}}]}}}}]}}'
                for piece in ("", '{\\"a\\"', ": 1", "}")
            ),
            '{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a": 1}'),),
    ),
    Wild(
        "the name in two pieces, arguments null at first: vLLM",
        sse(
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function",'
            '"function":{"name":"clo","arguments":null}}]}}]}',
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"ck"}}]}}]}',
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}',
            '{"choices":[{"delta":{},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
        calls=(("clock", "{}"),),
    ),
    Wild(
        "arguments as an object instead of its text: llama.cpp of some months",
        sse(
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function",'
            '"function":' + ADD + '{"a":1}}}]},"finish_reason":"tool_calls"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a":1}'),),
    ),
    Wild(
        "arguments empty for a tool that takes none",
        sse(
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function",'
            '"function":{"name":"clock","arguments":""}}]},"finish_reason":"tool_calls"}]}',
            "[DONE]",
        ),
        calls=(("clock", "{}"),),
    ),
    Wild(
        "arguments that break off under a finish that says stop: passed on for the router to answer",
        sse(
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":'
            + ADD
            + '"{\\"a\\": 1"}}]}}]}',
            '{"choices":[{"delta":{},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a": 1'),),
    ),
    Wild(
        "a finish that says stop, words before the call: gpt-4o, vLLM with a named tool",
        sse(
            '{"choices":[{"delta":{"role":"assistant","content":"Let me look. "}}]}',
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":'
            '{"name":"clock","arguments":"{}"}}]}}]}',
            '{"choices":[{"delta":{},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
        text="Let me look. ",
        calls=(("clock", "{}"),),
    ),
    Wild(
        "a finish of length: what is left of the arguments is told to be cut",
        sse(
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":'
            + ADD
            + '"{\\"a\\":"}}]}}]}',
            '{"choices":[{"delta":{},"finish_reason":"length"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a":'),),
        finish="length",
    ),
    Wild(
        "the beginning of a call leaked into the text before it: llama.cpp",
        sse(
            '{"choices":[{"delta":{"content":"{\\"name\\": \\""}}]}',
            '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":'
            '{"name":"clock","arguments":"{}"}}]}}]}',
            '{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}',
            "[DONE]",
        ),
        calls=(("clock", "{}"),),
    ),
    Wild(
        "the call left in the text in Hermes' tags: vLLM and transformers serve without a parser",
        sse(
            '{"choices":[{"delta":{"content":"<tool_"}}]}',
            '{"choices":[{"delta":{"content":"call>\\n{\\"name\\": \\"add\\", "}}]}',
            '{"choices":[{"delta":{"content":"\\"arguments\\": {\\"a\\": 1}}\\n</tool_call>"}}]}',
            '{"choices":[{"delta":{},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a":1}'),),
    ),
    Wild(
        "the call left in the text in Qwen's tags",
        sse(
            '{"choices":[{"delta":{"content":"<tool_call>\\n<function=add>\\n<parameter=a>\\n1\\n"}}]}',
            '{"choices":[{"delta":{"content":"</parameter>\\n</function>\\n</tool_call>"}}]}',
            '{"choices":[{"delta":{},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a":1}'),),
    ),
    Wild(
        "the call left in the text behind Mistral's mark",
        sse(
            '{"choices":[{"delta":{"content":"[TOOL_CALLS]"}}]}',
            '{"choices":[{"delta":{"content":"[{\\"name\\": \\"add\\", \\"arguments\\": {\\"a\\": 1}}]"'
            "}}]}",
            '{"choices":[{"delta":{},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a":1}'),),
    ),
    Wild(
        "the function_call of before there were tools",
        sse(
            '{"choices":[{"delta":{"function_call":{"name":"add","arguments":"{\\"a\\":"}}}]}',
            '{"choices":[{"delta":{"function_call":{"arguments":"1}"}}}]}',
            '{"choices":[{"delta":{},"finish_reason":"function_call"}]}',
            "[DONE]",
        ),
        calls=(("add", '{"a":1}'),),
    ),
)
