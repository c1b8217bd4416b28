"""The table `usage`: what was spent by turns that are over, a row for each user and day; what is spent and stored."""

from __future__ import annotations

from ..spending import DAY_MS, Spent
from ..values import Turn
from .database import Database, Statement

# A hidden file is gone already.
STORED_BYTES = """((SELECT coalesce(sum(size), 0) FROM files WHERE userid = %(userid)s AND blob_id IS NOT NULL
    AND deleted_at IS NULL) + (SELECT coalesce(sum(size), 0) FROM images WHERE userid = %(userid)s))::bigint"""
# Its parts: of a turn that is over, whose row `mine` names, and of turns whose rows go before they are over.
ADD = """INSERT INTO usage (userid, day, turns, input_tokens, output_tokens, images) {rows}
    ON CONFLICT (userid, day) DO UPDATE SET turns = usage.turns + excluded.turns,
    input_tokens = usage.input_tokens + excluded.input_tokens,
    output_tokens = usage.output_tokens + excluded.output_tokens, images = usage.images + excluded.images"""
EMBEDDED = """INSERT INTO usage (userid, day, turns, input_tokens, output_tokens, images, embedding_tokens)
    VALUES (%s, %s, 0, 0, 0, 0, %s)
    ON CONFLICT (userid, day) DO UPDATE SET embedding_tokens = usage.embedding_tokens + excluded.embedding_tokens"""
COUNT_MINE = ADD.format(
    rows="""SELECT userid, %(day)s, %(turns)s, %(input_tokens)s, %(output_tokens)s, %(images)s FROM mine"""
)
OPEN_COLUMNS = f"userid, started_at / {DAY_MS} AS day, turns, input_tokens, output_tokens, images, over_at"
COUNT_OPEN = ADD.format(
    rows="SELECT userid, day, turns, input_tokens, output_tokens, images FROM over WHERE over_at IS NULL"
)
# The end of a turn of which nothing can be made.
CLOSE = f"""WITH over AS (UPDATE turns SET over_at = now() WHERE turn_id = %s AND over_at IS NULL
    RETURNING userid, started_at / {DAY_MS} AS day, turns, input_tokens, output_tokens, images, NULL AS over_at)
    {COUNT_OPEN}"""
SPENT = f"""SELECT coalesce(sum(turns), 0)::bigint, coalesce(sum(input_tokens), 0)::bigint,
    coalesce(sum(output_tokens), 0)::bigint, coalesce(sum(images), 0)::bigint,
    coalesce(sum(embedding_tokens), 0)::bigint FROM (
        SELECT turns, input_tokens, output_tokens, images, embedding_tokens FROM usage
        WHERE userid = %(userid)s AND day = %(day)s
        UNION ALL SELECT turns, input_tokens, output_tokens, images, 0 FROM turns WHERE userid = %(userid)s
        AND over_at IS NULL AND started_at / {DAY_MS} = %(day)s AND turn_id <> %(turn_id)s) counted"""
_SPEND = f"""WITH mine AS (UPDATE turns SET input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s,
        images = %(images)s WHERE turn_id = %(turn_id)s AND owner = %(owner)s AND over_at IS NULL) {SPENT}"""


class Spending:
    """The contract's Spending."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_day(self, userid: str, day: int) -> Spent:
        rows = await self._database.execute(SPENT, {"userid": userid, "day": day, "turn_id": ""})
        return Spent(*rows[0])

    async def embedded(self, userid: str, day: int, tokens: int) -> None:
        await self._database.execute(EMBEDDED, userid, day, tokens)

    async def forget(self, userid: str) -> None:
        await self._database.execute("DELETE FROM usage WHERE userid = %(userid)s", {"userid": userid})

    async def stored_bytes(self, userid: str) -> int:
        rows = await self._database.execute(f"SELECT {STORED_BYTES}", {"userid": userid})
        return int(rows[0][0])


def spent_statement(turn: Turn) -> Statement:
    """What the turn's user has spent on its day, without it."""
    return SPENT, {"userid": turn.userid, "day": turn.day, "turn_id": turn.turn_id}


def spend_statement(turn: Turn, spent: Spent, owner: str) -> Statement:
    """The same, and what writes that the turn spends this."""
    return _SPEND, {**named(turn, spent), "turn_id": turn.turn_id, "owner": owner, "userid": turn.userid}


def named(turn: Turn, spent: Spent) -> dict[str, int]:
    """The values of a statement that counts what a turn spends."""
    return {
        "day": turn.day,
        "turns": spent.turns,
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "images": spent.images,
    }
