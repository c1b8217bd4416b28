"""The table `conversations`: who owns what, titles, pins, listing and search."""

from __future__ import annotations

import time
from typing import Any

from ..bounds import LARGEST, bounded
from ..casefold import casefold
from ..values import Conversation, Cursor
from .database import Database
from .spending import COUNT_OPEN, OPEN_COLUMNS

# A running turn counts as what it will have made of the history: its base, and what it adds.
_COLUMNS = """c.id, c.title, c.is_pinned, c.created_at, c.updated_at,
    coalesce(t.base_length + t.new_count, c.message_count), c.version, c.is_waiting"""
_FROM = "conversations c LEFT JOIN turns t ON t.conversation_id = c.id AND t.over_at IS NULL"


class Conversations:
    """The contract's Conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, userid: str, conversation_id: str) -> Conversation | None:
        rows = await self._database.execute(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE c.id = %s AND c.userid = %s AND c.deleted_at IS NULL",
            *(conversation_id, userid),
        )
        return Conversation(*rows[0]) if rows else None

    async def page(self, userid: str, *, limit: int, after: Cursor | None, query: str) -> list[Conversation]:
        where = "c.userid = %s AND c.deleted_at IS NULL"
        values: list[Any] = [userid]
        if after:
            where += " AND (c.is_pinned, c.updated_at, c.id) < (%s, %s, %s)"
            values += [after.is_pinned, bounded(after.updated_at, -LARGEST), after.id]
        if query:
            where += """ AND (strpos(c.casefolded_title, %s) > 0
                OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND strpos(m.said, %s) > 0))"""
            values += [casefold(query)] * 2
        rows = await self._database.execute(
            f"""SELECT {_COLUMNS} FROM {_FROM} WHERE {where}
            ORDER BY c.is_pinned DESC, c.updated_at DESC, c.id DESC LIMIT %s""",
            *(*values, bounded(limit)),
        )
        return [Conversation(*row) for row in rows]

    async def change(
        self, userid: str, conversation_id: str, *, title: str | None = None, is_pinned: bool | None = None
    ) -> Conversation | None:
        await self._database.execute(
            """UPDATE conversations SET title = coalesce(%s, title), casefolded_title = coalesce(%s, casefolded_title),
            is_pinned = coalesce(%s, is_pinned) WHERE id = %s AND userid = %s AND deleted_at IS NULL""",
            *(title, None if title is None else casefold(title), is_pinned, conversation_id, userid),
        )
        return await self.get(userid, conversation_id)

    async def hide(self, userid: str, conversation_id: str) -> bool:
        now = time.time_ns()
        rows = await self._database.execute(
            # Sent again after a lost answer, it finds its own time: nobody else's has the same nanosecond.
            """UPDATE conversations SET deleted_at = %s
            WHERE id = %s AND userid = %s AND (deleted_at IS NULL OR deleted_at = %s) RETURNING id""",
            *(now, conversation_id, userid, now),
        )
        return bool(rows)

    async def hidden(self) -> list[str]:
        rows = await self._database.execute("SELECT id FROM conversations WHERE deleted_at IS NOT NULL")
        return [conversation_id for (conversation_id,) in rows]

    async def erase(self, conversation_id: str) -> None:
        # Locks first, in the order of every other writer, and then a statement that sees all that was committed before
        # it got them. A second process that ends the same deletion finds no row, though its id may be in use again.
        await self._database.batch(
            ("SELECT 1 FROM conversations WHERE id = %s AND deleted_at IS NOT NULL FOR UPDATE", conversation_id),
            ("SELECT 1 FROM turns WHERE conversation_id = %s FOR UPDATE", conversation_id),
            (
                f"""WITH home AS (DELETE FROM conversations WHERE id = %s AND deleted_at IS NOT NULL RETURNING id),
                over AS (DELETE FROM turns USING home WHERE conversation_id = home.id
                    RETURNING turn_id, {OPEN_COLUMNS}),
                counted AS ({COUNT_OPEN}),
                logs AS (DELETE FROM turn_logs USING over WHERE turn_logs.turn_id = over.turn_id),
                gone AS (DELETE FROM images USING home WHERE conversation_id = home.id RETURNING token),
                bytes AS (DELETE FROM pieces USING gone WHERE blob_id = gone.token),
                exchanges_of AS (DELETE FROM exchanges USING home WHERE conversation_id = home.id)
                DELETE FROM messages USING home WHERE conversation_id = home.id""",
                conversation_id,
            ),
        )
