"""One call of the model while its answer comes: the bytes, each event with its time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..script.raw import Ending, Raw

# What an answer's headers say to the service. All others stay out of the file.
KEPT_HEADERS = frozenset({"content-type", "content-encoding", "retry-after", "retry-after-ms"})
EVENT_END = re.compile(rb"\r?\n\r?\n")
# Of one answer, and of all that are on their way in this process. What is longer is not recorded.
MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_HELD_BYTES = 128 * 1024 * 1024


@dataclass(slots=True)
class Held:
    """The bytes of all answers that are on their way."""

    bytes: int = 0


@dataclass(slots=True)
class Tap:
    """An answer as it comes. `done` gets it, or None if it is too long, once: at its end, however it comes."""

    wire: str
    held: Held
    done: Callable[[Raw | None], None]
    _began: float = field(default_factory=time.monotonic)
    _status: int = 0
    _delay: int = 0
    _headers: dict[str, str] = field(default_factory=dict)
    _pieces: list[tuple[int, bytes]] = field(default_factory=list)
    _rest: bytearray = field(default_factory=bytearray)
    _size: int = 0
    _is_over: bool = False

    def answered(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the head of the answer."""
        self._status, self._delay = status, self._now()
        for raw_name, value in headers:
            name = raw_name.decode("latin-1").lower()
            if name in KEPT_HEADERS:
                self._headers[name] = value.decode("latin-1")

    def data(self, piece: bytes) -> None:
        """Take what has come of the body."""
        self._size += len(piece)
        self.held.bytes += len(piece)
        if self._is_too_long:
            self._pieces, self._rest = [], bytearray()
            return
        self._rest += piece
        if "event-stream" not in self._headers.get("content-type", ""):
            return
        now, begin = self._now(), 0
        for end in EVENT_END.finditer(self._rest):
            self._pieces.append((now, bytes(self._rest[begin : end.end()])))
            begin = end.end()
        del self._rest[:begin]

    def ended(self, ending: Ending) -> None:
        """Take the end. The first counts."""
        if self._is_over:
            return
        self._is_over = True
        is_too_long = self._is_too_long
        self.held.bytes -= self._size
        now = self._now()
        if self._rest:
            self._pieces.append((now, bytes(self._rest)))
        pieces = tuple(self._pieces)
        raw = Raw(self.wire, self._status, self._delay, self._headers, pieces, now, ending)
        self.done(None if is_too_long else raw)

    @property
    def _is_too_long(self) -> bool:
        return self._size > MAX_ANSWER_BYTES or self.held.bytes > MAX_HELD_BYTES

    def _now(self) -> int:
        return round((time.monotonic() - self._began) * 1000)
