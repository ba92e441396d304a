"""JSON from a service that the operator named, or that a tool is made for."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import orjson

from tools.router import ToolError
from tools.web.tls import trusted

LIMIT_S = 10.0
MAX_BYTES = 2_000_000


async def ask_json(
    service: str, url: str, params: Mapping[str, str | int | float]
) -> tuple[int, Any]:
    """The status and the JSON of a GET, None where the body is none. Redirects are not followed.

    Raises ToolError where `service`, a name for the model, cannot be reached or answers endlessly.
    """
    data = bytearray()
    try:
        async with (
            asyncio.timeout(LIMIT_S),
            httpx2.AsyncClient(
                verify=await trusted() if url.startswith("https:") else False,
                trust_env=False,
                timeout=LIMIT_S,
            ) as client,
            client.stream("GET", url, params=dict(params)) as answer,
        ):
            async for piece in answer.aiter_bytes():
                data += piece
                if len(data) > MAX_BYTES:
                    raise ToolError(f"{service} answered with more than it ever should.")
    except (TimeoutError, httpx2.TimeoutException):
        raise ToolError(f"{service} did not answer within {LIMIT_S:g} s.") from None
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise ToolError(f"{service} cannot be reached just now.") from None
    try:
        return answer.status_code, orjson.loads(bytes(data))
    except orjson.JSONDecodeError:
        return answer.status_code, None
