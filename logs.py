"""What Parley writes of its work: lines for people, or JSON for machines. Nothing of what anybody said."""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime

from events import Event, RequestSent, TurnEnded, Unsent
from inference.ledger import Closed
from metrics import RunTurn
from steps.course import Turn

log = logging.getLogger("parley")
_OWN = frozenset((*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"))
_CHATTY = (
    "httpx httpx2 chromadb alembic mcp matplotlib uvicorn.error"  # what they tell concerns nobody
).split()


class AsJson(logging.Formatter):
    """One JSON object a line: time (UTC, ISO 8601), level, logger, message, and what came with it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in record.__dict__.items() if name not in _OWN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def begin(form: str = "text") -> None:
    """Write to standard error from now on; `form` is text or json."""
    handler = logging.StreamHandler()
    as_text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(AsJson() if form == "json" else as_text)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def closed(request: Closed) -> None:
    """A request of the ledger ended."""
    facts = {
        "provider": request.provider,
        "purpose": request.purpose,
        "outcome": request.outcome,
        "seconds": round(request.seconds, 3),
    }
    words = "request ended: %s to %s, %s, %.1f s"
    told = (request.purpose, request.provider, request.outcome, request.seconds)
    log.info(words, *told, extra=facts)


def watched(run_turn: RunTurn) -> RunTurn:
    """The same, with a line for each turn that ended."""

    async def run(turn: Turn) -> AsyncGenerator[Event, None]:
        sent = set[int]()
        async with aclosing(run_turn(turn)) as events:
            async for event in events:
                match event:
                    case RequestSent():
                        sent.add(event.number)
                    case Unsent():
                        sent.discard(event.number)
                    case TurnEnded(reason, seconds):
                        facts = {
                            "reason": reason,
                            "requests": len(sent),
                            "seconds": round(seconds, 3),
                        }
                        told = (reason, len(sent), seconds)
                        log.info("turn ended: %s, %d requests, %.1f s", *told, extra=facts)
                yield event

    return run
