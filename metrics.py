"""Figures for Prometheus: how many, how long, how much is left. Nothing of what anybody said."""

import hmac
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_asgi_app
from starlette.types import ASGIApp, Receive, Scope, Send

from events import Event, TextDelta, TurnEnded
from inference.budget import Left
from inference.ledger import Closed
from steps.course import Turn

PATH = "/metrics"
_FIRST_TOKEN_S = (0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)

RunTurn = Callable[[Turn], AsyncGenerator[Event, None]]


class Metrics:
    """Counts from the start of this process on, as Prometheus wants it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "parley_requests",
            "Requests sent to a provider",
            ("provider", "purpose", "outcome"),
            registry=self.registry,
        )
        self._first_token = Histogram(
            "parley_first_token_seconds",
            "From what was said to the reply's first words, transcription and tools included",
            buckets=_FIRST_TOKEN_S,
            registry=self.registry,
        )
        self._turns = Counter(
            "parley_turns", "Turns that ended", ("outcome",), registry=self.registry
        )
        self._live = Gauge("parley_live_turns", "Turns that run now", registry=self.registry)
        self._left = Gauge(
            "parley_requests_left",
            "Requests of today that are left, where the plan or its operator limits them",
            registry=self.registry,
        )

    def closed(self, request: Closed) -> None:
        """A request of the ledger ended."""
        self._requests.labels(request.provider, request.purpose, request.outcome).inc()

    def left(self, left: Left) -> None:
        self._left.set(float("inf") if left.left is None else left.left)

    def watched(self, run_turn: RunTurn) -> RunTurn:
        """The same, with its turns counted."""

        async def run(turn: Turn) -> AsyncGenerator[Event, None]:
            began, silent = monotonic(), True
            self._live.inc()
            try:
                async with aclosing(run_turn(turn)) as events:
                    async for event in events:
                        if silent and isinstance(event, TextDelta):
                            silent = False
                            self._first_token.observe(monotonic() - began)
                        elif isinstance(event, TurnEnded):
                            self._turns.labels(event.reason).inc()
                        yield event
            finally:
                self._live.dec()

        return run


def in_front(
    page: ASGIApp, metrics: Metrics, token: str, left: Callable[[], Awaitable[Left]]
) -> ASGIApp:
    """`page`, and before it the figures for whoever brings `Authorization: Bearer <token>`."""
    figures = make_asgi_app(metrics.registry)
    expected = f"Bearer {token}".encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await page(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, expected):
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b"A token is needed.\n"})
            return
        metrics.left(await left())
        await figures(scope, receive, send)

    return app
