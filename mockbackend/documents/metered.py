"""Embedding calls, each counted for the user whom it serves, within the limits of the user's day."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from ..errors import DailyLimit
from ..estimates import BYTES_PER_TOKEN
from ..messages import now_ms
from ..storage import DayLimitReached, DayLimits, Spending, Spent, StorageError
from ..storage.spending import DAY_MS
from ..upstream import Upstream
from ..upstream.embeddings import embed

if TYPE_CHECKING:
    from ..upstream.embeddings import Vector

log = logging.getLogger("mockbackend.documents")


class MeteredEmbeddings:
    """The embedding model, as users spend it."""

    def __init__(self, upstream: Upstream, spending: Spending, limits: DayLimits) -> None:
        self._upstream = upstream
        self._spending = spending
        self._limits = limits
        # Tokens by user and day that could not be stored yet.
        self._uncounted: Counter[tuple[str, int]] = Counter()

    async def embed(self, userid: str, texts: list[str], *, limited: bool = True) -> list[Vector]:
        """The vectors of these texts, in their order. Raises UpstreamError, and DailyLimit if it is `limited`."""
        day = now_ms() // DAY_MS
        if limited and self._limits:
            spent = await self._spending.of_day(userid, day)
            more = self._uncounted[userid, day] + _estimated(texts)
            try:
                self._limits.check(spent, Spent(embedding_tokens=more))
            except DayLimitReached as limit:
                raise DailyLimit(limit.setting) from None
        found = await embed(self._upstream, texts)
        self._uncounted[userid, day] += found.tokens or _estimated(texts)
        await self.count()
        return found.vectors

    async def count(self) -> None:
        """Count what is not counted yet; later, if the storage cannot be written now: the vectors are paid for."""
        for userid, day in list(self._uncounted):
            if not (tokens := self._uncounted.pop((userid, day), 0)):
                continue
            try:
                await self._spending.embedded(userid, day, tokens)
            except StorageError as error:
                self._uncounted[userid, day] += tokens
                log.warning("%d tokens of embeddings cannot be counted yet: %s", tokens, error)
                return


def _estimated(texts: list[str]) -> int:
    return sum(len(text.encode(errors="replace")) // BYTES_PER_TOKEN + 1 for text in texts)
