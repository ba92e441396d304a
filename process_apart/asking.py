"""The owner's side: a process is started, asked once, and ended when nobody waits any more."""

import asyncio
import sys
from pathlib import Path

_HOUSE = Path(__file__).resolve().parents[1]


async def answered(module: str, data: bytes, within_s: float) -> bytes:
    """What `python -m module` writes when it is given `data`; nothing where it came to an end before.

    Raises TimeoutError.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=_HOUSE,
    )
    try:
        async with asyncio.timeout(within_s):
            answer, _ = await process.communicate(data)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer
