"""The tables `numbers` and `exchanges`: what requests have of the history, as bytes that go out as they are.

    numbers    a number for each conversation, which is never given again
    exchanges  a row for each exchange, with key = number << 20 | position of its first message

All of it is made of the messages in the saver. Where a row is missing or damaged the messages are read instead, and the
next end of a turn keeps it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from ...messages import Message
from ..exchanges import Exchange, Window, digest, filled, listed, newest_that_fit
from .database import Database, Execute, Session

POSITION_BITS = 20
_LAST = (1 << POSITION_BITS) - 1
_NUMBER = "SELECT number FROM numbers WHERE conversation_id = ?"
_NUMBERED = """INSERT INTO numbers (conversation_id) VALUES (?)
    ON CONFLICT (conversation_id) DO UPDATE SET conversation_id = excluded.conversation_id RETURNING number"""
# What is long stands last: the columns before it are read without it.
_KEEP = """INSERT OR REPLACE INTO exchanges (key, count, tokens, sent, shape, digest, message_ids, wire)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_NEWEST = """SELECT key - ?, count, tokens, sent, shape = ?, digest, wire FROM exchanges
    WHERE key >= ? AND key < ? ORDER BY key DESC"""
_OUTLINE = """SELECT key, message_ids FROM numbers JOIN exchanges
    ON key >= number << 20 AND key < (number + 1) << 20 WHERE conversation_id = ? ORDER BY key"""


def read_window(
    session: Session, conversation_id: str, base_length: int, window: Window, read: Callable[[], list[Message]]
) -> list[Exchange] | None:
    """The newest exchanges of the first `base_length` messages, as far as the window reaches; None if some are missing.

    `read` reads these messages, for the exchanges that have no bytes.
    """
    rows = _newest(session, conversation_id, base_length, window)
    found = newest_that_fit(rows, base_length, window)
    if found is None or all(one.wire is not None for one in found):
        return found
    return filled(found, read())


def _newest(session: Session, conversation_id: str, base_length: int, window: Window) -> Iterator[Any]:
    for (number,) in session.execute(_NUMBER, conversation_id):
        start = number << POSITION_BITS
        yield from session.rows(_NEWEST, start, window.shape, start, start + min(base_length, _LAST))


async def read_outline(database: Database, conversation_id: str) -> list[list[str]] | None:
    """The ids of the settled messages, a list for each exchange; None if some are not known."""
    rows = await database.execute(_OUTLINE, conversation_id)
    return listed((key & _LAST, message_ids) for key, message_ids in rows)


def keep(execute: Execute, conversation_id: str, first: int, exchanges: Sequence[Exchange]) -> None:
    """Keep these, and nothing else from that place on."""
    [(number,)] = execute(_NUMBERED, conversation_id)
    start = number << POSITION_BITS
    execute("DELETE FROM exchanges WHERE key >= ? AND key < ?", start + min(first, _LAST), start + _LAST + 1)
    for one in exchanges:
        if one.position <= _LAST:
            message_ids = orjson.dumps([message["id"] for message in one.messages]).decode()
            execute(
                _KEEP,
                *(start + one.position, one.length, one.tokens, one.sent, one.shape),
                *(None if one.wire is None else digest(one.wire), message_ids, one.wire),
            )


def forget(execute: Execute, conversation_id: str) -> None:
    """Remove all that is kept of a conversation."""
    for (number,) in execute("DELETE FROM numbers WHERE conversation_id = ? RETURNING number", conversation_id):
        start = number << POSITION_BITS
        execute("DELETE FROM exchanges WHERE key >= ? AND key < ?", start, start + _LAST + 1)
