"""Answers as servers really framed, ended, broke and thought them: the bytes and what they mean."""

from tests.inference.wild import HTML, JSON, Wild, sse

YES = '{"choices":[{"index":0,"delta":{"content":"Yes."},"finish_reason":null}]}'
STOP = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
HALF = '{"choices":[{"delta":{"content":"Half"}}]}'

FRAMES = (
    Wild(
        "usage in a chunk without choices, after the finish: OpenAI, vLLM, llama.cpp",
        sse(
            YES, STOP, '{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}', "[DONE]"
        ),
        text="Yes.",
        tokens=(7, 2),
    ),
    Wild(
        "usage with every chunk, the last one counts; choices null or missing: Fireworks, Azure",
        sse(
            '{"choices":null,"usage":{"prompt_tokens":7,"completion_tokens":0}}',
            '{"prompt_filter_results":[],"model":"","id":""}',
            '{"choices":[{"delta":{"content":"Yes."}}],"usage":{"prompt_tokens":7,"completion_tokens":1}}',
            '{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}',
            '{"type":"keepalive"}',
            "[DONE]",
        ),
        text="Yes.",
        tokens=(7, 2),
    ),
    Wild(
        "comments and pings between the words: OpenRouter, Anthropic's proxies",
        b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\nevent: ping\n\nevent: ping\ndata: {}\n\n"
        + sse(YES, STOP, "[DONE]"),
        text="Yes.",
    ),
    Wild(
        "data without a value, bare fields, words that are no JSON among the chunks: mistral.rs",
        b"retry: 3000\nid: 7\n\ndata:\n\ndata\n\ndata: Number of choices must be 1\n\n"
        + sse(YES, STOP, "[DONE]"),
        text="Yes.",
    ),
    Wild(
        "line breaks of Windows, no space after the colon, a mark of byte order at the start",
        b"\xef\xbb\xbf" + sse(YES, STOP, "[DONE]").replace(b"\n", b"\r\n").replace(b": ", b":"),
        text="Yes.",
    ),
    Wild("no [DONE]: several gateways", sse(YES, STOP), text="Yes."),
    Wild(
        "neither a finish nor [DONE], the line closed in good order: old Ollama, a cut in disguise",
        sse(YES),
        text="Yes.",
        finish="incomplete",
    ),
    Wild("a finish of null to the end, and [DONE]: Ollama", sse(YES, "[DONE]"), text="Yes."),
    *(
        Wild(
            f"a finish called {said!r}", sse(YES, STOP.replace("stop", said), "[DONE]"), text="Yes."
        )
        for said in ("eos", "end_turn", "abort", "")
    ),
    Wild(
        "a filter that ended it",
        sse(HALF, STOP.replace("stop", "content_filter"), "[DONE]"),
        text="Half",
        finish="content_filter",
    ),
    Wild(
        "delta null, role again and again, no id and no object, a second choice",
        sse(
            '{"choices":[{"delta":null}]}',
            '{"choices":[{"delta":{"role":"assistant","content":"Yes"}}]}',
            '{"choices":[{"index":1,"delta":{"content":"another"}}]}',
            '{"choices":[{"delta":{"role":"assistant","content":"."},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
        text="Yes.",
    ),
    Wild(
        "content as a list with thinking in it: Mistral",
        sse(
            '{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text",'
            '"text":"Hm."}]}]}}]}',
            '{"choices":[{"delta":{"content":[{"type":"text","text":"Yes."}]}}]}',
            STOP,
            "[DONE]",
        ),
        text="Yes.",
        thoughts="Hm.",
    ),
    Wild(
        "halves of an emoji in two chunks",
        rb'data: {"choices":[{"delta":{"content":"\ud83d"}}]}'
        + b"\n\n"
        + rb'data: {"choices":[{"delta":{"content":"\udc22"},"finish_reason":"stop"}]}'
        + b"\n\n",
        text="🐢",
    ),
    Wild(
        "a whole completion although a stream was asked for: gateways that buffer",
        b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Yes."},'
        b'"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}',
        text="Yes.",
        tokens=(7, 2),
        kind=JSON,
    ),
    Wild(
        "messages where deltas belong, the last with all of it: z.ai",
        sse(
            HALF,
            '{"choices":[{"message":{"content":"Half and half"},"finish_reason":"stop"}]}',
            "[DONE]",
        ),
        text="Half and half",
    ),
)

BROKEN = (
    Wild(
        "an error at the top of a chunk that also finishes by it: OpenRouter",
        sse(
            HALF,
            '{"id":"gen-1","error":{"code":502,"message":"Provider disconnected"},"choices":[{"delta":'
            '{"content":""},"finish_reason":"error"}]}',
        ),
        text="Half",
        fails="down",
        says="Provider disconnected",
    ),
    Wild(
        "an error object in the stream: vLLM, SGLang",
        sse(HALF, '{"object":"error","message":"CUDA out of memory","code":500}', "[DONE]"),
        text="Half",
        fails="down",
        says="CUDA out of memory",
    ),
    Wild(
        "an error event whose code is a word: llama.cpp's grammar",
        sse(HALF, '{"error":{"code":"grammar","message":"Unexpected empty grammar stack"}}'),
        text="Half",
        fails="interrupted",
        says="Unexpected empty grammar stack",
    ),
    Wild(
        "event: error",
        sse(HALF) + b'event: error\ndata: {"message":"upstream closed"}\n\n',
        text="Half",
        fails="interrupted",
        says="upstream closed",
    ),
    Wild(
        "a finish of network_error: z.ai",
        sse(HALF, STOP.replace("stop", "network_error"), "[DONE]"),
        text="Half",
        fails="interrupted",
    ),
    Wild("a cut without a finish", sse(HALF), text="Half", fails="interrupted", cut=True),
    Wild("a cut after the finish takes nothing away", sse(YES, STOP), text="Yes.", cut=True),
    Wild(
        "JSON of an error with status 200",
        b'{"error":{"message":"the prompt is too long: 9000 tokens > 4096 maximum","code":400}}',
        fails="long",
        says="9,000 tokens",
        kind=JSON,
    ),
    Wild(
        "a web page with status 200: a proxy's login",
        b"<!doctype html><html><head><title>Sign in</title></head><body>hotel</body></html>",
        fails="bad",
        says="Sign in",
        kind=HTML,
    ),
    Wild("nothing at all with status 200", b"", fails="bad", says="nothing at all"),
)

THOUGHTS = (
    *(
        Wild(
            f"reasoning in {field}: {who}",
            sse(f'{{"choices":[{{"delta":{{"{field}":"Hm."}}}}]}}', YES, STOP, "[DONE]"),
            text="Yes.",
            thoughts="Hm.",
        )
        for field, who in (
            ("reasoning_content", "DeepSeek, llama.cpp"),
            ("reasoning", "Groq, Ollama, vLLM"),
        )
    ),
    Wild(
        "the same reasoning in two fields: OpenRouter",
        sse(
            '{"choices":[{"delta":{"content":"","reasoning":"Hm.","reasoning_details":'
            '[{"type":"reasoning.text","text":"Hm.","index":0}]}}]}',
            YES,
            STOP,
            "[DONE]",
        ),
        text="Yes.",
        thoughts="Hm.",
    ),
    Wild(
        "think tags in the words, cut across chunks: MiniMax, R1 without a parser",
        sse(
            *(
                f'{{"choices":[{{"delta":{{"content":"{piece}"}}}}]}}'
                for piece in ("<th", "ink>", "\\nHm.", "</thi", "nk>\\n\\n", "Yes.")
            ),
            STOP,
            "[DONE]",
        ),
        text="Yes.",
        thoughts="Hm.",
    ),
    Wild(
        "a closing tag that nobody opened: templates that open it themselves",
        sse('{"choices":[{"delta":{"content":"Hm.\\n</think>\\n\\nYes."}}]}', STOP, "[DONE]"),
        text="Hm.\nYes.",
    ),
    Wild(
        "a think tag in code stays what it is",
        sse('{"choices":[{"delta":{"content":"Write `<think>` first."}}]}', STOP, "[DONE]"),
        text="Write `<think>` first.",
    ),
    Wild(
        "the whole answer in the reasoning, no content: vLLM's parser for Qwen 3",
        sse('{"choices":[{"delta":{"reasoning":"Yes."}}]}', STOP, "[DONE]"),
        text="Yes.",
        thoughts="Yes.",
    ),
    Wild(
        "reasoning that used up the tokens",
        sse('{"choices":[{"delta":{"reasoning":"Hm"}}]}', STOP.replace("stop", "length"), "[DONE]"),
        thoughts="Hm",
        finish="length",
    ),
)
