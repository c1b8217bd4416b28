"""The statements that look at running turns, of all processes."""

from __future__ import annotations

from .processes import alive
from .turn_logs import PIECES

OVER_SECONDS = 2.0
RUNNING = f"""SELECT userid, conversation_id, turn_id, message_id, started_at, framing, base_length, new_messages,
    {PIECES}, turns, input_tokens, output_tokens, images, stop_requested, owner, {alive("owner")},
    p.host, p.pid, p.started FROM turns t LEFT JOIN processes p ON p.id = owner WHERE over_at IS NULL"""
# Two who see the same dead owner: the second waits for the first, and finds another owner then.
TAKE_OVER = f"""UPDATE turns t SET owner = %(me)s, generation = generation + 1
    FROM (SELECT turn_id, owner FROM turns
        WHERE turn_id = %(turn_id)s AND (owner = %(me)s OR NOT {alive("owner")})) seen
    WHERE t.turn_id = seen.turn_id AND t.owner = seen.owner AND t.over_at IS NULL RETURNING generation"""
BEAT = f"""WITH gone AS (DELETE FROM turns WHERE turn_id IN (SELECT turn_id FROM turns
        WHERE over_at < now() - interval '{OVER_SECONDS} seconds' FOR UPDATE SKIP LOCKED) RETURNING turn_id),
    logs AS (DELETE FROM turn_logs USING gone WHERE turn_logs.turn_id = gone.turn_id)
    SELECT turn_id, stop_requested, coalesce(followed_until > now(), FALSE) FROM turns
    WHERE owner = %s AND (stop_requested OR followed_until IS NOT NULL) AND over_at IS NULL"""
