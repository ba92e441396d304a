"""Greetings, thanks, "what can you do", and the plain answer to everything else."""

import re

from inference.offline.question import Answer, Question, Say

GREETING = re.compile(
    r"^\s*(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings|hallo|howdy|yo)\b",
    re.IGNORECASE,
)
ONLY_GREETING = re.compile(
    r"^\s*(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings|hallo|howdy|yo)"
    r"(?:\s+(?:there|parley|again|everyone|how are you|how are you doing))*[\s!.,?]*$",
    re.IGNORECASE,
)
THANKS = re.compile(
    r"^\s*(?:thanks?|thank you|thx|cheers|great|perfect|cool|ok(?:ay)?)\b", re.IGNORECASE
)
HELP = re.compile(
    r"\b(?:what (?:can|could) you do|what do you do|who are you|what are you"
    r"|how (?:do|can) i use (?:you|this)|what is (?:this|parley)"
    r"|your (?:abilities|capabilities|features)|how do(?:es)? (?:you|this) work)\b"
    r"|^\s*(?:help|/help|\?)\s*[!?.]*$",
    re.IGNORECASE,
)
CONNECT = re.compile(
    r"\b(?:connect|set ?up|use|add|configure|enable|switch to|need)\b[^.?!\n]{0,30}"
    r"\b(?:models?|llm|api key|key|provider|ollama|oxlo|openai|gpt)\b",
    re.IGNORECASE,
)

HOW_TO_CONNECT = (
    "For open questions, connect a model: set `OXLO_API_KEY` (or `PARLEY_BASE_URL` for any "
    "OpenAI-compatible server), or start Ollama, and restart Parley."
)
TOOL_WORDS = {
    "calculate": "sums",
    "clock": "times",
    "dates": "dates",
    "convert_units": "units",
}


def help_text(question: Question) -> Answer | None:
    """A short list of what works right now: only tools offered and senses installed."""
    if not HELP.search(question.words):
        return None
    lines = []
    examples = {
        "calculate": "“What is 17% of 240?”",
        "clock": "“What time is it in Tokyo and Paris?”",
        "dates": "“How many days until Christmas?”",
        "convert_units": "“5 miles in km”",
    }
    asked = [said for name, said in examples.items() if name in question.tools]
    if asked:
        lines.append(f"**Work things out**: {' · '.join(asked)}")
    others = sorted(set(question.tools) - set(examples))
    if others:
        named = ", ".join(f"`{name}`" for name in others[:6])
        lines.append(f"**Run tools you name** ({named}): “use {others[0]} with {{…}}”")
    lines.append("**Find what you said before**: “What did I say about Rome?”")
    if "reading" in question.senses:
        lines.append("**Read text in a picture**, with its size and colours: attach one")
    else:
        lines.append("**Tell a picture's size and colours**: attach one")
    if "hearing" in question.senses:
        lines.append("**Write down what you say** (roughly, in English): press the microphone")
    if "speaking" in question.senses:
        lines.append("**Speak replies**: switch it on below the chat")
    listed = "\n".join(f"- {line}" for line in lines)
    return Say(
        "I am Parley's offline engine: no key, no network, and no language model. I can:\n\n"
        f"{listed}\n\n{HOW_TO_CONNECT}"
    )


def connecting(question: Question) -> Answer | None:
    if not CONNECT.search(question.words):
        return None
    return Say(
        "To connect a language model, do one of these and restart Parley:\n\n"
        "- set `OXLO_API_KEY` (or another provider's usual key variable)\n"
        "- set `PARLEY_BASE_URL`, `PARLEY_API_KEY` and `PARLEY_MODEL` for any OpenAI-compatible "
        "server\n- start Ollama, LM Studio, llama.cpp or vLLM on this machine"
    )


def thanks(question: Question) -> Answer | None:
    if not THANKS.match(question.words) or len(question.words) > 40 or "?" in question.words:
        return None
    return Say("You're welcome.")


def greeting(question: Question) -> Answer | None:
    if not ONLY_GREETING.match(question.words):
        return None
    return Say(f"Hello! {_what_i_am(question)}\n\n{HOW_TO_CONNECT}")


def lost_picture(question: Question) -> Answer | None:
    if not question.lost_picture or question.pictures:
        return None
    return Say("The picture did not reach me; please attach it again.")


def otherwise(question: Question) -> Answer:
    """Two sentences: what can be done here, and how to get the rest."""
    if not question.words:
        return Say(f"You sent no words. {_what_i_am(question)}\n\n{HOW_TO_CONNECT}")
    if GREETING.match(question.words):
        return Say(f"Hello! {_what_i_am(question)}\n\n{HOW_TO_CONNECT}")
    return Say(
        "That takes a language model, and this is Parley's offline engine, which has none: "
        f"it can {_abilities(question)}.\n\n{HOW_TO_CONNECT}"
    )


def _what_i_am(question: Question) -> str:
    return f"I am Parley's offline engine, without a language model: I can {_abilities(question)}."


def _abilities(question: Question) -> str:
    tools = [word for name, word in TOOL_WORDS.items() if name in question.tools]
    can = [f"work out {_and(tools)}"] if tools else []
    can.append("find what you said before")
    can += ["read text in pictures"] if "reading" in question.senses else []
    can += ["write down speech"] if "hearing" in question.senses else []
    return _and(can)


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
