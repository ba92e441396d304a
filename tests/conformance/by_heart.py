"""What the tiny model knows by heart: the cue in the user's message, and what is said to it.

The first cue found in a message decides; while tools are offered, one in a tool's result too. How
texts are written is told in tiny_model.write_model.
"""

import json


def call(name: str, **arguments: object) -> str:
    told = json.dumps({"name": name, "arguments": arguments})
    return f"<tool_call>\n{told}\n</tool_call>"


PARIS = '<tool_call>\n{"name": "clock", "arguments": {"zone": "Europe/Paris"}}\n</tool_call>'
TOKYO = '<tool_call>\n{"name": "clock", "arguments": {"zone": "Asia/Tokyo"}}\n</tool_call>'
SUM = '<tool_call>\n{"name": "calculate", "arguments": {"expression": "12 * 12"}}\n</tool_call>'

GREETING = "Hello, wörld! 你好, 🦙."
THOUGHT = "Twelve is an even number."

TEXTS = {
    "greeting": GREETING,
    "thinking": f"<think>\n{THOUGHT}\n</think>\n\nYes, it is.",
    "one call": PARIS,
    "two calls": f"{TOKYO}\n{SUM}",
    "words first": f"Let me see.\n{SUM}",
    "spell it": '<tool_call>\n{"name": "',
    "no such tool": 'As you wish. |<tool_call>\n{"name": "no_such_tool", "arguments": {}}\n</tool_call>|',
    "for ever": "round and round and …",
    "": "So it is.",
    "warm in Barcelona": call("weather", location="Barcelona", unit="celsius"),
    "mainly clear": "Yes, it is 28 °C there.",
    "three rounds": call("look", at="one"),
    "seen one": call("look", at="two"),
    "seen two": call("look", at="three"),
    "endless loop": call("look", at="again"),
    "seen again": call("look", at="again"),
    "not a seven": call("sevens", number=3),
    "raise an error": call("raising"),
    "never come back": call("hanging"),
    "bring a flood": call("flood"),
    "let one vanish": call("vanishing"),
    "stay there": f"{call('endless')}\n{call('look', at='it')}",
}
