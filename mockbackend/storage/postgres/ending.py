"""How a turn ends: the one statement that writes its messages, and the one that leaves it to others.

Everything hangs on `mine`, which takes the turn only from its owner and only once. Locks come in the order of
`claims`. All parts of a statement see one state, so what is replaced is updated and not deleted first. No other turn
writes messages meanwhile: theirs are seen. A base that is longer than the history is all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from ...messages import Message, is_long, is_much, now_ms, open_calls, text_of
from ..casefold import casefold
from ..exchanges import Exchange
from ..spending import Spent
from ..stored_messages import shown_images
from ..values import NOBODY, Turn
from .adapters import Array
from .claims import base_length
from .database import Statement
from .exchanges import KEPT
from .exchanges import named as named_exchanges
from .spending import COUNT_MINE, named
from .turn_logs import Piece

_MINE = "turn_id = %(turn_id)s AND owner = %(owner)s AND over_at IS NULL"
_LOGGED = """INSERT INTO turn_logs (turn_id, number, userid, kept, data)
    SELECT turn_id, %(number)s, userid, %(kept)s, %(data)s FROM mine ON CONFLICT DO NOTHING"""
_END = f"""WITH home AS (SELECT id FROM conversations WHERE id = %(conversation_id)s FOR NO KEY UPDATE),
    mine AS (UPDATE turns SET over_at = now() FROM home WHERE {_MINE} RETURNING turn_id, conversation_id, userid,
        least(%(base_length)s, (SELECT coalesce(max(position) + 1, 0) FROM messages
            WHERE conversation_id = %(conversation_id)s)) AS base),
    logged AS ({_LOGGED}),
    counted AS ({COUNT_MINE}),
    settled AS (UPDATE images SET maker = NULL,
            shown_at = CASE WHEN maker IS NULL AND coalesce(shown_at, 0) < base THEN shown_at ELSE base + place END
        FROM mine, unnest(%(tokens)s::text[], %(places)s::integer[]) AS given (shown, place) WHERE token = shown),
    {{unseen}}cut AS (DELETE FROM messages m USING mine
        WHERE m.conversation_id = mine.conversation_id AND m.position >= base + %(count)s),
    new AS (INSERT INTO messages (conversation_id, position, userid, body, said)
        SELECT conversation_id, base + number - 1, userid, body, said
        FROM mine, unnest(%(bodies)s::bytea[], %(texts)s::text[]) WITH ORDINALITY AS given (body, said, number)
        ON CONFLICT (conversation_id, position)
        DO UPDATE SET userid = excluded.userid, body = excluded.body, said = excluded.said),
    {KEPT}
    UPDATE conversations SET updated_at = greatest(%(now)s, updated_at + 1), message_count = base + %(count)s,
    version = version + 1, is_waiting = %(is_waiting)s FROM mine WHERE id = mine.conversation_id RETURNING id"""
# Where messages are replaced: the images that only these have shown.
_UNSEEN = """unseen AS (DELETE FROM images USING mine WHERE images.conversation_id = mine.conversation_id
        AND maker IS NULL AND shown_at >= base AND token <> ALL(%(tokens)s) RETURNING token),
    unseen_bytes AS (DELETE FROM pieces USING unseen WHERE blob_id = unseen.token),
    """
_GIVE_UP = f"""WITH mine AS (UPDATE turns SET owner = '{NOBODY}', input_tokens = %(input_tokens)s,
    output_tokens = %(output_tokens)s, images = %(images)s WHERE {_MINE} RETURNING turn_id, userid) {_LOGGED}"""
_LARGE = ("bodies", "texts", "kept_wires")
# Whether a turn runs, and whether it was this process that ended it: who takes a turn over changes its owner.
IS_OPEN = """SELECT EXISTS (SELECT 1 FROM turns WHERE turn_id = %s AND over_at IS NULL),
    EXISTS (SELECT 1 FROM turns WHERE owner = %s AND turn_id = %s AND over_at IS NOT NULL)"""
IS_STORED = "SELECT 1 FROM messages WHERE conversation_id = %s AND body = %s"


async def end_statement(
    turn: Turn,
    messages: list[Message],
    exchanges: Sequence[Exchange],
    owner: str,
    piece: Piece,
    spent: Spent,
    *,
    replaces: bool,
) -> tuple[Statement, bytes]:
    """The end of a turn with these messages; a row if it was the owner's to end. Also the last one's body as stored.

    `replaces`: other messages may stand in their place. Raises TypeError for text that is no Unicode.
    """

    def made() -> tuple[dict[str, Any], bytes]:
        bodies = [orjson.dumps(message) for message in messages]
        kept = named_exchanges(turn, exchanges)
        texts = [casefold(text_of(message)) for message in messages]
        values = {**kept, "bodies": bodies, "texts": texts}
        if has_much:
            values |= {name: Array(values[name]) for name in _LARGE if any(values[name])}
        return values, bodies[-1]

    has_much = is_long(messages) or is_much(len(exchanges), (len(one.wire or b"") for one in exchanges))
    large, body = await asyncio.to_thread(made) if has_much else made()
    shown = shown_images(messages)
    return (
        _END.format(unseen=_UNSEEN if replaces else ""),
        {
            **_named(turn, owner, piece, spent),
            **large,
            "conversation_id": turn.conversation_id,
            "tokens": list(shown),
            "places": list(shown.values()),
            "base_length": base_length(turn),
            "count": len(messages),
            "is_waiting": bool(open_calls(messages[-1])),
            "now": now_ms(),
        },
    ), body


def give_up_statement(turn: Turn, owner: str, piece: Piece, spent: Spent) -> Statement:
    """What leaves a turn to any process, with all that it has said and spent."""
    return _GIVE_UP, _named(turn, owner, piece, spent)


def _named(turn: Turn, owner: str, piece: Piece, spent: Spent) -> dict[str, Any]:
    return {"turn_id": turn.turn_id, "owner": owner, **piece._asdict(), **named(turn, spent)}
