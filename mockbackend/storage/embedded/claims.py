"""How a turn gets its row: within limits, and one turn at a time in a conversation."""

from __future__ import annotations

from ...concurrency.liveness import Liveness
from ..bounds import MOST_MESSAGES, bounded
from ..spending import ClaimLimits
from ..values import NOBODY, Conversation, TooManyTurns, Turn
from .spending import spent_on
from .sqlite import Execute
from .turn_files import TooLargeForRow, TurnFiles

NOTHING_SAID = b"[]"
_RUNS = "SELECT 1 FROM turns WHERE conversation_id = ? AND over_at IS NULL"


def claim_turn(
    execute: Execute,
    turn: Turn,
    files: TurnFiles,
    conversation: Conversation,
    limits: ClaimLimits,
    liveness: Liveness,
) -> bool | None:
    """Whether the turn's user has documents; None where another turn runs or the history has changed.

    Raises TooManyTurns and DayLimitReached, and TooLargeForRow only if nothing else is in the turn's way.
    """
    running = execute(
        """SELECT owner, count(*)
        FROM turns WHERE userid = ? AND over_at IS NULL AND owner <> ? AND conversation_id <> ? GROUP BY owner""",
        *(turn.userid, NOBODY, turn.conversation_id),
    )
    # Dead owners are looked for only at the limit: each look takes a lock.
    if sum(count for _, count in running) >= limits.running:
        alive = sum(count for owner, count in running if liveness.is_alive(owner))
        if alive >= limits.running:
            raise TooManyTurns
    if limits.day:
        limits.day.check(spent_on(execute, turn), limits.estimate)
    try:
        new_messages = files.encode(turn)
    except TooLargeForRow:
        if execute(_RUNS, turn.conversation_id):
            return None
        raise
    # One statement decides which of several processes gets the conversation. Why it suffices:
    #
    # - A conversation has at most one row here: its id is the key. INSERT therefore meets either no row or the row
    #   of the last turn, and ON CONFLICT takes that one over only if it is over (`over_at` is set). A turn that
    #   runs is never overwritten, in whichever process it runs; RETURNING then gives no row, and the caller waits
    #   or answers 409.
    # - The turn's place (`base_length`) was computed from the conversation's row as the caller saw it. Between
    #   that look and this statement another turn may have begun *and ended*: its row is over, so the key alone
    #   would let us in, and our end would cut its messages off. EXISTS compares the version, which every end counts
    #   up in the transaction in which it sets `over_at`: a history that has changed does not match.
    # - Deleting sets `deleted_at` first, so a claim cannot slip in between that and the end of the deletion.
    # - SQLite has one writer at a time and BEGIN IMMEDIATE takes that place before anything is read, so nothing
    #   that is read here can change before COMMIT. An engine with several writers must lock or compare-and-set.
    # - The last turn's id and log move to `previous_…`: a reader in another process who polls that log may look
    #   for the first time after our claim, and still hears the last turn's end (`TurnFollower`).
    rows = execute(
        """INSERT INTO turns (conversation_id, turn_id, userid, message_id, owner, started_at, framing, base_length,
        new_count, new_messages, input_tokens, output_tokens, images, turns, log)
        SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
        WHERE EXISTS (SELECT 1 FROM conversations WHERE id = ? AND version = ? AND deleted_at IS NULL)
        AND NOT EXISTS (SELECT 1 FROM turns WHERE turn_id = ?)
        ON CONFLICT (conversation_id) DO UPDATE SET turn_id = excluded.turn_id, userid = excluded.userid,
        message_id = excluded.message_id, owner = excluded.owner, started_at = excluded.started_at,
        framing = excluded.framing, base_length = excluded.base_length, new_count = excluded.new_count,
        new_messages = excluded.new_messages, input_tokens = excluded.input_tokens,
        output_tokens = excluded.output_tokens, images = excluded.images, turns = excluded.turns,
        log = excluded.log, stop_requested = FALSE, followed_until = NULL, over_at = NULL,
        previous_id = turns.turn_id, previous_log = turns.log
        WHERE over_at IS NOT NULL RETURNING EXISTS (
            SELECT 1 FROM files WHERE userid = ? AND deleted_at IS NULL)""",
        *(turn.conversation_id, turn.turn_id, turn.userid, turn.message_id, liveness.id, turn.started_at),
        *(turn.framing, bounded(turn.base_length, most=MOST_MESSAGES), len(turn.new_messages), new_messages),
        *(limits.estimate.input_tokens, limits.estimate.output_tokens, limits.estimate.images, turn.turns),
        turn.opening or NOTHING_SAID,
        *(turn.conversation_id, conversation.version, turn.turn_id, turn.userid),
    )
    return bool(rows[0][0]) if rows else None
