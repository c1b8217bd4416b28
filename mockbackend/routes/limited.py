"""A request's body as it comes, within a limit."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.requests import ClientDisconnect, Request

from ..errors import ServiceError, bad_request


async def chunks(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body's pieces; 413 as soon as it is, or says that it will be, too large, and 400 where it breaks off."""
    too_large = ServiceError(413, "too_large", f"The body is larger than {max_bytes} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:18]) > max_bytes:
        raise too_large
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > max_bytes:
                raise too_large
            yield chunk
    except ClientDisconnect:
        raise bad_request("The body broke off.") from None
