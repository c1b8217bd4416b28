"""The contract for turns: those that run, of all processes, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..messages import Message
from .exchanges import Exchange, Window
from .spending import ClaimLimits, Spent
from .values import Beat, Claim, Conversation, FollowedTurn, RunningTurn, Turn


class TurnFollower(Protocol):
    """One reader of a turn's log, as it grows."""

    async def read(self) -> FollowedTurn | None:
        """The turn by now; it may have ended. None if its row is gone."""


class Turns(Protocol):
    """The turns that run, of all processes; each has one row, the write-ahead log of the history."""

    async def begin(
        self,
        userid: str,
        conversation_id: str,
        title: str,
        place: Callable[[Conversation], Turn | None],
        *,
        limits: ClaimLimits,
        with_base: bool,
        window: Window | None = None,
    ) -> tuple[Conversation | None, Claim | None]:
        """The conversation's row, made if it is missing, and the claim of the turn that `place` makes of it.

        The row is None if the id is another user's or is being deleted; the claim is None if `place` returns None, if
        another turn runs, or if a row has the turn's id. If `place` raises, nothing is stored. It may be called on
        another thread, and more than once. With `with_base`, the claim has the messages before the turn's; with
        `window` as well it has the newest exchanges of them that fit, if they are known. A claim is withdrawn if its
        caller is cancelled. Raises TooManyTurns, TooManyConversations, DayLimitReached, and with `with_base`
        DamagedHistory.
        """

    async def claim(
        self,
        turn: Turn,
        conversation: Conversation,
        title: str,
        *,
        limits: ClaimLimits,
        with_base: bool,
        window: Window | None = None,
    ) -> Claim | None:
        """Write the row of a turn whose place was found in the history, read after that row of its conversation.

        With `with_base`, the claim has what `begin` gives with its base. None if another turn runs, if a row has the
        turn's id, or if the conversation has another version by now. Raises TooManyTurns and DayLimitReached.
        """

    async def outline(self, conversation_id: str) -> list[list[str]] | None:
        """The ids of the settled messages, a list for each exchange; None if some are not known."""

    async def running(self, conversation_id: str) -> RunningTurn | None:
        """The conversation's turn that is not over."""

    async def unfinished(self) -> list[RunningTurn]:
        """Every turn that is not over, of all processes. A damaged row is logged and left out."""

    async def recoverable(self) -> list[str]:
        """The conversations of turns that this process may have to settle: its own, and those of dead processes."""

    def follow(self, turn: Turn) -> TurnFollower:
        """What reads the log of a turn that another process runs."""

    async def take_over(self, running: RunningTurn) -> bool:
        """Claim a turn whose process is dead. False if another process was quicker."""

    async def request_stop(self, turn: Turn) -> None:
        """Ask the process that runs the turn to end it."""

    async def beat(self) -> Beat:
        """Delete the rows of turns long over; return which of this process's turns others care about.

        One has to stop if another process has asked for it, or may have taken it over. One is followed for a few
        seconds after each read of its log.
        """

    async def write_logs(self, logs: list[tuple[Turn, bytes, Spent]]) -> None:
        """Write what these turns of this process have said and spent so far. A turn that is over stays as it is."""

    async def spend(self, turn: Turn, spent: Spent) -> Spent:
        """Write what a turn of this process spends; what its user has spent on its day without it.

        What other running turns have written of theirs is included, in whichever process they run.
        """

    async def end(
        self, turn: Turn, answers: list[Message], log: bytes, spent: Spent, exchanges: Sequence[Exchange] = ()
    ) -> None:
        """Settle a turn of this process: its new messages and `answers` follow its base, and it is over.

        What it has spent is counted, once, and stays counted when the conversation is deleted. Images in its messages
        are kept from now on, and those that only replaced messages showed are removed. `log` is the whole turn, for
        readers in other processes. `exchanges` are its messages', perhaps after those of the whole history before it:
        what claims get of them. If a process died in the middle of this, the messages that it wrote stay. Does nothing
        if the turn is over already, or gone. Raises DamagedHistory, and TakenOver if the turn is not this process's, or
        not any more.
        """

    async def give_up(self, turn: Turn, log: bytes, spent: Spent) -> None:
        """Leave a turn of this process to any: its end could not be stored. With all that it has said and spent."""
