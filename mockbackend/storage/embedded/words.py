"""The table `words`: what was said, casefolded, for search. A row for each message, whose key is that of `numbers`.

What versions before have written is in `said`, and moves with the conversation's next turn.
"""

from __future__ import annotations

from .numbers import LAST, OF_CONVERSATION, end_of, first_key, key_after, numbered
from .sqlite import Execute

CONTAINS = f"""(
    EXISTS (SELECT 1 FROM numbers JOIN words ON {OF_CONVERSATION} WHERE conversation_id = c.id AND instr(text, ?))
    OR EXISTS (SELECT 1 FROM said WHERE conversation_id = c.id AND instr(text, ?)))"""
"""The condition that something was said in the conversation `c`: casefolded text, twice."""
_MOVE = """INSERT OR IGNORE INTO words (key, text)
    SELECT ? + position, text FROM said WHERE conversation_id = ? AND position BETWEEN 0 AND ?"""


def record_texts(execute: Execute, conversation_id: str, length: int, texts: list[str]) -> None:
    """Record that these casefolded texts follow the first `length` messages, and nothing else."""
    first = numbered(execute, conversation_id)
    if execute("SELECT 1 FROM said WHERE conversation_id = ? LIMIT 1", conversation_id):
        execute(_MOVE, first, conversation_id, LAST)
        execute("DELETE FROM said WHERE conversation_id = ?", conversation_id)
    execute("DELETE FROM words WHERE key >= ? AND key < ?", key_after(first, length), end_of(first))
    for position, text in enumerate(texts[: max(0, LAST + 1 - length)], length):
        execute("INSERT INTO words (key, text) VALUES (?, ?)", first + position, text)


def forget(execute: Execute, conversation_id: str) -> None:
    """Remove all that is recorded of a conversation."""
    if (first := first_key(execute, conversation_id)) is not None:
        execute("DELETE FROM words WHERE key >= ? AND key < ?", first, end_of(first))
    execute("DELETE FROM said WHERE conversation_id = ?", conversation_id)
