"""The journal: the last hundred calls, and how many answers are being sent, for a test to look at.

Batches of documents are long: the oldest calls are dropped earlier where all bodies exceed 64 MB. Beside it
each call is in the journal of its scenario, which all processes of the host share.
"""

from collections import deque
from dataclasses import dataclass

import orjson

from ...mock.store.journal import State
from .mocked import MockedCall

MAX_ENTRIES = 100
MAX_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Entry:
    """One call. `status` is 0 until the answer begins; `aborted` means that the client left before its end."""

    method: str
    path: str
    body: bytes
    status: int = 0
    aborted: bool = False
    mocked: MockedCall | None = None

    def to_json(self) -> dict[str, object]:
        body: object
        try:
            body = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            body = None
        return {
            "method": self.method,
            "path": self.path,
            "body": body,
            "status": self.status,
            "aborted": self.aborted,
        }

    def begin_answer(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Note that the answer begins."""
        self.status = status
        if self.mocked:
            self.mocked.entry.begin_answer(status, headers)

    def count_line(self) -> None:
        """Note that a piece of the answer is sent."""
        if self.mocked:
            self.mocked.entry.lines += 1

    def end(self, state: State) -> None:
        """Note how the answer ended. The first end counts."""
        if self.mocked:
            self.mocked.entry.end(state)


class Journal:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self.open = 0

    def add(self, method: str, path: str, body: bytes) -> Entry:
        entry = Entry(method, path, body)
        self._entries.append(entry)
        while len(self._entries) > 1 and sum(len(one.body) for one in self._entries) > MAX_BYTES:
            self._entries.popleft()
        return entry

    def clear(self) -> None:
        self._entries.clear()

    def calls(self) -> list[Entry]:
        """Those that are held, oldest first."""
        return list(self._entries)

    def to_json(self) -> dict[str, object]:
        """`{open, requests: [{method, path, body, status, aborted}]}`, oldest first."""
        return {"open": self.open, "requests": [entry.to_json() for entry in self.calls()]}
