"""What a reply may lack although it came, in words for its reader."""

from inference.backend import FinishedChunk
from inference.provider import Provider
from messages import Fault

_WORTH_TELLING = 2_000  # tokens; of less, an estimate says too little
_ENDINGS = {
    "length": Fault(
        "The reply reached the longest this model may write.", "Continue for the rest.", True
    ),
    "incomplete": Fault(
        "The reply may be incomplete: the server just stopped sending.", "Continue, or Retry.", True
    ),
    "content_filter": Fault("The provider's filter cut this reply.", "Ask in another way."),
}
_CUT = Fault(
    "The server read less than half of this conversation, and did not say so.",
    "Give it a larger context window (Ollama: num_ctx), or begin a new chat.",
)


def shortcoming(end: FinishedChunk, provider: Provider, estimate: int) -> Fault | None:
    """`estimate` is what was sent, in tokens: local servers drop what is too much, silently."""
    cut = 0 < end.prompt_tokens < estimate // 2 and estimate > _WORTH_TELLING
    if cut and provider.billing == "free" and not provider.offline:
        return _CUT
    return _ENDINGS.get(end.finish)
