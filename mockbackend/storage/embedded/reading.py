"""Reading settled messages from the saver's database; `checkpoints` says how they lie there.

A long history is read some messages at a time, each time in a state of its own: a transaction that is open for as long
as a client reads would keep the write-ahead log from being emptied. A turn replaces all that follows its place, so the
messages are those of the first state as long as the last of them is.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ...messages import MANY_MESSAGES, Message
from ..bounds import LARGEST
from ..stored_messages import has_shape, unreadable
from ..values import DamagedHistory, HistoryChanged
from .serde import BATCH_BYTES, Serde
from .sqlite import Row, integer
from .threads import ANCHOR_FIRST, THREAD, TURN

log = logging.getLogger("mockbackend.storage")
_ANCHOR = f"SELECT checkpoint_id, type, checkpoint FROM checkpoints WHERE {THREAD} {ANCHOR_FIRST} LIMIT 1"
_FIRST = f"SELECT min(idx) FROM writes WHERE {TURN}"
_AT = f"SELECT max(idx) FROM writes WHERE {TURN} AND idx <= ?"
_LAST = f"SELECT idx, value FROM writes WHERE {TURN} AND idx < ? ORDER BY idx DESC LIMIT 1"
# Each turn with the place of the next one.
_TURNS = f"""SELECT idx, value, (SELECT min(next.idx) FROM writes next
        WHERE (next.thread_id, next.checkpoint_ns, next.checkpoint_id, next.task_id)
        = (writes.thread_id, '', writes.checkpoint_id, writes.task_id) AND next.idx > writes.idx)
    FROM writes WHERE {TURN} AND idx >= ? AND idx < ? ORDER BY idx"""
# A turn has a question and an answer.
LEAST_MESSAGES = 2


class Piece(NamedTuple):
    """Some messages of a history, in their order."""

    messages: list[Message]
    is_last: bool


class HistoryReader:
    """A reader of the saver's database, over a connection that it shares."""

    def __init__(self, connection: sqlite3.Connection, serde: Serde) -> None:
        self._connection = connection
        self._serde = serde

    def pieces(self, conversation_id: str, start: int = 0, length: int = LARGEST) -> Iterator[Piece]:
        """The messages from `start` on of the first `length`; none for an unknown conversation.

        What is read is about as long as a batch. Raises HistoryChanged where a turn has replaced some of them since the
        first piece, and DamagedHistory where the first turn's cannot be read. Of a later turn that cannot be read there
        are messages that say so.
        """
        count = 0

        def kept(messages: list[Message], until: int | None) -> list[Message]:
            """Those of the next messages that count: up to the place where the next turn begins."""
            nonlocal count
            messages = messages[: max(0, length - count if until is None else min(until, length) - count)]
            left_out = max(0, start - count)
            count += len(messages)
            return messages[left_out:]

        with self.one_state():
            found = self._rows(_ANCHOR, conversation_id)
            if not found:
                return
            [(anchor, kind, stored)] = found
            thread = (conversation_id, anchor)
            [(first,)] = self._rows(_AT, *thread, start)
            if first is None:
                [(first,)] = self._rows(_FIRST, *thread)
                opening = self._opening(conversation_id, kind, stored)
            else:
                count, opening = integer(first), iter(())
            is_large = count == 0 and _size(stored) > BATCH_BYTES
            turns = [] if first is None or is_large else self._turns(thread, first, length)
            place = turns[-1][2] if turns else first
            last = None
            if place is not None and place < length:
                last, length = self._last(thread, length)
        messages: list[Message] = []
        for some in opening:
            messages += kept(some, first)
            if is_large:
                yield Piece(messages, is_last=False)
                messages = []
        while True:
            for new, following in self._decoded(conversation_id, turns):
                messages += kept(new, following)
            is_last = place is None or place >= length
            yield Piece(messages, is_last)
            if is_last:
                return
            with self.one_state():
                if self._last(thread, length)[0] != last:
                    raise HistoryChanged
                turns = self._turns(thread, place, length)
            messages, place = [], turns[-1][2]

    def first_turn(self, conversation_id: str) -> list[Any]:
        """The messages of the first turn as the saver takes them: perhaps as they are stored. Raises DamagedHistory."""
        [(_, kind, stored)] = self._rows(_ANCHOR, conversation_id)
        try:
            found = self._serde.stored_messages(kind, stored)
        except Exception as error:
            raise DamagedHistory(conversation_id) from error
        if not isinstance(found, list):
            raise DamagedHistory(conversation_id)
        return found

    def count(self, conversation_id: str) -> int:
        """How many messages there are."""
        [(anchor, *_)] = self._rows(_ANCHOR, conversation_id)
        _, end = self._last((conversation_id, anchor), LARGEST)
        return end if end < LARGEST else len(self.first_turn(conversation_id))

    def last_place(self, conversation_id: str) -> int:
        """The place of the last turn."""
        for anchor, *_ in self._rows(_ANCHOR, conversation_id):
            [(place,)] = self._rows(_AT, conversation_id, anchor, LARGEST)
            return integer(place)
        return 0

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """A transaction, unless there is one: all that is read is of one state."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.rollback()

    def _rows(self, statement: str, *values: Any) -> list[Row]:
        return self._connection.execute(statement, values).fetchall()

    def _opening(self, conversation_id: str, kind: str, stored: bytes) -> Iterator[list[Message]]:
        """The messages of the first turn."""
        try:
            for some in self._serde.loads_messages(kind, stored):
                if not are_messages(some):
                    raise DamagedHistory(conversation_id)
                yield some
        except DamagedHistory:
            raise
        except Exception as error:
            raise DamagedHistory(conversation_id) from error

    def _turns(self, thread: tuple[str, str], place: int, length: int) -> list[Row]:
        """The turns from that place on, as many as a batch has."""
        turns, size = list[Row](), 0
        for turn in self._connection.execute(_TURNS, (*thread, place, length)):
            turns.append(turn)
            size += _size(turn[1])
            if size > BATCH_BYTES:
                break
        return turns

    def _last(self, thread: tuple[str, str], length: int) -> tuple[Message | None, int]:
        """The last message of the first `length`, None if it is unreadable or gone, and how many these are."""
        rows = self._rows(_LAST, *thread, length)
        if not rows:
            return None, length
        [(place, value)] = rows
        [messages] = self._serde.loads_updates([value])
        if not are_messages(messages) or not messages:
            return None, min(length, place + LEAST_MESSAGES)
        length = min(length, place + len(messages))
        return messages[length - place - 1], length

    def _decoded(self, conversation_id: str, turns: list[Row]) -> Iterator[tuple[list[Message], int | None]]:
        """The messages of each of these turns, and the place where the next turn begins."""
        for new, (place, _, following) in zip(self._serde.loads_updates([one[1] for one in turns]), turns, strict=True):
            if are_messages(new):
                yield new, following
                continue
            log.error("the turn after message %d of conversation %s cannot be read", place, conversation_id)
            count = LEAST_MESSAGES if following is None else following - place
            yield unreadable(place, min(count, MANY_MESSAGES)), following


def _size(stored: object) -> int:
    return len(stored) if isinstance(stored, bytes) else 0


def are_messages(found: Any) -> bool:
    """Whether it is a list of messages."""
    return isinstance(found, list) and all(map(has_shape, found))
