"""The end of a turn: the saver first, then the rows.

A turn of very many messages, as an imported conversation has, is recorded in pieces, between which others can write.
The turn's row is over with the last of them: a crash in between is finished as any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
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


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """How a turn ends: its messages, and what else is stored of it.

    One that was taken over may have been settled in part.
    """

    turn: Turn
    messages: list[Message]
    log: bytes
    spent: Spent
    exchanges: Sequence[Exchange]
    is_taken_over: bool

    @property
    def is_long(self) -> bool:
        """Whether it is written in pieces. A long history of before may be kept with a short turn."""
        return is_long(self.messages) or len(self.exchanges) > PIECE


class TurnEnder:
    """The ends of this owner's turns."""

    def __init__(
        self, database: Database, checkpoints: Checkpoints, recent: Recent, images: Images, owner: str
    ) -> None:
        self._database = database
        self._checkpoints = checkpoints
        self._recent = recent
        self._images = images
        self._owner = owner

    async def settle(self, end: TurnEnd) -> None:
        """Settle a turn. Raises TakenOver."""
        if end.is_long:
            await self._settle_in_pieces(end)
        else:
            await self._database.run(lambda session: self._settle(session, end))

    def _settle(self, session: Session, end: TurnEnd) -> None:
        written = self._write_history(session, end, end.messages)
        if written is None:
            return
        place, exchanges = _kept(written.base, end.exchanges)
        with session.transaction() as execute:
            record_texts(execute, end.turn.conversation_id, written.base, _texts(written.messages))
            first = keep(execute, end.turn.conversation_id, place, exchanges)
            version, unseen = _record_end(execute, end, written)
        if version is not None:
            self._recent.end(first, version, place, exchanges)
        self._images.remove(session, unseen)

    async def _settle_in_pieces(self, end: TurnEnd) -> None:
        database, conversation_id = self._database, end.turn.conversation_id
        # Others can write meanwhile.
        encoded = await asyncio.to_thread(self._checkpoints.encode, end.messages)
        written = await database.run(lambda session: self._write_history(session, end, encoded))
        if written is None:
            return
        texts = await asyncio.to_thread(_texts, written.messages)
        for start in range(0, len(texts), PIECE):
            place, some = written.base + start, texts[start : start + PIECE]
            await database.transact(partial(record_texts, conversation_id=conversation_id, length=place, texts=some))
        place, exchanges = _kept(written.base, end.exchanges)
        # At least once: without any, those that were kept of what is replaced go. `recent` keeps what it has, which no
        # longer fits the version.
        for start in range(0, max(1, len(exchanges)), PIECE):
            piece = exchanges[start : start + PIECE]
            place = piece[0].position if piece else place
            await database.transact(partial(keep, conversation_id=conversation_id, place=place, exchanges=piece))
        _, unseen = await database.transact(lambda execute: _record_end(execute, end, written))
        if unseen:
            await database.run(lambda session: self._images.remove(session, unseen))

    def _write_history(self, session: Session, end: TurnEnd, messages: list[Any]) -> _Written | None:
        """Write the messages, as they are or encoded; None if the turn has been settled."""
        turn = end.turn
        owners = session.execute(
            "SELECT owner FROM turns WHERE conversation_id = ? AND turn_id = ? AND over_at IS NULL",
            *(turn.conversation_id, turn.turn_id),
        )
        if not owners:
            # The next turn may have begun on what it made.
            return None
        if owners[0][0] != self._owner:
            raise TakenOver
        found = _find(self._checkpoints, turn) if end.is_taken_over else None
        if found is not None:
            return found
        # It may be less than `base_length`, which was counted from a row that may be damaged.
        base = self._checkpoints.write(turn.conversation_id, bounded(turn.base_length), messages)
        return _Written(base, end.messages)


def _record_end(execute: Execute, end: TurnEnd, written: _Written) -> tuple[int | None, list[str]]:
    """Returns the history's version, and the images that no message shows any more."""
    turn, (base, messages) = end.turn, written
    unseen = settle_images(execute, turn.conversation_id, base, messages)
    version = count_messages(execute, turn.conversation_id, base + len(messages), messages[-1])
    count_spent(execute, turn, end.spent)
    execute(
        "UPDATE turns SET over_at = ?, log = ? WHERE conversation_id = ? AND turn_id = ?",
        *(now_ms(), end.log, turn.conversation_id, turn.turn_id),
    )
    return version, unseen


def _find(checkpoints: Checkpoints, turn: Turn) -> _Written | None:
    """How much is before what a process wrote that died before the rows were written, and its messages."""
    base, stored = checkpoints.last_turn(turn.conversation_id)
    for index, message in enumerate(stored):
        if message["turn"] == turn.turn_id:
            return _Written(base + index, stored[index:])
    return None


def _kept(base: int, exchanges: Sequence[Exchange]) -> tuple[int, Sequence[Exchange]]:
    """From which place on what was kept is replaced, and by which exchanges: none where they have other places."""
    found = placed_at(base, exchanges)
    return min(base, found[0].position) if found else base, found


def _texts(messages: list[Message]) -> list[str]:
    return [casefold(text_of(message)) for message in messages]
