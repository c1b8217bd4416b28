"""The end of a turn whose process died before it could store one."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace

from ..estimates import estimated_tokens
from ..events import DAMAGED, Event, OrderError, TurnEnded, dump, joined, load
from ..log import fields
from ..metrics import TAKEOVERS
from ..storage import DamagedHistory, HistoryChanged, RunningTurn, Spent, Storage
from .answer import Answer

NOTHING_SAID = dump([])
log = logging.getLogger("mockbackend.turn")


async def recover(storage: Storage, running: RunningTurn) -> None:
    """Settle a dead process's turn and mark its answer incomplete. Does nothing if another process was quicker."""
    if not await storage.turns.take_over(running):
        return
    TAKEOVERS.inc()
    answer = interrupted(running)
    turn = running.turn
    events = [*answer.events, TurnEnded(answer.finish or "stop", answer.usage)]
    spent = await _spent(storage, running)
    await storage.turns.end(turn, [answer.message()], dump(joined(events)), spent)
    log.info(
        "recovered a turn that its process left: conversation=%s turn=%s",
        *(turn.conversation_id, turn.turn_id),
        extra=fields(turn=turn.turn_id, conversation=turn.conversation_id),
    )


async def _spent(storage: Storage, running: RunningTurn) -> Spent:
    """What the turn has spent, as its process has written it. Before the first of that it is estimated here."""
    turn, written = running.turn, running.spent
    if written.images or (written.input_tokens and running.log != NOTHING_SAID):
        return written
    asked = sum(map(estimated_tokens, turn.new_messages))
    # Nobody else changes it now.
    with contextlib.suppress(DamagedHistory, HistoryChanged):
        async for messages in storage.history.pieces(turn.conversation_id, length=turn.base_length):
            asked += sum(map(estimated_tokens, messages))
    return replace(written, input_tokens=max(written.input_tokens, asked))


def interrupted(running: RunningTurn) -> Answer:
    """The answer that the log of a turn holds, ended as if it had been stopped."""
    answer = Answer(running.turn)
    answer.stop.request("crash")
    for event in _logged(running):
        try:
            answer.emit(event)
        except OrderError:
            log.warning("a turn's log holds an event out of order: %s", type(event).__name__)
    if not answer.events:
        answer.begin_step()
    answer.end_stopped()
    return answer


def _logged(running: RunningTurn) -> list[Event]:
    try:
        return load(running.log)
    except DAMAGED as error:
        kind = type(error).__name__
        log.error("the log of turn %s is damaged (%s): its answer is lost", running.turn.turn_id, kind)
        return []
