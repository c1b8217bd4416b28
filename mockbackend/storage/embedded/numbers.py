"""The table `numbers`: a number for each conversation, never given again. Rows of its messages have keys made of it.

A key is number << 20 | position: one INTEGER PRIMARY KEY, by which the rows of a conversation lie side by side.
"""

from __future__ import annotations

from .sqlite import Execute

_POSITION_BITS = 20
LAST = (1 << _POSITION_BITS) - 1
"""The last place of a message that has a key."""
OF_CONVERSATION = f"key >= number << {_POSITION_BITS} AND key < (number + 1) << {_POSITION_BITS}"
"""The condition by which `numbers` is joined with a table of such keys."""
_FIND = "SELECT number FROM numbers WHERE conversation_id = ?"
_MAKE = "INSERT INTO numbers (conversation_id) VALUES (?) RETURNING number"


def first_key(execute: Execute, conversation_id: str) -> int | None:
    """The key of the conversation's first message; None if it has no number."""
    return next((number << _POSITION_BITS for (number,) in execute(_FIND, conversation_id)), None)


def numbered(execute: Execute, conversation_id: str) -> int:
    """The key of the first message of a conversation, which gets a number if it has none; within a transaction."""
    found = first_key(execute, conversation_id)
    if found is None:
        # Not as one statement: to insert what is there already would write two pages.
        [(number,)] = execute(_MAKE, conversation_id)
        found = int(number) << _POSITION_BITS
    return found


def key_after(first: int, length: int) -> int:
    """The key of the message after the first `length` ones of the conversation with that first key."""
    return first + min(length, LAST)


def end_of(first: int) -> int:
    """The key after the last that the conversation with that first key can have."""
    return first + LAST + 1


def remove_last(execute: Execute, table: str, first: int) -> bool:
    """Remove the last row of the conversation with that first key from a table of such keys; whether there was one."""
    last = f"SELECT key FROM {table} WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT 1"
    return bool(execute(f"DELETE FROM {table} WHERE key = ({last}) RETURNING key", first, end_of(first)))


def forget(execute: Execute, conversation_id: str) -> None:
    """Take the conversation's number away; what has keys made of it is gone already."""
    execute("DELETE FROM numbers WHERE conversation_id = ?", conversation_id)
