"""How a turn gets its row: the statements.

Why one transaction of three statements suffices, whatever other processes do meanwhile:

- The first takes the lock of the user, so that the user's claims come one by one and none is missed in the count. The
  second takes the lock of the conversation's row, as each end does. Each statement sees what was committed by the time
  that it begins, so the third, the claim, sees what was written while the first two waited.
- A turn's place (its base) was computed from the conversation's row as it was seen before. Each end counts the row's
  version up, so a history that has changed does not match. A condition alone would not do: it locks nothing, and the
  claim could go on with a base that another process is just changing.
- `turns_running` is a unique index over the conversations of turns that are not over. Where the conversation is new
  there is no row to lock: of two claims one makes it, and the other looks again.
- Locks are always taken in one order, user, conversation, turn, image or file, or two processes would wait for each
  other.
- It may be sent again after its answer was lost: a turn that is there already, and ours, has been claimed.
"""

from __future__ import annotations

from zlib import crc32

import orjson

from ..bounds import MOST_MESSAGES, bounded
from ..casefold import casefold
from ..spending import ClaimLimits, Spent
from ..values import Conversation, Turn
from .database import Database, Execute, Row, Statement
from .processes import alive
from .spending import named, spent_statement
from .turn_logs import OPENING_NUMBER

# Locks of users that claim turns, apart from those of users that store files and images.
CLAIMING, STORING = 1, 2

# Settled values: a running turn is of no account to the place of the next.
SETTLED = """SELECT userid, deleted_at IS NULL, id, title, is_pinned, created_at, updated_at, message_count, version,
    is_waiting FROM conversations WHERE id = %s"""
# Of those that the user has, as far as it matters: they are many, and nobody waits for the count of all.
_CONVERSATIONS = """(SELECT count(*) FROM (SELECT 1 FROM conversations WHERE userid = %(userid)s
    AND deleted_at IS NULL LIMIT %(conversations_limit)s) held)"""
_MAKE = f"""INSERT INTO conversations (id, userid, title, casefolded_title, created_at, updated_at)
    SELECT %(conversation_id)s, %(userid)s, %(title)s, %(casefolded_title)s, %(created_at)s, %(created_at)s
    WHERE {_CONVERSATIONS} < %(conversations_limit)s ON CONFLICT (id) DO NOTHING RETURNING id"""
_COUNT = f"SELECT {_CONVERSATIONS}"
# A new conversation's row is made with its first turn, and only if the turn may begin.
_MADE = """INSERT INTO conversations (id, userid, title, casefolded_title, created_at, updated_at)
    SELECT %(conversation_id)s, %(userid)s, %(title)s, %(casefolded_title)s, %(created_at)s, %(created_at)s
    FROM counted WHERE running < %(running_limit)s AND conversations < %(conversations_limit)s
    ON CONFLICT (id) DO NOTHING RETURNING id"""
_SEEN = """SELECT id FROM conversations, counted WHERE id = %(conversation_id)s AND userid = %(userid)s
    AND version = %(version)s AND deleted_at IS NULL AND running < %(running_limit)s"""
_RETITLED = """UPDATE conversations SET title = %(title)s, casefolded_title = %(casefolded_title)s FROM counted
    WHERE id = %(conversation_id)s AND userid = %(userid)s AND version = %(version)s AND deleted_at IS NULL
    AND running < %(running_limit)s AND NOT EXISTS (
        SELECT 1 FROM turns WHERE conversation_id = id AND over_at IS NULL AND turn_id <> %(turn_id)s) RETURNING id"""
_CLAIM = """WITH counted AS (SELECT count(*) AS running, {conversations} AS conversations FROM turns
        WHERE userid = %(userid)s AND over_at IS NULL AND conversation_id <> %(conversation_id)s AND {alive}),
    home AS ({home}),
    made AS (INSERT INTO turns (turn_id, conversation_id, userid, message_id, owner, started_at, framing, base_length,
        new_count, new_messages, input_tokens, output_tokens, images, turns)
        SELECT %(turn_id)s, id, %(userid)s, %(message_id)s, %(owner)s, %(started_at)s, %(framing)s, %(base_length)s,
        %(new_count)s, %(new_messages)s, %(input_tokens)s, %(output_tokens)s, %(images)s, %(turns)s
        FROM home ON CONFLICT DO NOTHING RETURNING turn_id){opening}
    SELECT running, conversations, EXISTS (SELECT 1 FROM made) OR EXISTS (SELECT 1 FROM turns
        WHERE turn_id = %(turn_id)s AND owner = %(owner)s AND over_at IS NULL),
        EXISTS (SELECT 1 FROM files WHERE userid = %(userid)s AND deleted_at IS NULL)
    FROM counted"""
# What an answer that goes on had said before.
_OPENING = f""",
    opened AS (INSERT INTO turn_logs (turn_id, number, userid, kept, data)
        SELECT turn_id, {OPENING_NUMBER}, %(userid)s, 0, %(opening)s FROM made)"""
HOME_LOCK = "SELECT 1 FROM conversations WHERE id = %s FOR NO KEY UPDATE"
OVER = "UPDATE turns SET over_at = now() WHERE turn_id = %s AND over_at IS NULL"


def base_length(turn: Turn) -> int:
    """How many messages the turn means to keep."""
    return bounded(turn.base_length, most=MOST_MESSAGES)


def user_lock(purpose: int, userid: str) -> Statement:
    """The lock of a user, held until the end of the transaction."""
    return "SELECT pg_advisory_xact_lock(%s, %s)", purpose, crc32(userid.encode()) - 2**31


def make_statements(userid: str, conversation: Conversation, limit: int) -> list[Statement]:
    """What makes a conversation without a turn: the user's lock, a row if it was made, how many the user has."""
    values = {
        "conversation_id": conversation.id,
        "userid": userid,
        "title": conversation.title,
        "casefolded_title": casefold(conversation.title),
        "created_at": conversation.created_at,
        "conversations_limit": limit,
    }
    return [user_lock(CLAIMING, userid), (_MAKE, values), (_COUNT, values)]


def claim_statement(
    turn: Turn, conversation: Conversation, title: str, owner: str, limits: ClaimLimits, *, is_new: bool
) -> Statement:
    """The claim of a turn in a conversation as it was seen.

    Its row: how many others run, how many conversations there are, whether it got it, any documents.
    """
    home = _MADE if is_new else _SEEN if title == conversation.title else _RETITLED
    conversations = _CONVERSATIONS if is_new else "0"
    opening = _OPENING if turn.opening else ""
    return _CLAIM.format(alive=alive("owner"), home=home, conversations=conversations, opening=opening), {
        "conversation_id": turn.conversation_id,
        "userid": turn.userid,
        "title": title,
        "casefolded_title": casefold(title),
        "created_at": conversation.created_at,
        "version": conversation.version,
        "running_limit": limits.running,
        "conversations_limit": limits.conversations,
        "turn_id": turn.turn_id,
        "message_id": turn.message_id,
        "owner": owner,
        "started_at": turn.started_at,
        "framing": turn.framing,
        "base_length": base_length(turn),
        "new_count": len(turn.new_messages),
        "new_messages": orjson.dumps(turn.new_messages),
        **named(turn, limits.estimate),
        "turns": turn.turns,
        **({"opening": turn.opening} if turn.opening else {}),
    }


async def run_within_day(
    database: Database, turn: Turn, statements: list[Statement], limits: ClaimLimits
) -> list[list[Row]]:
    """Run a claim's statements in one transaction, if what was spent so far allows it. Raises DayLimitReached."""

    async def work(execute: Execute) -> list[list[Row]]:
        lock, *others = statements
        results = [await execute(*lock)]
        # After the lock: what the user's other claims have written is seen.
        [spent] = await execute(*spent_statement(turn))
        limits.day.check(Spent(*spent), limits.estimate)
        return results + [await execute(*statement) for statement in others]

    return await database.transact(work)


def withdrawal(turn: Turn, *, is_new: bool, title: str | None) -> list[Statement]:
    """What undoes a claim: `is_new` where it made its conversation, `title` where it replaced that one."""
    statements: list[Statement] = [(HOME_LOCK, turn.conversation_id), (OVER, turn.turn_id)]
    if is_new:
        statements.append(("DELETE FROM conversations WHERE id = %s AND version = 0", turn.conversation_id))
    elif title is not None:
        retitle = "UPDATE conversations SET title = %s, casefolded_title = %s WHERE id = %s"
        statements.append((retitle, title, casefold(title), turn.conversation_id))
    return statements
