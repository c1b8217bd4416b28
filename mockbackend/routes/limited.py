"""A request's body as it comes, within a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from starlette.requests import ClientDisconnect, Request

from ..errors import ServiceError, bad_request

# As nginx has it by default.
SILENCE_SECONDS = 60.0


async def chunks(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body's pieces.

    413 as soon as it is, or says that it will be, too large, 400 where it breaks off, 408 where it falls silent.
    """
    too_large = ServiceError(413, "too_large", f"The body is larger than {max_bytes} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:18]) > max_bytes:
        raise too_large
    size = 0
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except ClientDisconnect:
            raise bad_request("The body broke off.") from None
        except TimeoutError:
            words = f"Nothing came of the body for {SILENCE_SECONDS:g} seconds."
            raise ServiceError(408, "timeout", words) from None
        size += len(chunk)
        if size > max_bytes:
            raise too_large
        yield chunk
