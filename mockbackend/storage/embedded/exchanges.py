"""The table `exchanges`: what requests have of the history, as bytes that go out as they are.

A row for each exchange, whose key is that of its first message (see `numbers`). All of it is made of the messages in
the saver. Where a row is missing or damaged the messages are read instead, and the next end of a turn keeps it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from ...messages import Message
from ..exchanges import Exchange, Window, digest, filled, listed, newest_that_fit, unkept_from
from ..values import Conversation
from .database import Database, Session
from .numbers import LAST, OF_CONVERSATION, end_of, first_key, key_after, numbered
from .recent import Recent
from .sqlite import Execute

# What is long stands last: the columns before it are read without it.
_KEEP = """INSERT OR REPLACE INTO exchanges (key, count, tokens, sent, shape, digest, message_ids, wire)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_NEWEST = """SELECT key - ?, count, tokens, sent, shape = ?, digest, wire FROM exchanges
    WHERE key >= ? AND key < ? ORDER BY key DESC"""
_OUTLINE = f"""SELECT key, message_ids FROM numbers JOIN exchanges ON {OF_CONVERSATION}
    WHERE conversation_id = ? ORDER BY key"""


def read_window(
    session: Session,
    recent: Recent,
    conversation: Conversation,
    base_length: int,
    window: Window,
    read: Callable[[int], list[Message]],
) -> list[Exchange] | None:
    """The newest exchanges of the first `base_length` messages, as far as the window reaches; None if some are missing.

    `read` reads these messages from a place on, for the exchanges that have no bytes.
    """
    first = first_key(session.execute, conversation.id)
    if first is None:
        return None
    if found := recent.find(first, conversation.version, base_length, window):
        return found
    rows = session.rows(_NEWEST, first, window.shape, first, key_after(first, base_length))
    found = newest_that_fit(rows, base_length, window)
    if found is None:
        return None
    if (start := unkept_from(found)) is not None:
        return filled(found, read(start), start)
    recent.put(first, conversation.version, window, found)
    return found


async def read_outline(database: Database, conversation_id: str) -> list[list[str]] | None:
    """The ids of the settled messages, a list for each exchange; None if some are not known."""
    rows = await database.execute(_OUTLINE, conversation_id)
    return listed((key & LAST, message_ids) for key, message_ids in rows)


def keep(execute: Execute, conversation_id: str, place: int, exchanges: Sequence[Exchange]) -> int:
    """Keep these, and nothing else from that place on; the key of the first message."""
    first = numbered(execute, conversation_id)
    execute("DELETE FROM exchanges WHERE key >= ? AND key < ?", key_after(first, place), end_of(first))
    for one in exchanges:
        if one.position <= LAST:
            message_ids = orjson.dumps([message["id"] for message in one.messages]).decode()
            execute(
                _KEEP,
                *(first + one.position, one.length, one.tokens, one.sent, one.shape),
                *(None if one.wire is None else digest(one.wire), message_ids, one.wire),
            )
    return first


def forget(execute: Execute, conversation_id: str) -> None:
    """Remove all that is kept of a conversation."""
    if (first := first_key(execute, conversation_id)) is not None:
        execute("DELETE FROM exchanges WHERE key >= ? AND key < ?", first, end_of(first))
