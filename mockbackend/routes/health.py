"""Health checks, for people and for load balancers."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from ..errors import ServiceError
from ..storage import StorageError
from .auth import get_service
from .json import JSON
from .service import Service


async def health(request: Request) -> Response:
    """`{status, timestamp, engine, ...}`."""
    service = get_service(request)
    return JSON(
        {
            "status": "healthy",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "engine": service.settings.engine,
            "emulated": service.settings.engine == "emulator",
            "deployment": service.upstream.engine.chat.name,
            "pictures": bool(service.upstream.engine.images),
            "running_turns": service.runner.running,
            "documents_to_embed": await _outdated(service),
            "pid": os.getpid(),
        }
    )


async def _outdated(service: Service) -> int | None:
    """How many ready files are to be embedded with another model. None if the storage cannot be read right now."""
    try:
        return await service.documents.outdated()
    except StorageError:
        return None


async def live(request: Request) -> Response:
    """A 200: the process is up."""
    return JSON({"status": "live"})


async def ready(request: Request) -> Response:
    """A 200 if the process can serve: its storage answers, and it is not draining."""
    service = get_service(request)
    if service.runner.admission.draining:
        raise ServiceError(503, "draining", "The service is shutting down. Please try again.")
    await service.probe.try_it()
    return JSON({"status": "ready"})
