"""GET /usage: what the caller has spent today, and stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..messages import now_ms
from ..storage.day_limits import SETTINGS, prices
from ..storage.spending import DAY_MS
from .auth import get_service, userid
from .json import JSON

# More would be noise of the arithmetic.
COST_DIGITS = 9


async def today(request: Request) -> Response:
    """The caller's day (UTC) so far, running turns included, and the limits of a day that are set."""
    service = get_service(request)
    owner, day = userid(request), now_ms() // DAY_MS
    spent = await service.storage.spending.of_day(owner, day)
    body: dict[str, Any] = {
        "day": datetime.fromtimestamp(day * DAY_MS // 1000, UTC).date().isoformat(),
        "turns": spent.turns,
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "images": spent.images,
        "embedding_tokens": spent.embedding_tokens,
        "stored_bytes": await service.storage.spending.stored_bytes(owner),
    }
    if (price := prices(service.settings)) is not None:
        body["cost"] = round(price.cost(spent), COST_DIGITS)
    limits = {name.upper(): getattr(service.settings, name) for name in SETTINGS}
    body["limits"] = {name: limit for name, limit in limits.items() if limit is not None}
    return JSON(body)
