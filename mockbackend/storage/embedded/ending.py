"""The end of a turn: the saver first, then the rows.

A turn of very many messages, as an imported conversation has, is recorded in pieces, between which others can write.
The turn's row is over with the last of them: a crash in between is finished as any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...messages import Message, is_long, now_ms, text_of
from ..bounds import bounded
from ..casefold import casefold
from ..exchanges import Exchange, placed_at
from ..spending import Spent
from ..values import TakenOver, Turn
from .checkpoints import Checkpoints
from .conversations import count_messages
from .database import Database, Session
from .exchanges import keep
from .images import Images, settle_images
from .recent import Recent
from .spending import count_spent
from .sqlite import Execute
from .words import record_texts

PIECE = 250


class _Written(NamedTuple):
    """How many messages are before the turn's, and the turn's."""

    base: int
    messages: list[Message]


async def end_turn(
    database: Database,
    checkpoints: Checkpoints,
    recent: Recent,
    images: Images,
    owner: str,
    turn: Turn,
    messages: list[Message],
    log: bytes,
    spent: Spent,
    exchanges: Sequence[Exchange],
    *,
    is_taken_over: bool,
) -> None:
    """Settle the owner's turn with these messages. One that was taken over may have been settled in part."""

    def write_history(session: Session) -> _Written | None:
        owners = session.execute(
            "SELECT owner FROM turns WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL",
            *(turn.conversation_id, turn.turn_id),
        )
        if not owners:
            # It has been settled, and the next turn may have begun on what it made.
            return None
        if owners[0][0] != owner:
            raise TakenOver
        found = _find(checkpoints, turn) if is_taken_over else None
        if found is None:
            # It may be less than `base_length`, which was counted from a row that may be damaged.
            base = checkpoints.write(turn.conversation_id, bounded(turn.base_length), encoded or messages)
            found = base, messages
        return _Written(*found)

    def record_end(execute: Execute, written: _Written) -> tuple[int | None, list[str]]:
        """Returns the history's version, and the images that no message shows any more."""
        base, stored = written
        unseen = settle_images(execute, turn.conversation_id, base, stored)
        version = count_messages(execute, turn.conversation_id, base + len(stored), stored[-1])
        count_spent(execute, turn, spent)
        execute(
            "UPDATE turns SET over_at = ?, log = ? WHERE conversation_id = ? AND turn_id = ?",
            *(now_ms(), log, turn.conversation_id, turn.turn_id),
        )
        return version, unseen

    def whole(session: Session) -> None:
        if (written := write_history(session)) is None:
            return
        place, found = _kept(written.base, exchanges)
        with session.transaction() as execute:
            record_texts(execute, turn.conversation_id, written.base, _texts(written.messages))
            first = keep(execute, turn.conversation_id, place, found)
            version, unseen = record_end(execute, written)
        if version is not None:
            recent.end(first, version, place, found)
        images.remove(session, unseen)

    # A long history of before may be kept with a short turn.
    if not is_long(messages) and len(exchanges) <= PIECE:
        encoded: list[Any] | None = None
        await database.run(whole)
        return
    # Others can write meanwhile.
    encoded = await asyncio.to_thread(checkpoints.encode, messages)
    if (written := await database.run(write_history)) is None:
        return
    texts = await asyncio.to_thread(_texts, written.messages)
    for start in range(0, len(texts), PIECE):
        piece, place = texts[start : start + PIECE], written.base + start
        await database.transact(
            lambda execute, place=place, piece=piece: record_texts(  # type: ignore[misc]
                execute, turn.conversation_id, place, piece
            )
        )
    place, found = _kept(written.base, exchanges)
    # At least once: without any, those that were kept of what is replaced go.
    for start in range(0, max(1, len(found)), PIECE):
        some = found[start : start + PIECE]
        place = some[0].position if some else place
        await database.transact(
            lambda execute, place=place, some=some: keep(execute, turn.conversation_id, place, some)  # type: ignore[misc]
        )
    _, unseen = await database.transact(lambda execute: record_end(execute, written))
    if unseen:
        await database.run(lambda session: images.remove(session, unseen))


def _find(checkpoints: Checkpoints, turn: Turn) -> tuple[int, list[Message]] | None:
    """How much is before what a process wrote that died before the rows were written, and its messages."""
    base, stored = checkpoints.last_turn(turn.conversation_id)
    for index, message in enumerate(stored):
        if message["turn"] == turn.turn_id:
            return base + index, stored[index:]
    return None


def _kept(base: int, exchanges: Sequence[Exchange]) -> tuple[int, Sequence[Exchange]]:
    """From which place on what was kept is replaced, and by which exchanges: none where they have other places."""
    found = placed_at(base, exchanges)
    return min(base, found[0].position) if found else base, found


def _texts(messages: list[Message]) -> list[str]:
    return [casefold(text_of(message)) for message in messages]
