"""An MCP server over HTTP that does what a good one would not; it prints the port it listens on.

The path says how: /well, /json (answers in JSON, not in events), /redirect, /refuse (401), /mute,
/bomb (it packs 300 MB into 1).
"""

import gzip
import json
import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOOLS = ("echo", "flood", "forget", "huge", "seen", "wait")
sessions: set[str] = set()
seen: list[dict[str, str]] = []


def text(words: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": words}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        seen.append(dict(self.headers.items()))
        match self.path:
            case "/redirect":
                self.told(307, b"", location="/well")
            case "/refuse":
                self.told(401, b"")
            case "/mute":
                time.sleep(3600)
            case "/bomb":
                packed = gzip.compress(b"x" * 300_000_000, 1)
                self.told(200, packed, content_type="application/json", content_encoding="gzip")
            case _:
                self.answer(asked)

    def do_GET(self) -> None:
        self.told(405, b"")

    def do_DELETE(self) -> None:
        self.told(204, b"")

    def answer(self, asked: dict[str, Any]) -> None:
        number, method = asked.get("id"), asked["method"]
        if number is None:
            return self.told(202, b"")
        if method == "initialize":
            sessions.add("s1")
            result: dict[str, Any] = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "hostile", "version": "1"},
            }
        elif self.headers.get("mcp-session-id") not in sessions:
            return self.told(404, b"")
        elif method == "tools/list":
            schema = {"type": "object"}
            result = {"tools": [{"name": name, "inputSchema": schema} for name in TOOLS]}
        else:
            result = self.called(asked["params"]["name"])
        self.said({"jsonrpc": "2.0", "id": number, "result": result})
        return None

    def called(self, name: str) -> dict[str, Any]:
        match name:
            case "huge":
                return text("x" * 50_000_000)
            case "forget":
                sessions.clear()
            case "seen":
                return text(json.dumps(seen[-1]))
            case "wait":
                time.sleep(3600)
            case "flood":
                self.flood()
        return text(f"{name} ran")

    def flood(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}}
        while True:
            self.wfile.write(f"event: message\ndata: {json.dumps(note)}\n\n".encode())

    def said(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        if self.path == "/json":
            self.told(200, body, content_type="application/json", mcp_session_id="s1")
        else:
            event = b"event: message\ndata: " + body + b"\n\n"
            self.told(200, event, content_type="text/event-stream", mcp_session_id="s1")

    def told(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
sys.stdout.write(f"{server.server_port}\n")
sys.stdout.flush()
server.serve_forever()
