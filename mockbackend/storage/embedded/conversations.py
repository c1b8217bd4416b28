"""The conversations' rows: who owns what, titles, pins, listing and search. Every call names the owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...messages import now_ms
from .database import Database, Execute

# A running turn counts as what it will have made of the history: what it keeps, and what it adds.
_COLUMNS = """c.id, c.title, c.is_pinned, c.created_at, c.updated_at,
    CASE WHEN t.conversation_id IS NULL THEN c.message_count ELSE t.keep + t.added_count END"""
_FROM = "conversations c LEFT JOIN turns t ON t.conversation_id = c.id AND t.over_at IS NULL"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation's row; times are integer milliseconds."""

    id: str
    title: str
    is_pinned: bool
    created_at: int
    updated_at: int
    message_count: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the listing ends: the sort key of its last row."""

    is_pinned: bool
    updated_at: int
    id: str


class Conversations:
    """The table `conversations`, and `said` beside it."""

    def __init__(self, database: Database, searching: Database) -> None:
        self._database = database
        # A connection of its own: turns do not wait while all that was said is looked through.
        self._searching = searching

    async def get(self, userid: str, conversation_id: str) -> Conversation | None:
        """The owner's row of that id."""
        rows = await self._database.execute(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE c.id = ? AND c.userid = ? AND c.deleted_at IS NULL",
            *(conversation_id, userid),
        )
        return _conversation(rows[0]) if rows else None

    async def page(self, userid: str, *, limit: int, after: Place | None, query: str) -> list[Conversation]:
        """A page of the owner's rows: pinned first, then the newest; `query` looks in titles and messages."""
        where = "c.userid = ? AND c.deleted_at IS NULL"
        values: list[Any] = [userid]
        if after:
            where += " AND (c.is_pinned, c.updated_at, c.id) < (?, ?, ?)"
            values += [after.is_pinned, after.updated_at, after.id]
        if query:
            where += r""" AND (fold(c.title) LIKE ? ESCAPE '\' OR EXISTS (
                SELECT 1 FROM said WHERE conversation_id = c.id AND text LIKE ? ESCAPE '\'))"""
            values += [_pattern(query)] * 2
        rows = await (self._searching if query else self._database).execute(
            f"""SELECT {_COLUMNS} FROM {_FROM} WHERE {where}
            ORDER BY c.is_pinned DESC, c.updated_at DESC, c.id DESC LIMIT ?""",
            *(*values, limit),
        )
        return [_conversation(row) for row in rows]

    async def change(
        self, userid: str, conversation_id: str, *, title: str | None = None, is_pinned: bool | None = None
    ) -> Conversation | None:
        """Rename or pin; what is None stays."""
        await self._database.execute(
            """UPDATE conversations SET title = coalesce(?, title), is_pinned = coalesce(?, is_pinned)
            WHERE id = ? AND userid = ? AND deleted_at IS NULL""",
            *(title, is_pinned, conversation_id, userid),
        )
        return await self.get(userid, conversation_id)

    async def hide(self, userid: str, conversation_id: str) -> bool:
        """Begin to delete: from now on the row does not exist for anybody. False where there was none."""
        rows = await self._database.execute(
            "UPDATE conversations SET deleted_at = ? WHERE id = ? AND userid = ? AND deleted_at IS NULL RETURNING id",
            *(now_ms(), conversation_id, userid),
        )
        return bool(rows)

    async def hidden(self) -> list[str]:
        """The ids whose deletion has begun and not ended."""
        return [
            row[0] for row in await self._database.execute("SELECT id FROM conversations WHERE deleted_at IS NOT NULL")
        ]

    async def forget(self, conversation_id: str) -> None:
        """End a deletion: the last step, once everything else of the conversation is gone."""
        execute = self._database.execute
        await execute("DELETE FROM said WHERE conversation_id = ?", conversation_id)
        await execute("DELETE FROM turns WHERE conversation_id = ?", conversation_id)
        await execute("DELETE FROM conversations WHERE id = ? AND deleted_at IS NOT NULL", conversation_id)


def begin(execute: Execute, userid: str, conversation_id: str, title: str) -> Conversation | None:
    """The row as it is settled, made where there was none; None where the id is somebody else's."""
    now = now_ms()
    # One statement for both cases: an update that changes nothing returns the row that was there.
    rows = execute(
        """INSERT INTO conversations (id, userid, is_pinned, created_at, updated_at, title)
        VALUES (?, ?, FALSE, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET id = id
        WHERE userid = excluded.userid AND deleted_at IS NULL
        RETURNING id, title, is_pinned, created_at, updated_at, message_count""",
        *(conversation_id, userid, now, now, title),
    )
    return _conversation(rows[0]) if rows else None


def settle(execute: Execute, conversation_id: str, base_length: int, texts: list[str]) -> None:
    """Record that the history is now its first `base_length` messages and then these."""
    execute("DELETE FROM said WHERE conversation_id = ? AND position >= ?", conversation_id, base_length)
    marks = ", ".join(["(?, ?, ?)"] * len(texts))
    values = [value for n, text in enumerate(texts, base_length) for value in (conversation_id, n, text.casefold())]
    execute(f"INSERT OR REPLACE INTO said (conversation_id, position, text) VALUES {marks}", *values)
    execute(
        "UPDATE conversations SET updated_at = ?, message_count = ? WHERE id = ?",
        *(now_ms(), base_length + len(texts), conversation_id),
    )


def _conversation(row: tuple[Any, ...]) -> Conversation:
    return Conversation(row[0], row[1], bool(row[2]), *row[3:])


def _pattern(query: str) -> str:
    for special in "\\%_":
        query = query.replace(special, "\\" + special)
    return f"%{query.casefold()}%"
