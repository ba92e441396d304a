"""What came back from transcription, speech and embeddings, read whatever its form."""

import base64
import math
import struct
from typing import Any

from inference.backend import BadReply, Speech
from inference.event_lines import EventLines, parsed
from inference.server_errors import Asked, from_page, from_response, from_stream
from inference.sound import as_wav, mended, pcm_rate, sniff

_EVENTS = b"data:", b"event:", b":"


def heard(asked: Asked, body: bytes) -> str:
    """The words of a transcription: `{"text": …}`, a JSON string, events, or plain words."""
    plain = body.decode(errors="replace").strip()
    if body.lstrip().startswith(_EVENTS):
        return _heard_in_events(asked, body)
    try:
        value = parsed(body)
    except ValueError:
        if plain.startswith("<"):
            raise from_page(asked, plain) from None
        return plain
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict):
        text = _text(value)
        if text is not None:
            return text.strip()
        if value.get("error") or value.get("detail"):
            raise from_response(asked, 400, {}, body)
    raise BadReply(f"{asked.who} sent a transcription that cannot be read.", "Retry.")


def _text(value: dict[str, Any]) -> str | None:
    text = value.get("text")
    if isinstance(text, str):
        return text
    segments = value.get("segments")
    if not isinstance(segments, list):
        return None
    texts = [segment.get("text") for segment in segments if isinstance(segment, dict)]
    return " ".join(text.strip() for text in texts if isinstance(text, str))


def _heard_in_events(asked: Asked, body: bytes) -> str:
    """Some servers stream although nobody asked for it: pieces, and perhaps the whole at the end."""
    lines = EventLines()
    pieces: list[str] = []
    for event, value in [*lines.feed(body), *lines.close()]:
        if not isinstance(value, dict):
            continue
        if value.get("error") or event == "error":
            raise from_stream(asked, value)
        if str(value.get("type", "")).endswith(".done") and isinstance(value.get("text"), str):
            return str(value["text"]).strip()
        text = value.get("delta", value.get("text"))
        if isinstance(text, str):
            pieces.append(text)
    if pieces:
        return "".join(pieces).strip()
    if lines.stray:
        return lines.stray
    raise BadReply(f"{asked.who} sent a transcription that cannot be read.", "Retry.")


def sounding(asked: Asked, data: bytes, content_type: str) -> Speech:
    """Sound bytes under their true type; those without a header are samples and get one."""
    mime = sniff(data)
    if mime == "audio/wav":
        return Speech(mended(data), mime)
    if mime:
        return Speech(data, mime)
    if data[:1] == b"{" and b'"error"' in data[:200]:
        raise from_response(asked, 400, {}, data)
    if "html" in content_type or "text/" in content_type or "json" in content_type:
        raise from_page(asked, data[:20_000].decode(errors="replace"))
    if len(data) < 2:
        raise BadReply(f"{asked.who} sent no sound.", "Retry, or choose another voice.")
    return Speech(as_wav(data, pcm_rate(content_type)), "audio/wav")


def vectors(asked: Asked, body: bytes, count: int) -> list[list[float]]:
    """The embeddings in the order of the texts: `count` of them, all of one length, finite."""
    try:
        value = parsed(body)
    except ValueError:
        raise from_page(asked, body[:20_000].decode(errors="replace")) from None
    if isinstance(value, dict) and (value.get("error") or value.get("detail")):
        raise from_response(asked, 400, {}, body)
    rows = value.get("data", value.get("embeddings")) if isinstance(value, dict) else value
    found = [_vector(row) for row in _in_order(rows)] if isinstance(rows, list) else []
    if len(found) != count or not all(v and len(v) == len(found[0]) for v in found):
        raise BadReply(
            f"{asked.who} sent embeddings that cannot be read.", "Choose another embedding model."
        )
    return found


def _in_order(rows: list[Any]) -> list[Any]:
    numbers = [row.get("index") if isinstance(row, dict) else None for row in rows]
    if sorted(n for n in numbers if isinstance(n, int)) != list(range(len(rows))):
        return rows
    return sorted(rows, key=lambda row: int(row["index"]))


def _vector(row: Any) -> list[float]:
    """Numbers, also as base64 of 32-bit floats (whatever was asked), or in a list of one list."""
    value = row.get("embedding") if isinstance(row, dict) else row
    if isinstance(value, str):
        try:
            data = base64.b64decode(value, validate=True)
            value = list(struct.unpack(f"<{len(data) // 4}f", data))
        except (ValueError, struct.error):
            return []
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if not isinstance(value, list):
        return []
    numbers = [float(n) for n in value if isinstance(n, int | float) and not isinstance(n, bool)]
    return numbers if len(numbers) == len(value) and all(map(math.isfinite, numbers)) else []
