"""A conversation as Markdown: to read, to print, to keep among one's notes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from messages import Audio, Conversation, Document, Image, Message, Text, ToolCall, ToolResult


def to_markdown(conversation: Conversation, said: Sequence[Message]) -> str:
    """Files stand in it by their names."""
    begun = datetime.fromtimestamp(conversation.created_at, UTC)
    head = f"# {conversation.title}\n\n{begun:%Y-%m-%d %H:%M} UTC"
    return "\n\n".join([head, *(_one(message) for message in said)]) + "\n"


def _one(message: Message) -> str:
    who = "You"
    if message.role == "assistant":
        model = message.provenance.model if message.provenance else ""
        who = f"Parley ({model})" if model else "Parley"
    return "\n\n".join([f"## {who}", *_parts(message)])


def _parts(message: Message) -> Iterator[str]:
    for part in message.parts:
        match part:
            case Text(text):
                yield text.strip()
            case Image():
                words = part.caption or part.media.name or "picture"
                yield f"*[Picture: {_line(words)}]*"
            case Audio():
                yield part.transcript.strip() if part.transcript else "*[Recording]*"
            case Document():
                yield f"*[Document: {_line(part.media.name)}]*"
            case ToolCall():
                yield f"*[Used {_line(part.name)}]*"
            case ToolResult():
                for picture in part.pictures:
                    yield f"*[Picture: {_line(picture.name or 'picture')}]*"
            case _:
                pass
    if message.status in ("interrupted", "stopped", "failed"):
        yield f"*[{message.status.capitalize()}]*"


def _line(words: str) -> str:
    return " ".join(words.replace("*", "").replace("[", "(").replace("]", ")").split())[:200]
