"""The table `usage`: what was spent by turns that are over, a row for each user and day; what is spent and stored."""

from __future__ import annotations

from typing import Any

from ..spending import DAY_MS, Spent
from ..values import Turn
from .database import Database
from .sqlite import Execute, integer

# Bound to the user twice. A hidden file is gone already.
STORED_BYTES = """(SELECT coalesce(sum(size), 0) FROM files WHERE userid = ? AND blob IS NOT NULL
    AND deleted_at IS NULL) + (SELECT coalesce(sum(size), 0) FROM pictures WHERE userid = ?)"""
_ADD = """INSERT INTO usage (userid, day, turns, input_tokens, output_tokens, images) {rows}
    ON CONFLICT (userid, day) DO UPDATE SET turns = turns + excluded.turns,
    input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
    images = images + excluded.images"""
_COUNT = _ADD.format(rows="VALUES (?, ?, ?, ?, ?, ?)")
_COUNT_OPEN = _ADD.format(
    rows=f"""SELECT userid, started_at / {DAY_MS}, turns, input_tokens, output_tokens, images
    FROM turns WHERE conversation_id = ? AND over_at IS NULL"""
)
_EMBEDDED = """INSERT INTO usage (userid, day, turns, input_tokens, output_tokens, images, embedding_tokens)
    VALUES (?, ?, 0, 0, 0, 0, ?)
    ON CONFLICT (userid, day) DO UPDATE SET embedding_tokens = embedding_tokens + excluded.embedding_tokens"""
_SPENT = f"""SELECT sum(turns), sum(input_tokens), sum(output_tokens), sum(images), sum(embedding_tokens) FROM (
    SELECT turns, input_tokens, output_tokens, images, embedding_tokens FROM usage WHERE userid = ? AND day = ?
    UNION ALL SELECT turns, input_tokens, output_tokens, images, 0 FROM turns INDEXED BY turns_running
    WHERE userid = ? AND over_at IS NULL AND started_at / {DAY_MS} = ? AND turn_id <> ?)"""


class Spending:
    """The contract's Spending."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_day(self, userid: str, day: int) -> Spent:
        rows = await self._database.execute(_SPENT, userid, day, userid, day, "")
        return stored_spent(*rows[0])

    async def embedded(self, userid: str, day: int, tokens: int) -> None:
        await self._database.execute(_EMBEDDED, userid, day, tokens)

    async def forget(self, userid: str) -> None:
        await self._database.execute("DELETE FROM usage WHERE userid = ?", userid)

    async def stored_bytes(self, userid: str) -> int:
        rows = await self._database.execute(f"SELECT {STORED_BYTES}", userid, userid)
        return integer(rows[0][0])


def spent_on(execute: Execute, turn: Turn) -> Spent:
    """What the turn's user has spent on its day, without it."""
    return stored_spent(*execute(_SPENT, turn.userid, turn.day, turn.userid, turn.day, turn.turn_id)[0])


def count_spent(execute: Execute, turn: Turn, spent: Spent) -> None:
    """Count what a turn has spent, with its end."""
    execute(
        _COUNT,
        *(turn.userid, turn.day, spent.turns, spent.input_tokens, spent.output_tokens, spent.images),
    )


def count_open(execute: Execute, conversation_id: str) -> None:
    """Count what the conversation's running turn has written of its spending, before its row goes."""
    execute(_COUNT_OPEN, conversation_id)


def stored_spent(*stored: Any) -> Spent:
    """The values of a row, as they are stored."""
    return Spent(*(max(0, integer(value)) for value in stored))
