"""The table `exchanges`: what requests have of the history, as bytes that go out as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from ...messages import Message
from ..bounds import bounded
from ..exchanges import Exchange, Window, digest, filled, newest_that_fit, placed_at, unkept_from
from ..values import Claim, Turn
from .claims import base_length
from .database import Database, Row, Statement
from .history import decoded

_MOST = 2**31 - 1
_BASE = """SELECT position, body FROM messages WHERE conversation_id = %s AND position >= %s AND position < %s
    AND EXISTS (SELECT 1 FROM turns WHERE turn_id = %s AND over_at IS NULL) ORDER BY position"""
# Only what fits is sent, the last at least, and one more, so that it shows that there are others. The turn may be gone.
_NEWEST = """SELECT position, count, tokens, sent, shape = %(shape)s, digest, wire FROM (SELECT *,
        coalesce(sum(tokens) OVER newer, 0) AS tokens_after, coalesce(sum(sent) OVER newer, 0) AS sent_after,
        count(*) OVER newer AS number
        FROM exchanges WHERE conversation_id = %(conversation_id)s AND position < %(base_length)s
        WINDOW newer AS (ORDER BY position DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) kept
    WHERE (number < 2 OR (tokens_after <= %(tokens)s AND sent_after <= %(messages)s))
    AND EXISTS (SELECT 1 FROM turns WHERE turn_id = %(turn_id)s AND over_at IS NULL) ORDER BY position DESC"""
OUTLINE = "SELECT position, message_ids FROM exchanges WHERE conversation_id = %s ORDER BY position"
# Parts of the end's statement.
KEPT = """forgotten AS (DELETE FROM exchanges e USING mine WHERE e.conversation_id = mine.conversation_id
        AND e.position >= %(kept_from)s AND e.position <> ALL(%(kept_positions)s::integer[])),
    kept AS (INSERT INTO exchanges
            (conversation_id, userid, position, count, tokens, sent, shape, digest, message_ids, wire)
        SELECT conversation_id, userid, given.* FROM mine, unnest(%(kept_positions)s::integer[],
            %(kept_counts)s::integer[], %(kept_tokens)s::bigint[], %(kept_sent)s::integer[], %(kept_shapes)s::text[],
            %(kept_digests)s::bigint[], %(kept_ids)s::text[], %(kept_wires)s::bytea[]) AS given
        WHERE base = %(base_length)s
        ON CONFLICT (conversation_id, position) DO UPDATE SET userid = excluded.userid, count = excluded.count,
        tokens = excluded.tokens, sent = excluded.sent, shape = excluded.shape, digest = excluded.digest,
        message_ids = excluded.message_ids, wire = excluded.wire)"""


def base_statement(turn: Turn, window: Window | None, start: int = 0) -> Statement:
    """What reads the history before the turn: its newest exchanges, newest first, or its messages from `start` on."""
    if window is None:
        return _BASE, turn.conversation_id, start, base_length(turn), turn.turn_id
    return _NEWEST, {
        "conversation_id": turn.conversation_id,
        "base_length": base_length(turn),
        "turn_id": turn.turn_id,
        "shape": window.shape,
        "tokens": _MOST if window.tokens is None else bounded(int(window.tokens)),
        "messages": window.messages,
    }


async def with_base_of(database: Database, claim: Claim, window: Window | None, rows: list[Row]) -> Claim:
    """The claim with the history of these rows, which `base_statement` has read."""
    turn = claim.turn

    async def read(start: int = 0) -> list[Message]:
        return await decoded(turn.conversation_id, await database.execute(*base_statement(turn, None, start)))

    if window is None:
        return replace(claim, base=await decoded(turn.conversation_id, rows))
    found = newest_that_fit(rows, base_length(turn), window)
    if found and (start := unkept_from(found)) is not None:
        found = filled(found, await read(start), start)
    return replace(claim, exchanges=found) if found else replace(claim, base=await read())


def named(turn: Turn, exchanges: Sequence[Exchange]) -> dict[str, Any]:
    """The values of `KEPT`."""
    first = base_length(turn)
    exchanges = placed_at(first, exchanges)
    return {
        "kept_from": min(first, exchanges[0].position) if exchanges else first,
        "kept_positions": [one.position for one in exchanges],
        "kept_counts": [one.length for one in exchanges],
        "kept_tokens": [one.tokens for one in exchanges],
        "kept_sent": [one.sent for one in exchanges],
        "kept_shapes": [one.shape for one in exchanges],
        "kept_digests": [None if one.wire is None else digest(one.wire) for one in exchanges],
        "kept_ids": [orjson.dumps([message["id"] for message in one.messages]).decode() for one in exchanges],
        "kept_wires": [one.wire for one in exchanges],
    }
