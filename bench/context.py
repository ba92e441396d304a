"""What building the window costs, and whether it ever is too long for the server.

1. CPU of one turn in a conversation of 10,000 messages, read anew as each turn reads it, beside a
   floor of the same run: one pass that sums up the lengths of its texts.
2. 10,000 turns for each window and tokenizer: context errors, and how full the window was where
   something had to be left out. `python -m bench.context [tokenizer.json …]` (bench/tokens.py says
   where to get more of them; a minute or two for each).
"""

import os
import statistics
import sys
from pathlib import Path
from time import process_time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

MESSAGES = 10_000
ROUNDS = 31
WINDOWS = (8_192, 32_768, 131_072, 1_000_000)
TURNS = 10_000


def main() -> None:
    _cost()
    _simulation([Path(path) for path in sys.argv[1:]])


def _cost() -> None:
    from memory.context import Policy, Room, fit
    from memory.measures import Measures
    from messages import Message, Text, message_from_json, message_to_json, new_id

    stored = [
        message_to_json(
            Message(new_id(), "assistant" if n % 2 else "user", (Text(f"Turn {n}. " * 12),), 0.0)
        )
        for n in range(MESSAGES)
    ]
    measures = Measures()
    said = Message(new_id(), "user", (Text("And now?"),), 0.0)
    for window in WINDOWS:
        for billing in ("request", "token"):
            room, policy = Room(window, measures=measures), Policy(billing)
            spent, floor = [], []
            for _ in range(ROUNDS):
                history = [message_from_json(text) for text in stored]
                before = process_time()
                sum([len(part.text) for m in history for part in m.parts if isinstance(part, Text)])
                floor.append(process_time() - before)
                history = [message_from_json(text) for text in stored]
                before = process_time()
                fit("Be kind.", (), history, (said,), room=room, policy=policy)
                spent.append(process_time() - before)
            taken, least = statistics.median(spent[1:]), statistics.median(floor[1:])
            print(
                f"{MESSAGES:,} messages, window {window:9,}, billed by {billing:7}: "
                f"{taken * 1e3:5.2f} ms, {taken / least:.2f} × the floor ({least * 1e3:.2f} ms)"
            )


def _simulation(files: list[Path]) -> None:
    from tests.memory.servers import byte_pairs, llama_2, read
    from tests.memory.simulation import simulate

    servers = {"Llama 2": llama_2(), "byte pairs": byte_pairs()}
    servers |= {_name(path): read(path) for path in files}
    for name, server in servers.items():
        for window in WINDOWS:
            found = simulate(server, window, TURNS)
            full = f"{statistics.median(found.full):.0%}" if found.full else "–"
            off = statistics.mean(map(abs, found.off))
            print(
                f"{name}, {window:9,} tokens: {found.errors} context errors in {found.turns:,} turns, "
                f"{found.refused} refused before sending ({found.wrongly} that took less than three "
                f"quarters), full to {full}, estimates off by {off:.1%}",
                flush=True,
            )


def _name(path: Path) -> str:
    return path.parent.name if path.stem == "tokenizer" else path.stem


if __name__ == "__main__":
    main()
