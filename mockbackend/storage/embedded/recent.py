"""The exchanges of conversations that go on, in memory: their next turn reads none of them.

They are those of the table as long as the conversation has the version with which they were read or written. Each end
of a turn, in whichever process, counts it up, and the number in a conversation's keys is never given again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from ..exchanges import Exchange, Window, newest

# Of all conversations: eight of 400 long turns, say, or thousands of short ones.
MOST_BYTES = 8 * 1024 * 1024
# What an exchange takes besides its bytes.
EXCHANGE_BYTES = 300


@dataclass(slots=True)
class _Kept:
    """The newest exchanges of a conversation, all with bytes.

    They are all of it, or what `window` has shown and all that has followed.
    """

    version: int
    window: Window | None
    exchanges: list[Exchange]
    size: int = 0

    def add(self, exchanges: Sequence[Exchange]) -> None:
        """Add these after them, without their messages."""
        self.exchanges = [*self.exchanges, *(one._replace(messages=[]) for one in exchanges)]
        self.size += sum(EXCHANGE_BYTES + len(one.wire or b"") for one in exchanges)

    def shows(self, window: Window) -> bool:
        """Whether these are all that the window can show."""
        is_whole = self.exchanges[0].position == 0
        return self.window == window or (is_whole and self.exchanges[0].shape == window.shape)


class Recent:
    """The conversations of this process that were used last, by the key of their first message; for one thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._size = 0

    def find(self, first: int, version: int, base_length: int, window: Window) -> list[Exchange] | None:
        """What the window shows of the first `base_length` messages; None if it must be read."""
        kept = self._kept.get(first)
        if kept is None or kept.version != version or kept.exchanges[-1].end != base_length or not kept.shows(window):
            return None
        found = newest(kept.exchanges, window.tokens, window.messages)
        if len(found) < len(kept.exchanges):
            self.put(first, version, window, found)
        return found

    def put(self, first: int, version: int, window: Window, exchanges: Sequence[Exchange]) -> None:
        """Keep what the window shows at that version."""
        self._put(first, _Kept(version, window, []), exchanges)

    def end(self, first: int, version: int, place: int, exchanges: Sequence[Exchange]) -> None:
        """Add what a turn's end, which has made that version, keeps from that place on."""
        kept = self._kept.get(first)
        if kept is not None and (kept.version, kept.exchanges[-1].end) == (version - 1, place):
            kept.version = version
            self._put(first, kept, exchanges)
        elif place == 0:
            self._put(first, _Kept(version, None, []), exchanges)
        else:
            self.forget(first)

    def forget(self, first: int) -> None:
        """Forget that conversation."""
        if (kept := self._kept.pop(first, None)) is not None:
            self._size -= kept.size

    def _put(self, first: int, kept: _Kept, exchanges: Sequence[Exchange]) -> None:
        self.forget(first)
        kept.add(exchanges)
        shapes = {one.shape for one in (*kept.exchanges[:1], *exchanges)}
        if len(shapes) != 1 or any(one.wire is None for one in exchanges) or kept.size > MOST_BYTES:
            return
        self._kept[first] = kept
        self._size += kept.size
        while self._size > MOST_BYTES:
            self.forget(next(iter(self._kept)))
