"""The table `conversations`: who owns what, titles, pins, listing and search."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from ...messages import Message, now_ms, open_calls
from ..bounds import LARGEST, bounded
from ..casefold import casefold
from ..values import Conversation, Cursor
from . import exchanges, numbers, words
from .database import Database
from .reserve import Reserve
from .spending import count_open
from .sqlite import Execute, integer, text

# A running turn counts as what it will have made of the history: its base, and what it adds.
_COLUMNS = """c.id, c.title, c.is_pinned, c.created_at, c.updated_at,
    CASE WHEN t.conversation_id IS NULL THEN c.message_count ELSE t.base_length + t.new_count END, c.version,
    c.is_waiting"""
# For so long others wait while a conversation of any length is erased.
PIECE_SECONDS = 0.02
_FROM = "conversations c LEFT JOIN turns t ON t.conversation_id = c.id AND t.over_at IS NULL"


class Conversations:
    """The contract's Conversations.

    `erase_content` removes history and images of one, within a transaction; `shorten_history` takes its last turns
    away until that moment of the monotonic clock, and tells whether there are more.
    """

    def __init__(
        self,
        database: Database,
        searching: Iterable[Database],
        erase_content: Callable[[Execute, str], None],
        shorten_history: Callable[[str, float], bool],
        reserve: Reserve,
    ) -> None:
        self._database = database
        self._reserve = reserve
        # Connections of their own: turns do not wait while all that was said is looked through.
        self._searching: asyncio.Queue[Database] = asyncio.Queue()
        for one in searching:
            self._searching.put_nowait(one)
        self._erase_content = erase_content
        self._shorten_history = shorten_history

    async def get(self, userid: str, conversation_id: str) -> Conversation | None:
        rows = await self._database.execute(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE c.id = ? AND c.userid = ? AND c.deleted_at IS NULL",
            *(conversation_id, userid),
        )
        return _conversation(rows[0]) if rows else None

    async def page(self, userid: str, *, limit: int, after: Cursor | None, query: str) -> list[Conversation]:
        where = "c.userid = ? AND c.deleted_at IS NULL"
        values: list[Any] = [userid]
        if after:
            where += " AND (c.is_pinned, c.updated_at, c.id) < (?, ?, ?)"
            values += [after.is_pinned, bounded(after.updated_at, -LARGEST), after.id]
        if query:
            # Not LIKE, whose pattern has a limit, and ends at a NUL.
            where += f" AND (instr(c.casefolded_title, ?) OR {words.CONTAINS})"
            values += [casefold(query)] * 3
        values.append(bounded(limit))
        statement = f"""SELECT {_COLUMNS} FROM {_FROM} WHERE {where}
            ORDER BY c.is_pinned DESC, c.updated_at DESC, c.id DESC LIMIT ?"""
        if not query:
            return [_conversation(row) for row in await self._database.execute(statement, *values)]
        searching = await self._searching.get()
        try:
            return [_conversation(row) for row in await searching.execute(statement, *values)]
        finally:
            self._searching.put_nowait(searching)

    async def change(
        self, userid: str, conversation_id: str, *, title: str | None = None, is_pinned: bool | None = None
    ) -> Conversation | None:
        await self._database.execute(
            """UPDATE conversations SET title = coalesce(?, title), casefolded_title = coalesce(?, casefolded_title),
            is_pinned = coalesce(?, is_pinned) WHERE id = ? AND userid = ? AND deleted_at IS NULL""",
            *(title, None if title is None else casefold(title), is_pinned, conversation_id, userid),
        )
        return await self.get(userid, conversation_id)

    async def hide(self, userid: str, conversation_id: str) -> bool:
        rows = await self._reserve.spend(
            lambda: self._database.execute(
                """UPDATE conversations SET deleted_at = ?
                WHERE id = ? AND userid = ? AND deleted_at IS NULL RETURNING id""",
                *(now_ms(), conversation_id, userid),
            )
        )
        return bool(rows)

    async def hidden(self) -> list[str]:
        rows = await self._database.execute("SELECT id FROM conversations WHERE deleted_at IS NOT NULL")
        return [row[0] for row in rows]

    async def erase(self, conversation_id: str) -> None:
        def shorten(execute: Execute) -> bool:
            """Remove what is long for a moment; whether there is more."""
            statement = "SELECT 1 FROM conversations WHERE id = ? AND deleted_at IS NOT NULL"
            first = numbers.first_key(execute, conversation_id)
            if first is None or not execute(statement, conversation_id):
                return False
            until = time.monotonic() + PIECE_SECONDS
            for table in ("words", "exchanges"):
                while numbers.remove_last(execute, table, first):
                    if time.monotonic() > until:
                        return True
            return self._shorten_history(conversation_id, until)

        def work(execute: Execute) -> None:
            # In the transaction in which all else goes: as soon as the row is gone its id may be in use again, while
            # another process that ends the same deletion has yet to come here.
            if not execute(
                "DELETE FROM conversations WHERE id = ? AND deleted_at IS NOT NULL RETURNING id", conversation_id
            ):
                return
            self._erase_content(execute, conversation_id)
            words.forget(execute, conversation_id)
            exchanges.forget(execute, conversation_id)
            numbers.forget(execute, conversation_id)
            count_open(execute, conversation_id)
            execute("DELETE FROM turns WHERE conversation_id = ?", conversation_id)

        while await self._reserve.spend(lambda: self._database.transact(shorten)):
            pass
        await self._reserve.spend(lambda: self._database.transact(work))


def upsert_conversation(
    execute: Execute, userid: str, conversation_id: str, title: str, now: int
) -> Conversation | None:
    """The row as it is settled, made where there was none; None where the id is another user's."""
    # One statement for both cases: an update that changes nothing returns the row that was there.
    rows = execute(
        """INSERT INTO conversations (id, userid, is_pinned, created_at, updated_at, title, casefolded_title)
        VALUES (?, ?, FALSE, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET id = id
        WHERE userid = excluded.userid AND deleted_at IS NULL
        RETURNING id, title, is_pinned, created_at, updated_at, message_count, version, is_waiting""",
        *(conversation_id, userid, now, now, title, casefold(title)),
    )
    return _conversation(rows[0]) if rows else None


def count_messages(execute: Execute, conversation_id: str, count: int, last: Message) -> int | None:
    """Record that the history has changed: it has that many messages now, of which this is the last.

    Returns its version, if it is there.
    """
    rows = execute(
        """UPDATE conversations SET updated_at = max(?, updated_at + 1), message_count = ?, version = version + 1,
        is_waiting = ? WHERE id = ? RETURNING version""",
        *(now_ms(), count, bool(open_calls(last)), conversation_id),
    )
    return rows[0][0] if rows else None


def _conversation(row: tuple[Any, ...]) -> Conversation:
    conversation_id, title, is_pinned, *numbers, waits = row
    created_at, updated_at, message_count, version = map(integer, numbers)
    return Conversation(
        *(text(conversation_id), text(title), bool(is_pinned), created_at, updated_at),
        *(message_count, version, bool(waits)),
    )
