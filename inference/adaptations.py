"""How each model of each server wants to be asked, learned from what it rejected."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Mapping[str, Any]
Replay = Literal["", "tool turns", "all"]

_SIZE_FIELDS = ("max_tokens", "max_completion_tokens")
_NOT_TAKEN = (
    r"(?:unrecogni[sz]ed|unknown|unsupported|unexpected|invalid|extra|not (?:\w+ )?"
    r"(?:permitted|allowed|supported|recogni[sz]ed)|n.t support|no support)"
)
_OF_ITSELF = re.compile(
    r"invalid.{0,3}(?:json.{0,3})?schema|schema.{0,60}(?:invalid|not valid)", re.I
)
_NO_TOOLS = re.compile(
    r"not support (?:\w+ ){0,2}(?:tool|function)|support tool use|(?:tool|function) (?:use|calling|"
    r"calls?)\W{1,3}(?:is|are) not|tool.?choice.{0,40}requires|enable-auto-tool-choice|requires --jinja|"
    rf"{_NOT_TAKEN}[^.]{{0,60}}\btools\b(?![\[.])|\btools\b(?![\[.])[^.]{{0,60}}{_NOT_TAKEN}",
    re.IGNORECASE,
)
_NO_IMAGES = re.compile(
    r"(?:image|vision|multimodal|mmproj)[^.]{0,60}(?:not (?:\w+ )?support|unsupported|provide)|"
    r"not support[^.]{0,20}(?:image|vision|multimodal)|support image input|"
    r"not a multimodal model|image_url.{0,60}(?:invalid|unknown|expected|not)",
    re.IGNORECASE,
)
_NO_SYSTEM = re.compile(
    r"system (?:role|message|prompt|instruction)s?[^.]{0,20}not|not support[^.]{0,10}system|"
    r"developer instruction is not enabled",
    re.IGNORECASE,
)
_WANTS_REASONING = re.compile(
    r"reasoning\w*\W{0,3}(?:[^.]{0,40}must be passed|is missing|is required)", re.IGNORECASE
)
_NO_REASONING = re.compile(
    rf"reasoning(?:_content)?\b[^.]{{0,40}}{_NOT_TAKEN}|{_NOT_TAKEN}[^.]{{0,40}}reasoning", re.I
)
_FORMAT = re.compile(
    r"response.?format|json.(?:object|schema)|json.?mode|structured output|guided|grammar", re.I
)
_ONLY_SCHEMA = re.compile(r"must be .{0,10}json_schema", re.IGNORECASE)
_MOST = re.compile(
    r"(?:at most|less than or equal to|maximum(?: value)?(?: of| is|:)?|max_tokens is \[\d+, ?|"
    r"valid range of max_tokens is \[\d+, ?)\W{0,3}(\d{2,7})",
    re.IGNORECASE,
)
_BLANK = re.compile(
    r"(?:content|text)\b.{0,80}(?:blank|non-?empty|not be empty|is empty)|empty.{0,20}content", re.I
)
_NULL = re.compile(r"content.{0,40}(?:<nil>|null|none\b|nonetype|valid string)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Manners:
    """How one model wants to be asked.

    `refused` holds names of fields it does not take, and of senses: "tools", "images", "system",
    "json_schema", "json_object", "empty content", "null content". `most_out` is the longest reply
    it accepts to be asked for. `replay` says in which turns it wants its own reasoning back, and
    `reasoning_field` under which name it gave it.
    """

    refused: frozenset[str] = frozenset()
    most_out: int | None = None
    replay: Replay = ""
    reasoning_field: str = ""

    def __or__(self, more: "Manners") -> "Manners":
        """Both lessons; the later one counts where only one can."""
        return Manners(
            self.refused | more.refused,
            more.most_out or self.most_out,
            more.replay or self.replay,
            more.reasoning_field or self.reasoning_field,
        )


PLAIN = Manners()


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a rejection taught; `why` follows the server's name: "does not take …".

    A lesson about one request's own content is not `lasting`.
    """

    learned: Manners
    why: str
    lasting: bool = True


@dataclass(slots=True)
class Adaptations:
    """What was learned, by base URL and model, for the life of the process."""

    _known: dict[tuple[str, str], Manners] = field(default_factory=dict)

    def of(self, base_url: str, model: str) -> Manners:
        return self._known.get((base_url, model), PLAIN)

    def learn(self, base_url: str, model: str, learned: Manners) -> None:
        self._known[base_url, model] = self.of(base_url, model) | learned


def lesson(words: str, body: Json, now: Manners) -> Lesson | None:
    """What to change in `body` after a rejection in these words; None where nothing can be.

    Whatever is named is given up at once, so that one rejection costs one request.
    """
    learned, given_up = PLAIN, []
    for found in (
        _fields(words, body),
        _size(words, body, now),
        _format(words, body),
        _tools(words, body),
        _history(words, body, now),
    ):
        if found:
            learned |= found[0]
            given_up.append(found[1])
    if not given_up or now | learned == now:
        return None
    lasting = not (learned.refused == {"json_schema"} and _OF_ITSELF.search(words))
    return Lesson(learned, f"does not take {' and '.join(given_up)}", lasting)


Found = tuple[Manners, str] | None


def _refuses(*names: str) -> Manners:
    return Manners(frozenset(names))


def _fields(words: str, body: Json) -> Found:
    """Fields that a server may do without, named in its words."""
    kept = {"model", "messages", "stream", "tools", "response_format", *_SIZE_FIELDS}
    optional = [name for name in body if name not in kept]
    named = [name for name in optional if re.search(rf"\b{name}\b", words)]
    if "stream_options" in body and "include_usage" in words:
        named.append("stream_options")
    return (_refuses(*named), " and ".join(dict.fromkeys(named))) if named else None


def _size(words: str, body: Json, now: Manners) -> Found:
    """The limit of the reply under another name, a lower one, or as a last way none."""
    sent = next((name for name in _SIZE_FIELDS if name in body), None)
    if sent is None or not re.search(r"max(?:_completion)?_tokens|completion tokens", words):
        return None
    most = _MOST.search(words)
    if most and 0 < int(most.group(1)) < body[sent]:
        return Manners(most_out=int(most.group(1))), f"replies longer than {most.group(1)} tokens"
    other = _SIZE_FIELDS[_SIZE_FIELDS.index(sent) - 1]
    about_it = re.search(rf"\b{sent}\b", words) and (
        re.search(_NOT_TAKEN, words, re.IGNORECASE) or re.search(rf"\b{other}\b", words)
    )
    return (_refuses(sent), sent) if about_it and sent not in now.refused else None


def _format(words: str, body: Json) -> Found:
    asked = body.get("response_format")
    if not isinstance(asked, dict) or not _FORMAT.search(words):
        return None
    kind = str(asked.get("type"))
    if kind == "json_schema" and re.search(r"\bstream|\btools?\b", words, re.IGNORECASE):
        # Neither form goes together with the stream, or the tools: no use to try the other.
        return _refuses("json_schema", "json_object"), "a JSON format here"
    if kind == "json_object" and not _ONLY_SCHEMA.search(words):
        return _refuses("json_object", "json_schema"), "a JSON format"
    return _refuses(kind), f"the format {kind}"


def _tools(words: str, body: Json) -> Found:
    if "tools" not in body or not _NO_TOOLS.search(words):
        return None
    if _FORMAT.search(words) and "response_format" in body:
        return None  # not both at once: the format gives way, the tools stay
    return _refuses("tools"), "tools with this model"


def _history(words: str, body: Json, now: Manners) -> Found:
    """How earlier messages are told."""
    rows = body["messages"]
    if _NO_IMAGES.search(words) and any(isinstance(r["content"], list) for r in _earlier(rows)):
        return _refuses("images"), "images with this model"
    if _WANTS_REASONING.search(words):
        return _more_reasoning(now, sent=any(_reasons(row) for row in rows))
    if any(_reasons(row) for row in rows) and _NO_REASONING.search(words):
        return _refuses("reasoning"), "its own reasoning"
    if rows[0]["role"] == "system" and _NO_SYSTEM.search(words):
        return _refuses("system"), "a system message"
    contents = [row["content"] for row in rows if "tool_calls" in row]
    if "" in contents and _BLANK.search(words):
        return _refuses("empty content"), "messages without words"
    if None in contents and _NULL.search(words):
        return _refuses("null content"), "messages without words"
    return None


def _earlier(rows: list[Json]) -> list[Json]:
    """The messages before the newest of the user's: an image in that one must not vanish unseen."""
    newest = max((n for n, row in enumerate(rows) if row["role"] == "user"), default=0)
    newest_has = isinstance(rows[newest]["content"], list)
    return [] if newest_has else rows[:newest]


def _reasons(row: Json) -> bool:
    return "reasoning_content" in row or "reasoning" in row


def _more_reasoning(now: Manners, *, sent: bool) -> Found:
    """The next wider way to give a model its reasoning back; `sent`: some already was."""
    why = "a history without its reasoning"
    if sent and now.reasoning_field not in ("", "reasoning_content"):
        return Manners(reasoning_field="reasoning_content"), why
    return Manners(replay="all" if sent else "tool turns"), why
