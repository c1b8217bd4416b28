"""JSON responses."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import JSONResponse

from ..errors import ServiceError


class JSON(JSONResponse):
    """A JSON response, rendered by orjson."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return orjson.dumps(content)


def error_response(error: ServiceError) -> JSON:
    """The response for an error: `{"error": {"code", "message"}}`."""
    body = {"error": {"code": error.code, "message": error.message}}
    return JSON(body, status_code=error.status, headers=error.headers)
