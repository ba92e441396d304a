"""Whom to trust on TLS: made once, for it takes tens of milliseconds."""

import asyncio
import ssl
from functools import cache


@cache
def _context() -> ssl.SSLContext:
    from httpcore2 import default_ssl_context

    return default_ssl_context()


async def trusted() -> ssl.SSLContext:
    return await asyncio.to_thread(_context)
