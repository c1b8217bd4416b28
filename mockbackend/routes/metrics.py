"""What the service counts and measures, for Prometheus."""

from __future__ import annotations

import asyncio
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response

from ..metrics import INDEX_QUEUE, MEDIA_TYPE, exposition
from ..storage import Status, StorageError
from .auth import get_service

SECONDS_FOR_THE_QUEUE = 2.0


async def read(request: Request) -> Response:
    """All metrics, those of every process of this service on this host together."""
    body = exposition({INDEX_QUEUE: await _queue(request)})
    return Response(body, media_type=None, headers={"content-type": MEDIA_TYPE, "cache-control": "no-store"})


async def _queue(request: Request) -> dict[tuple[str, ...], float]:
    """The documents that wait, by status. The storage knows them, and no process counts them."""
    try:
        async with asyncio.timeout(SECONDS_FOR_THE_QUEUE):
            waiting = await get_service(request).storage.file_queue.waiting()
    except (StorageError, TimeoutError):
        # The other metrics matter most just then.
        return {}
    statuses = (status for status in get_args(Status) if status not in ("ready", "failed"))
    return {(status,): waiting.get(status, 0) for status in statuses}
