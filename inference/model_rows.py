"""What a server's list of models says, read from any shape that servers of the wild give it."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from inference.models import ModelFacts
from inference.provider import Sense

Row = Mapping[str, Any]

_GONE = re.compile(
    r"soon|deprecat|disabl|unavail|inactive|offline|maint|retired|removed|error|fail|down",
    re.IGNORECASE,
)


def _table(*rows: tuple[Sense | None, str]) -> tuple[tuple[Sense | None, re.Pattern[str]], ...]:
    return tuple((sense, re.compile(pattern, re.IGNORECASE)) for sense, pattern in rows)


_KINDS = _table(
    ("transcription", r"speech-recognition|transcri|\bstt\b|\basr\b|speech-to-text"),
    ("speech", r"text-to-speech|text-to-audio|\btts\b|\bspeech\b"),
    ("embedding", r"embed|feature-extraction|sentence-similarity"),
    (None, r"rerank|moderat|detect|classif|guard|video|realtime|music"),
    ("chat", r"chat|llm|vlm|language|vision|code|reason|text-generation|image-text|completion"),
    ("image", r"image|diffusion|flumina"),
)
"""Read in this order: a text-to-speech model is no speech-to-text one, `image-text-to-text` chats."""
_NAMES = _table(
    ("transcription", r"whisper|transcribe|parakeet|canary|[-_/]asr\b"),
    ("speech", r"\btts|[-_]tts|kokoro|piper|orpheus|\bbark\b"),
    ("embedding", r"embed|\bbge-|\be5-|minilm|\bgte-|nomic"),
    ("image", r"dall-e|gpt-image|\bflux|stable-?diffusion|\bsdxl|imagen|oxlo-image"),
    (None, r"moderation|rerank|realtime|\bsora|guard|yolo|babbage|davinci|gpt-3\.5-turbo-instruct"),
)
"""By name alone, where a server says nothing of a model but its id."""


def rows(body: object) -> list[Row]:
    """The list inside a body: bare, under `data` or `models`, of objects or of names; else empty."""
    if isinstance(body, Mapping):
        found = body.get("data") or body.get("models")
        if isinstance(found, Mapping):
            found = [{"id": name, **_map(row)} for name, row in found.items()]
        body = found
    if not isinstance(body, list):
        return []
    return [
        row if isinstance(row, Mapping) else {"id": row}
        for row in body
        if isinstance(row, Mapping) or (isinstance(row, str) and row)
    ]


def read(body: object) -> tuple[ModelFacts, ...]:
    """What Parley can use of a server's list, in its order, each model once."""
    found: dict[str, ModelFacts] = {}
    for row in rows(body):
        facts = _read(row)
        if facts is not None:
            found.setdefault(facts.id, facts)
    return tuple(found.values())


def name_of(row: Row) -> str:
    """The id to ask for: LM Studio calls it `key`, Ollama `model` or `name`."""
    return _text(row, "id", "key", "model", "slug", "name")


def _read(row: Row) -> ModelFacts | None:
    name = name_of(row)
    kind = _sense(row, name)
    if not name or kind is None or _is_gone(row):
        return None
    able, takes = _Able(row.get("capabilities")), _modalities(row, "input")
    price_in, price_out = _prices(_map(row.get("pricing")))
    label = _text(row, "display_name", "name")
    return ModelFacts(
        id=name,
        label="" if label == name else label,
        sense=kind,
        sees=_either(
            "image" in takes if takes else None,
            _flag(row, "supports_image_input", "supports_vision"),
            True if re.search(r"vlm|vision|image-text", _stated(row), re.IGNORECASE) else None,
            able("vision", "multimodal", "image"),
        ),
        hears=_either("audio" in takes if takes else None, able("audio")),
        tools=_either(
            _parameter(row, "tools"),
            _flag(row, "supports_tools", "supports_function_calling"),
            able("tools", "tool_use", "trained_for_tool_use", "function_calling", "tool_calling"),
        ),
        json=_either(
            _parameter(row, "structured_outputs", "response_format"),
            _flag(row, "supports_structured_output", "supports_response_schema"),
            able("structured_outputs", "json_schema"),
        ),
        temperature=_parameter(row, "temperature"),
        reasons=_either(
            _parameter(row, "reasoning", "include_reasoning"), able("thinking", "reasoning")
        ),
        window=_window(row),
        max_out=_smallest(
            _map(row.get("top_provider")).get("max_completion_tokens"),
            row.get("max_completion_tokens"),
            row.get("max_output_tokens"),
        ),
        plan=_text(row, "plan", "tier", "required_plan").lower(),
        price_in=price_in,
        price_out=price_out,
    )


def _is_gone(row: Row) -> bool:
    status = row.get("status")
    return (
        any(row.get(name) is True for name in ("coming_soon", "deprecated", "archived"))
        or row.get("active") is False
        or (isinstance(status, str) and bool(_GONE.search(status)))
    )


def _sense(row: Row, name: str) -> Sense | None:
    """What the model does; None for what Parley has no use for."""
    given = _modalities(row, "output")
    if "text" in given:
        return "transcription" if _modalities(row, "input") == {"audio"} else "chat"
    if given:
        return _first(_KINDS, " ".join(sorted(given)).replace("audio", "speech"), None)
    if row.get("supports_chat") is True:
        return "chat"
    by_name = _first(_NAMES, name, "chat")
    stated = _stated(row)
    if row.get("supports_chat") is False:
        by_name = None if by_name == "chat" else by_name
    if re.fullmatch(r"\s*audio\s*", stated):  # hears or speaks: only its name tells
        return by_name if by_name in ("transcription", "speech") else None
    return _first(_KINDS, stated, by_name) if stated else by_name


def _first(
    table: Iterable[tuple[Sense | None, re.Pattern[str]]], text: str, otherwise: Sense | None
) -> Sense | None:
    return next((sense for sense, pattern in table if pattern.search(text)), otherwise)


def _stated(row: Row) -> str:
    """The words a server has for what a model is: speaches' task, Oxlo's category, Together's type."""
    words = (row.get(name) for name in ("task", "category", "type"))
    return " ".join(word for word in words if isinstance(word, str) and word != "model")


def _modalities(row: Row, way: str) -> set[str]:
    """`way` is "input" or "output"; empty where nothing is said."""
    places = (_map(row.get("architecture")), row)
    for place in places:
        said = place.get(f"{way}_modalities")
        said = _map(place.get("modalities")).get(way) if said is None else said
        if isinstance(said, list):
            return {str(word).lower() for word in said}
    return set()


def _window(row: Row) -> int | None:
    """Tokens as the server runs the model: what it was loaded with comes before what it could do."""
    loaded = row.get("loaded_instances")
    if isinstance(loaded, list):
        sizes = [_map(_map(one).get("config")).get("context_length") for one in loaded]
        return _smallest(*sizes)
    meta = _map(row.get("meta"))
    running = _smallest(row.get("loaded_context_length"), meta.get("n_ctx"))
    if running or row.get("state") == "not-loaded":
        return running
    return _smallest(
        _map(row.get("top_provider")).get("context_length"),
        row.get("max_model_len"),
        row.get("context_length"),
        row.get("context_window"),
        row.get("max_context_length"),
        meta.get("n_ctx_train"),
    )


def _smallest(*sizes: object) -> int | None:
    counts = [count(size) for size in sizes]
    return min((n for n in counts if n), default=None)


def count(value: object) -> int | None:
    """A number of tokens, where it is one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, int | float) and math.isfinite(value) and 0 < value < 1e9:
        return int(value)
    return None


def _prices(pricing: Row) -> tuple[float | None, float | None]:
    """US dollars a million tokens: OpenRouter gives them for one token, Together for a million."""
    if "prompt" in pricing or "completion" in pricing:
        return _price(pricing.get("prompt"), 1e6), _price(pricing.get("completion"), 1e6)
    return _price(pricing.get("input"), 1.0), _price(pricing.get("output"), 1.0)


def _price(value: object, times: float) -> float | None:
    """None for what is no price: OpenRouter's router says -1."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value) * times
    except ValueError:
        return None
    return round(number, 6) if math.isfinite(number) and number >= 0 else None


class _Able:
    """A server's `capabilities`: a list of words, or an object of yes and no."""

    def __init__(self, said: object) -> None:
        words = said if isinstance(said, list) else []
        self._list = {str(word).lower().replace("-", "_") for word in words}
        self._map = _map(said)

    def __call__(self, *words: str) -> bool | None:
        """Whether one of `words` is there; None where nothing is said of any."""
        if self._list:
            return bool(self._list & set(words))
        for word in words:
            if isinstance(value := self._map.get(word), bool):
                return value
            if isinstance(value, Mapping):  # LM Studio tells the ways of reasoning
                return True
        return None


def _parameter(row: Row, *names: str) -> bool | None:
    said = row.get("supported_parameters")
    return bool(set(map(str, said)) & set(names)) if isinstance(said, list) else None


def _flag(row: Row, *names: str) -> bool | None:
    return next((row[name] for name in names if isinstance(row.get(name), bool)), None)


def _either(*answers: bool | None) -> bool | None:
    return next((answer for answer in answers if answer is not None), None)


def _text(row: Row, *names: str) -> str:
    return next((v.strip() for n in names if isinstance(v := row.get(n), str) and v.strip()), "")


def _map(value: object) -> Row:
    return value if isinstance(value, Mapping) else {}
