"""Headers that keep the page to itself: it loads from nowhere else, sends nothing elsewhere, and
stands in no frame but a Space's."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio compiles its templates in the browser: without 'unsafe-eval' the page stays at "Loading…".
_PAGE = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-src 'none'",
        "worker-src 'self' blob:",
    )
)
_ALLOWED = (
    "microphone=(self), camera=(self), autoplay=(self), clipboard-write=(self), geolocation=(), "
    "payment=(), usb=(), serial=(), hid=(), midi=(), display-capture=()"
)


class Sealing:
    """Middleware: adds the headers to every answer that does not bring stricter ones, and takes away
    those by which Gradio lets pages of other sites read what it answers."""

    def __init__(self, app: ASGIApp, *, framed: bool = False) -> None:
        self._app = app
        frames = "'self' https://huggingface.co https://*.hf.space" if framed else "'none'"
        self._frames = f"frame-ancestors {frames}"
        self._framed = framed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("referrer-policy", "same-origin")
                headers.setdefault("permissions-policy", _ALLOWED)
                headers.setdefault("cross-origin-resource-policy", "same-origin")
                policy = headers.get("content-security-policy", _PAGE)
                headers["content-security-policy"] = f"{policy}; {self._frames}"
                if not self._framed:
                    headers.setdefault("x-frame-options", "DENY")
                    headers.setdefault("cross-origin-opener-policy", "same-origin")
            await send(message)

        await self._app(scope, receive, send_sealed)
