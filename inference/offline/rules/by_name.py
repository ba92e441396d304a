"""Calls a tool that the words name themselves: `use weather with {"city": "Rome"}`."""

import json
import re

from inference.offline.question import Answer, Ask, Call, Question, Say, ToolOffer


def named_tool(question: Question) -> Answer | None:
    calls = []
    for offer in question.tools.values():
        named = re.search(rf"(?<![\w-]){re.escape(offer.name)}(?![\w-])", question.words)
        if not named:
            continue
        arguments = _object_after(question.words, named.end())
        told = re.search(
            rf"\b(?:use|call|run|invoke)\b[^.\n]{{0,20}}{re.escape(offer.name)}",
            question.words,
            re.IGNORECASE,
        )
        if arguments is not None:
            calls.append(Call(offer.name, arguments))
        elif told and not offer.needed and not _says_more(question.words, named.end()):
            calls.append(Call(offer.name, {}))
        elif told and not _is_ours(offer):
            return Say(_how_to_call(offer))
    return Ask(tuple(calls)) if calls else None


def _object_after(text: str, start: int) -> dict[str, object] | None:
    """The JSON object that follows within a few words."""
    brace = text.find("{", start, start + 60)
    if brace < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text, brace)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _says_more(text: str, start: int) -> bool:
    """More words than "tool" or "please" follow: arguments that are not written as JSON."""
    rest = re.sub(r"\b(tool|please|now|and tell me)\b", "", text[start:], flags=re.IGNORECASE)
    return re.search(r"\w", rest) is not None


def _is_ours(offer: ToolOffer) -> bool:
    return offer.name in ("calculate", "clock", "dates", "convert_units")


def _how_to_call(offer: ToolOffer) -> str:
    example = json.dumps(dict.fromkeys(offer.needed, "…"), ensure_ascii=False)
    return (
        f"I can call `{offer.name}`, but without a language model I need its arguments in JSON: "
        f"`use {offer.name} with {example}`."
    )
