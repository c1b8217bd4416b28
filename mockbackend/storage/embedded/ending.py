"""The end of a turn: the saver first, then the rows.

A turn of very many messages, as an imported conversation has, is recorded in pieces, between which others can write.
The turn's row is over with the last of them: a crash in between is finished as any other.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ...messages import MANY_MESSAGES, Message, now_ms, text_of
from ..bounds import bounded
from ..casefold import casefold
from ..spending import Spent
from ..values import TakenOver, Turn
from .checkpoints import Checkpoints
from .conversations import count_messages, record_texts
from .database import Database, Execute, Session
from .images import Images, mark_images_settled
from .spending import count_spent

PIECE = 250
History = tuple[list[Message], list[Message]]


async def end_turn(
    database: Database,
    checkpoints: Checkpoints,
    images: Images,
    owner: str,
    turn: Turn,
    messages: list[Message],
    base: list[Message] | None,
    log: bytes,
    spent: Spent,
) -> None:
    """Settle the owner's turn, whose `messages` follow its `base`; that is None if it has yet to be read."""

    def write_history(session: Session) -> History | None:
        owners = session.execute(
            "SELECT owner FROM turns WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL",
            *(turn.conversation_id, turn.turn_id),
        )
        if not owners:
            # It has been settled, and the next turn may have begun on what it made.
            return None
        if owners[0][0] != owner:
            raise TakenOver
        return _write_history(checkpoints, turn, messages, base, encoded)

    def record_end(execute: Execute, kept: list[Message], stored: list[Message], *, is_cut: bool) -> list[str]:
        """Returns the images that no message shows any more."""
        tokens = [part["token"] for one in stored for part in one["parts"] if part["type"] == "picture"]
        if tokens:
            mark_images_settled(execute, tokens)
        count_messages(execute, turn.conversation_id, len(kept) + len(stored))
        count_spent(execute, turn, spent)
        execute(
            "UPDATE turns SET over_at = ?, log = ? WHERE conversation_id = ? AND turn_id = ?",
            *(now_ms(), log, turn.conversation_id, turn.turn_id),
        )
        return images.abandon(execute, turn.conversation_id, [*kept, *stored]) if is_cut else []

    def whole(session: Session) -> None:
        if (written := write_history(session)) is None:
            return
        kept, stored = written
        with session.transaction() as execute:
            is_cut = record_texts(execute, turn.conversation_id, len(kept), _texts(stored))
            unseen = record_end(execute, kept, stored, is_cut=is_cut)
        images.remove(session, unseen)

    encoded: list[Any] | None = None
    if base is not None and len(base) + len(messages) > MANY_MESSAGES:
        # Others can write meanwhile.
        encoded = await asyncio.to_thread(checkpoints.encode, base + messages)
    if len(messages) <= MANY_MESSAGES:
        await database.run(whole)
        return
    if (written := await database.run(write_history)) is None:
        return
    kept, stored = written
    is_cut = False
    texts = await asyncio.to_thread(_texts, stored)
    for start in range(0, len(texts), PIECE):
        piece = texts[start : start + PIECE]
        place = len(kept) + start
        is_cut |= await database.transact(
            lambda execute, place=place, piece=piece: record_texts(  # type: ignore[misc]
                execute, turn.conversation_id, place, piece
            )
        )
    unseen = await database.transact(lambda execute: record_end(execute, kept, stored, is_cut=is_cut))
    if unseen:
        await database.run(lambda session: images.remove(session, unseen))


def _write_history(
    checkpoints: Checkpoints,
    turn: Turn,
    messages: list[Message],
    base: list[Message] | None,
    encoded: list[Any] | None,
) -> History:
    """The history up to the turn's messages, and these, as they are stored now."""
    if base is None:
        stored = checkpoints.read(turn.conversation_id)
        for position, message in enumerate(stored):
            if message["turn"] == turn.turn_id:
                # A process wrote them, and died before the rows were written.
                return stored[:position], stored[position:]
        base = stored[: bounded(turn.base_length)]
    checkpoints.write(turn.conversation_id, encoded or base + messages)
    # It may have fewer messages than `base_length`, which was counted from a row that may be damaged.
    return base, messages


def _texts(messages: list[Message]) -> list[str]:
    return [casefold(text_of(message)) for message in messages]
