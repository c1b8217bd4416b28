"""How many connections join the running answers of one user."""

from __future__ import annotations

from collections import Counter

from ..errors import ServiceError
from ..events import ApprovalAsked, ApprovalGiven, Event
from .run import Followed, Reader


class Joins:
    """The count of this process's connections that have joined a running answer."""

    def __init__(self, per_user: int) -> None:
        self._per_user = per_user
        self._open: Counter[str] = Counter()

    def check(self, userid: str) -> None:
        """Raise a 429 if the user may have no further reader."""
        if self._open[userid] >= self._per_user:
            words = (
                f"{self._per_user} connections follow your running answers already (MAX_JOINS_PER_USER). "
                "Please close one, or wait for an answer to end."
            )
            raise ServiceError(429, "too_many_joins", words, {"retry-after": "2"})

    def reader(self, userid: str, turn: Followed) -> Reader:
        """A reader that counts until it is closed. Raises ServiceError: 429."""
        self.check(userid)
        self._open[userid] += 1
        return _JoinedReader(turn, userid, self._open)


class _JoinedReader(Reader):
    def __init__(self, turn: Followed, userid: str, counted: Counter[str]) -> None:
        super().__init__(turn)
        self._userid = userid
        self._counted = counted
        # The calls that the user has said yes to by now: nobody is asked for them once more.
        self._approved = {event.call_id for event in turn.events if isinstance(event, ApprovalGiven) and event.approved}

    def _read(self) -> list[Event]:
        batch = super()._read()
        if not self._approved:
            return batch
        return [event for event in batch if not (isinstance(event, ApprovalAsked) and event.call_id in self._approved)]

    def close(self) -> None:
        super().close()
        self._counted[self._userid] -= 1
        if not self._counted[self._userid]:
            del self._counted[self._userid]
