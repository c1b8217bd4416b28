"""The row of a turn, which may be damaged, and the messages in it."""

from __future__ import annotations

import logging

from ...messages import now_ms
from ..stored_messages import decode_messages, is_moment
from ..values import Turn
from .spending import count_open
from .sqlite import Execute, integer, text

log = logging.getLogger("mockbackend.storage")


def decode_turn(
    userid: object,
    conversation_id: str,
    turn_id: object,
    message_id: object,
    started_at: object,
    framing: object,
    base_length: object,
    new_messages: object,
) -> Turn:
    """The turn of a row. It has no messages if the row is so damaged that nothing can be made of it."""
    place, name = integer(base_length), text(turn_id)
    is_whole = place == base_length and place >= 0 and name == turn_id and "\ufffd" not in name
    return Turn(
        text(userid),
        conversation_id,
        name,
        text(message_id),
        integer(started_at) if is_moment(started_at) else now_ms(),
        text(framing),
        place,
        decode_messages(new_messages) if is_whole else [],
    )


def close_damaged(execute: Execute, turn: Turn, owner: object) -> None:
    """Mark a turn as over of which nothing can be made: one row must not close a conversation for ever."""
    rows = execute(
        """SELECT userid, conversation_id, turn_id, message_id, started_at, framing, base_length, new_messages
        FROM turns WHERE conversation_id = ? AND owner IS ? AND over_at IS NULL""",
        *(turn.conversation_id, owner),
    )
    # The row may be another turn's by now. It is not looked for by the turn's id, which may be what is damaged.
    if not any(now.turn_id == turn.turn_id and not now.new_messages for now in [decode_turn(*row) for row in rows]):
        return
    log.error(
        "the row of turn %s is damaged: what was said in it is lost; conversation %s is as it was before",
        *(turn.turn_id, turn.conversation_id),
    )
    count_open(execute, turn.conversation_id)
    execute(
        "UPDATE turns SET over_at = ? WHERE conversation_id = ? AND owner IS ? AND over_at IS NULL",
        *(now_ms(), turn.conversation_id, owner),
    )
