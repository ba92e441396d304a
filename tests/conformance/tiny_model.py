"""A language model of one layer, written by hand, that knows a few texts by heart (3 MB).

llama.cpp runs it like any other. Its attention is empty, so each token decides the next: every text
is cut into pieces that occur nowhere else, and each piece is followed by the next one. Where a text
ends before the grammar of a tool call or a schema does, single characters follow, the shortest way
to the end first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np

END = "<|end|>"
ROLE = "<|role|>"
_STRONG = 1.0
_WEAK = 0.01
# What follows where nothing was learned: the end, then whatever closes what is open.
_HABITS = (END, "}", "]", '"', ":", ",", "0", "{", "[")


@dataclass(slots=True)
class _Vocabulary:
    """Tokens in order, and which follows which. The first 256 are the bytes."""

    texts: list[str] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    follows: dict[int, int] = field(default_factory=dict)

    def add(self, text: str, kind: gguf.TokenType = gguf.TokenType.NORMAL) -> int:
        self.texts.append(text)
        self.kinds.append(int(kind))
        return len(self.texts) - 1


def write_model(path: Path, texts: Mapping[str, str], *, window: int = 16_384) -> int:
    """Write a model that says `texts[cue]` when the last user message holds the words `cue`.

    So it does after a tool's result that holds one, while tools are offered; any other result is
    followed by the text of the cue "". A text that ends in "…" begins anew for ever;
    one that ends inside a call leaves the rest to the grammar; what stands between bars is said in
    one piece. To all else it answers nothing.
    Gives the width of its embeddings.
    """
    known = _vocabulary(texts)
    width = -(-len(known.texts) // 32) * 32
    head = 32
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("by-heart")
    writer.add_context_length(window)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(head)
    writer.add_head_count(width // head)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(known.texts)
    writer.add_token_types(known.kinds)
    writer.add_token_merges([f"{_byte_text(0)} {_byte_text(1)}"])
    writer.add_eos_token_id(known.texts.index(END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(chat_template(texts))
    for name, tensor in _tensors(known, width, head):
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return width


def chat_template(texts: Mapping[str, str]) -> str:
    """Hermes' way of writing tools and calls; the last token of a prompt says what comes."""
    cues = "".join(
        f"{{%- elif {cue!r} in last.content and (tools or last.role != 'tool') %}}"
        f"{{{{- {_cue(cue)!r} }}}}"
        for cue in texts
        if cue
    )
    return (
        _TEMPLATE.replace("ROLE", ROLE)
        .replace("END", END)
        .replace("AFTER", _cue(""))
        .replace("NOTHING", _cue("nothing"))
        .replace("{# cues #}", cues)
    )


_TEMPLATE = """\
{%- if tools %}{{- 'ROLEsystem\\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
{{- '# Tools\\n<tools>' }}
{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}
{{- '\\n</tools>\\nFor each call return <tool_call>\\n{"name": <name>, "arguments": <object>}' }}
{{- '\\n</tool_call>END\\n' }}
{%- elif messages[0].role == 'system' %}{{- 'ROLEsystem\\n' + messages[0].content + 'END\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
{{- 'ROLE' + message.role + '\\n' + message.content + 'END\\n' }}
{%- elif message.role == 'assistant' %}
{{- 'ROLEassistant\\n' }}
{%- if message.reasoning_content %}
{{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}
{%- endif %}
{%- if message.content %}{{- message.content }}{%- endif %}
{%- for call in message.tool_calls or [] %}
{%- if loop.first and message.content or not loop.first %}{{- '\\n' }}{%- endif %}
{{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments | tojson }}
{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- 'END\\n' }}
{%- elif message.role == 'tool' %}
{{- 'ROLEuser\\n<tool_response>\\n' + message.content + '\\n</tool_response>END\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- 'ROLEassistant\\n' }}
{%- set last = messages[-1] %}
{%- if not last.content %}{{- 'NOTHING' }}
{# cues #}
{%- elif last.role == 'tool' %}{{- 'AFTER' }}
{%- else %}{{- 'NOTHING' }}
{%- endif %}
{%- endif %}"""


def _vocabulary(texts: Mapping[str, str]) -> _Vocabulary:
    known = _Vocabulary()
    for byte in range(256):
        known.add(_byte_text(byte))
    known.add(_byte_text(0) + _byte_text(1))  # the one merge, of two characters nobody writes
    end = known.add(END, gguf.TokenType.CONTROL)
    known.add(ROLE, gguf.TokenType.CONTROL)
    known.add(_cue("nothing"), gguf.TokenType.CONTROL)
    used: set[bytes] = set()
    for cue, text in texts.items():
        endless = text.endswith("…")
        before = begin = known.add(_cue(cue), gguf.TokenType.CONTROL)
        for piece in _pieces(text.removesuffix("…"), used):
            token = piece[0] if len(piece) == 1 else known.add("".join(map(_byte_text, piece)))
            known.follows[before] = before = token
        if endless:
            known.follows[before] = known.follows[begin]
        elif text.count("<tool_call>") == text.count("</tool_call>"):
            known.follows[before] = end
    return known


def _pieces(text: str, used: set[bytes]) -> list[bytes]:
    """The text cut into pieces; what stands between bars stays whole: `Well. |Yes, indeed.|`"""
    pieces: list[bytes] = []
    for place, part in enumerate(text.split("|")):
        pieces += [part.encode()] if place % 2 else _shortest(part.encode(), used)
    used.update(pieces)
    return pieces


def _shortest(text: bytes, used: set[bytes]) -> list[bytes]:
    """The shortest pieces that were not used before, as Lempel and Ziv cut a text."""
    pieces: list[bytes] = []
    piece = b""
    for byte in text:
        piece += bytes([byte])
        if piece not in used:
            pieces.append(piece)
            used.add(piece)
            piece = b""
    while piece:  # the end is no piece of its own: it goes to the one before
        piece = pieces.pop() + piece
        if piece not in used:
            pieces.append(piece)
            used.add(piece)
            piece = b""
    return pieces


def _tensors(known: _Vocabulary, width: int, head: int) -> Iterator[tuple[str, np.ndarray]]:
    """Identity in, the table of followers out, and nothing between them."""
    count = len(known.texts)
    embedding = np.eye(count, width, dtype=np.float32)
    output = np.zeros((count, width), dtype=np.float32)
    for rank, text in enumerate(_HABITS):
        output[known.texts.index(text), :] = _WEAK * (len(_HABITS) - rank)
    for before, after in known.follows.items():
        output[after, before] = _STRONG
    yield "token_embd.weight", embedding
    yield "output.weight", output
    yield "output_norm.weight", np.ones(width, dtype=np.float32)
    yield "blk.0.attn_norm.weight", np.ones(width, dtype=np.float32)
    yield "blk.0.ffn_norm.weight", np.ones(width, dtype=np.float32)
    shapes = {
        "attn_q": (width, width),
        "attn_k": (head, width),
        "attn_v": (head, width),
        "attn_output": (width, width),
        "ffn_gate": (head, width),
        "ffn_up": (head, width),
        "ffn_down": (width, head),
    }
    for name, shape in shapes.items():
        yield f"blk.0.{name}.weight", np.zeros(shape, dtype=np.float32)


def _cue(name: str) -> str:
    return f"<|say {name}|>" if name else "<|after tools|>"


def _byte_text(byte: int) -> str:
    """A byte as GPT-2's vocabulary writes it: printable ones as they are, the rest from U+0100 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    if byte in plain:
        return chr(byte)
    return chr(256 + [b for b in range(256) if b not in plain].index(byte))
