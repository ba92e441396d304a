"""An OpenID provider as Hugging Face is one, on a free port: it checks all that a real one does."""

import base64
import hashlib
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT, SECRET = "the-space", "canary-of-the-space-0123456789"


class OpenId:
    """Whoever asks for a code is signed in as `person` here, without being asked anything."""

    def __init__(self) -> None:
        self.person = {"sub": "1", "preferred_username": "ann"}
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Self:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.token(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def get(self, request: BaseHTTPRequestHandler) -> None:
        address = urlsplit(request.path)
        self.asked.append(address.path)
        if address.path == "/oauth/userinfo":
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            person = self._tokens.get(token)
            _answer(request, 200 if person else 401, person or {"error": "invalid_token"})
            return
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self._codes[code] = query | {"person": json.dumps(self.person)}
        back = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        request.send_response(302)
        request.send_header("location", back)
        request.send_header("content-length", "0")
        request.end_headers()

    def token(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        body = request.rfile.read(int(request.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        known = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        right = (
            known is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == known["redirect_uri"]
            and known["client_id"] == CLIENT
            and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == known["code_challenge"]
            and request.headers.get("authorization") == f"Basic {basic}"
        )
        if not right or known is None:
            _answer(request, 400, {"error": "invalid_grant"})
            return
        token = secrets.token_urlsafe(16)
        self._tokens[token] = json.loads(known["person"])
        _answer(request, 200, {"access_token": token, "token_type": "bearer"})


def _answer(request: BaseHTTPRequestHandler, status: int, told: dict[str, Any]) -> None:
    body = json.dumps(told).encode()
    request.send_response(status)
    request.send_header("content-type", "application/json")
    request.send_header("content-length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
