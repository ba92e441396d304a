"""A reply in JSON: found among its words, shown as code, with what its check has found."""

import json
import re
from functools import lru_cache
from html import escape

from components.highlight import code_block, open_code_block
from components.icons import icon
from components.markdown import pieces as markdown_pieces
from components.words import say
from messages import Provenance

_BEGUN = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[{\[\"])")
_FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n```", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_MOST_TRIES = 20


def begun(text: str) -> bool:
    """Whether a reply, or what has come of it, can hardly be anything but JSON."""
    return _BEGUN.match(text) is not None


def blocks(text: str, about: Provenance, growing: bool) -> list[str]:
    """HTML of a reply's words, like markdown.pieces, JSON in them being laid out as code."""
    if growing and begun(text):
        return [open_code_block(text.strip(), "json")]
    if growing or (about.json is None and not begun(text)):
        return markdown_pieces(text, growing)
    if (cut := value_in(text)) is not None:
        before, value, after = cut
        shown = f'<div class="json-value">{code_block(value, "json")}</div>'
        return [*markdown_pieces(before), shown, *markdown_pieces(after)]
    if about.json is not None and begun(text):
        return [code_block(text.strip(), "json")]
    return markdown_pieces(text)


@lru_cache(maxsize=256)
def value_in(text: str) -> tuple[str, str, str] | None:
    """The words before, the first JSON value laid out, the words after; None where there is none."""
    if (whole := _laid_out(text)) is not None:
        return "", whole, ""
    for found in _FENCED.finditer(text):
        if (inner := _laid_out(found[1])) is not None:
            return text[: found.start()], inner, text[found.end() :]
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    for _, found in zip(range(_MOST_TRIES), _OPENING.finditer(text), strict=False):
        try:
            _, end = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        if (inner := _laid_out(text[found.start() : end])) is not None:
            return text[: found.start()], inner, text[end:]
    return None


def verdict(about: Provenance) -> str:
    """Under a reply that had to be JSON: that it fits, or what is wrong and how to ask once more."""
    check = about.json
    if check is None:
        return ""
    if check.fits:
        words = say("Fits the schema") if check.by_schema else say("Valid JSON")
        return (
            f'<div class="json-check"><span class="pill">{icon("check")}{words}'
            f'</span><button type="button" class="plain" data-do="download-json">{icon("down")}'
            f"<span>{say('Download')}</span></button></div>"
        )
    listed = "".join(f"<li>{escape(problem)}</li>" for problem in check.problems)
    free = bool(about.requests) and all(request.free for request in about.requests)
    again = say("Ask again") if free else say("Ask again (1 request)")
    return (
        f'<div class="notice warn misfit">{icon("alert")}<div>'
        f"<p>{say('This is not the JSON that was asked for.')}</p>"
        f'<ul>{listed}</ul></div><button type="button" class="plain" data-do="repair">'
        f"{icon('retry')}<span>{again}</span></button></div>"
    )


def _laid_out(text: str) -> str | None:
    try:
        value = json.loads(text, parse_constant=_no_constant)
        return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
