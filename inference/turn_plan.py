"""A turn within the budget: how many tool rounds it may take, who hears and who speaks. Pure."""

from dataclasses import dataclass
from typing import Literal

Where = Literal["provider", "local", "none"]
SPEECH_REQUESTS = 2
"""What a spoken reply of any length asks of a provider at most."""
SPOKEN_IN = {"request": SPEECH_REQUESTS, "token": 4, "free": 0}
"""Requests that count, at most, for the speech of a reply, by what its provider bills."""
SPEECH_KEEPS = 8
"""Requests that must remain after a reply was spoken by the provider: near the end of the day an
answer is worth more than a voice."""


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """How a turn keeps within the budget. `note` tells the reader what is done otherwise, and why.

    After `tool_rounds` rounds the model is asked without tools, so that it answers. The provider
    speaks in `speech_requests` requests at most.
    """

    tool_rounds: int
    speech: Where
    hearing: Where
    note: str = ""
    speech_requests: int = SPEECH_REQUESTS


def plan(
    left: int | None,
    *,
    speak: bool,
    recordings: int = 0,
    local_senses: bool = True,
    most_rounds: int = 6,
) -> TurnPlan:
    """Divide what is `left` of the day (None: no limit) between hearing, tools, answer and speech.

    One request is kept back for the answer, always. `recordings` are those still to be transcribed.
    `local_senses` says whether the offline engine can hear and speak here.
    """
    speech: Where = "provider" if speak else "none"
    hearing: Where = "provider" if recordings else "none"
    if left is None:
        return TurnPlan(most_rounds, speech, hearing)
    notes: list[str] = []
    if recordings and left < recordings + 1:
        hearing = "local" if local_senses else "none"
        notes.append(
            "the recording is understood on this machine"
            if local_senses
            else "the recording cannot be transcribed, please type"
        )
    spare = left - 1 - (recordings if hearing == "provider" else 0)
    aloud = min(SPEECH_REQUESTS, max(1, spare))
    if speak and spare < (SPEECH_REQUESTS + SPEECH_KEEPS if local_senses else 1):
        speech = "local" if local_senses else "none"
        notes.append(
            "the reply is spoken by the local voice, which costs none"
            if local_senses
            else "the reply is read by a voice of your browser"
        )
    elif speech == "provider" and aloud < SPEECH_REQUESTS:
        notes.append("the reply is spoken when it is whole, in one request")
    if speech == "provider":
        spare -= aloud
    rounds = max(0, min(most_rounds, spare))
    if not rounds and most_rounds:
        notes.append("tools are left out")
    return TurnPlan(rounds, speech, hearing, _note(left, notes), aloud)


def _note(left: int, notes: list[str]) -> str:
    if not notes or left <= 0:  # the turn fails then, and says why
        return ""
    many = "1 request is" if left == 1 else f"{left} requests are"
    return f"{many} left today: {', '.join(notes)}."
