"""Choosing the model for a turn: what it needs, among what the provider has and the plan allows."""

import re
from dataclasses import dataclass

from inference.backend import ModelUnavailable
from inference.provider import Provider

_SEES = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-5|claude|gemini|gemma-?3|llava|vision|[-_.]vl\b|vl[-:]|pixtral|"
    r"minicpm-v|llama-?4|moondream|internvl|kimi-k2\.[56]|mistral-small-?3",
    re.IGNORECASE,
)
"""Names of models that see, for servers of which nothing else is known. A wrong guess ends in the
server's own words; no guess would lock out every model that somebody runs at home."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`tokens` is an estimate of what goes to the model, the reply not counted.

    `tools` is not weighed yet: no file of facts says of a model that it cannot call them.
    """

    images: bool = False
    tools: bool = False
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """`why` is for the page. `window` tokens may go to the model, `max_output` come back."""

    model: str
    why: str
    window: int
    max_output: int


def choose(provider: Provider, needs: Needs, *, chat: str | None, vision: str | None) -> Choice:
    """The model for one request. `chat` and `vision` are the user's own choice, if any, and win.

    Raises ModelUnavailable with what to set.
    """
    model = chat or provider.chat
    why = "your chosen model" if chat else "your default model"
    if needs.images:
        why = "sees your image"
        if vision or not (model and sees(provider, model)):
            model = vision or provider.vision
        if not model:
            raise ModelUnavailable(
                f"No model that sees images is chosen for {provider.label}.",
                "Set PARLEY_VISION_MODEL to one that does, or send the message without its image.",
            )
    elif provider.offline:
        why = "no model is connected"
    elif not model:
        raise ModelUnavailable(
            f"No model is chosen for {provider.label}.",
            "Set PARLEY_MODEL to one of the models it offers.",
        )
    choice = _bounded(provider, model, why)
    if needs.tokens <= choice.window or chat or (needs.images and vision):
        return choice
    roomier = [
        _bounded(provider, name, "has room for this long conversation")
        for name in provider.models
        if provider.has(name) and (not needs.images or sees(provider, name))
    ]
    best = max(roomier, key=lambda c: c.window, default=choice)
    return best if best.window > choice.window else choice


def sees(provider: Provider, model: str) -> bool:
    """Whether the model takes images: as the provider's file says, else as its name suggests."""
    known = provider.models.get(model)
    return "image" in known.modalities if known else bool(_SEES.search(model))


def _bounded(provider: Provider, model: str, why: str) -> Choice:
    """The plan's limits, bounded by the model's own; careful numbers where nothing is known."""
    known, limits = provider.models.get(model), provider.limit
    outs = [limits.max_out, known.max_out if known else None]
    max_output = min([n for n in outs if n], default=provider.max_out)
    whole = known.window if known else None
    if whole is None and limits.window_in is None:
        whole = provider.window
    if whole is not None:
        max_output = min(max_output, whole // 4)
    rooms = [limits.window_in, whole - max_output if whole else None]
    return Choice(model, why, min(n for n in rooms if n), max_output)
