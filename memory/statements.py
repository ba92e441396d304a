"""What a message tells to be remembered or heeded: facts and standing instructions together."""

from memory import facts, instructions
from memory.sentences import Told, folded_line
from messages import Audio, MemoryKind, Message, Text


def statements(said: Message) -> list[tuple[MemoryKind, Told]]:
    """Of the user's own words: what was typed, and what was heard of recordings; of nothing else."""
    if said.role != "user":
        return []
    found: list[tuple[MemoryKind, Told]] = []
    for part in said.parts:
        words = ""
        if isinstance(part, Text):
            words = part.text
        elif isinstance(part, Audio):
            words = part.transcript or ""
        rules = instructions.instructions_in(words)
        found += [("instruction", rule) for rule in rules]
        # "Remember that I prefer metric" is heeded, and need not be known besides.
        lines = [folded_line(rule.text) for rule in rules]
        facts_told = facts.facts_in(words)
        found += [
            ("fact", f) for f in facts_told if not any(folded_line(f.text) in n for n in lines)
        ]
    return found


def understood(kind: MemoryKind, text: str) -> Told:
    return instructions.instruction(text) if kind == "instruction" else facts.told(text)
