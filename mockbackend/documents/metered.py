"""Embedding calls, each counted for the user whom it serves, within the limits of the user's day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import DailyLimit
from ..estimates import BYTES_PER_TOKEN
from ..messages import now_ms
from ..storage import DayLimitReached, DayLimits, Spending, Spent
from ..storage.spending import DAY_MS
from ..upstream import Upstream
from ..upstream.embeddings import embed

if TYPE_CHECKING:
    from ..upstream.embeddings import Vector


class MeteredEmbeddings:
    """The embedding model, as users spend it."""

    def __init__(self, upstream: Upstream, spending: Spending, limits: DayLimits) -> None:
        self._upstream = upstream
        self._spending = spending
        self._limits = limits

    async def embed(self, userid: str, texts: list[str], *, limited: bool = True) -> list[Vector]:
        """The vectors of these texts, in their order. Raises UpstreamError, and DailyLimit if it is `limited`."""
        day = now_ms() // DAY_MS
        if limited and self._limits:
            spent = await self._spending.of_day(userid, day)
            try:
                self._limits.check(spent, Spent(embedding_tokens=_estimated(texts)))
            except DayLimitReached as limit:
                raise DailyLimit(limit.setting) from None
        found = await embed(self._upstream, texts)
        await self._spending.embedded(userid, day, found.tokens or _estimated(texts))
        return found.vectors


def _estimated(texts: list[str]) -> int:
    return sum(len(text.encode(errors="replace")) // BYTES_PER_TOKEN + 1 for text in texts)
