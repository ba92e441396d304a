"""What the tiny model knows by heart: the cue in the user's message, and what is said to it.

The first cue found in a message decides. How texts are written is told in tiny_model.write_model.
"""

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
}
