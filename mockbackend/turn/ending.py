"""The one way a turn ends: checkpoint first, then, in one transaction, the rows of its conversation and its own.

Both may be made twice, so a crash between the two is finished by whoever comes next: `recover`.
"""

from __future__ import annotations

import logging
from typing import Any

from ..events import Event, OrderError, TurnEnded, dump, load
from ..messages import Message, text_of
from ..storage import Storage
from ..storage.embedded.turns import Turn
from .answer import Answer
from .history import History

log = logging.getLogger("mockbackend.turn")


async def settle(
    storage: Storage, history: History, turn: Turn, update: dict[str, Any], events: list[Event], *, written: bool
) -> None:
    """Store the end of a turn; `written` says that the graph has put the update into the checkpoint already.

    `events` are the whole turn's, its last included, for those who follow from another process.
    """
    if not written:
        await history.write(turn.conversation_id, update)
    messages: list[Message] = update["messages"]
    texts = [text_of(message) for message in messages]
    tokens = [part["token"] for message in messages for part in message["parts"] if part["type"] == "picture"]
    await storage.turns.end(turn, texts, tokens, dump(events))


async def recover(storage: Storage, history: History, turn: Turn) -> bool:
    """Fold a dead process's turn into the history, marked incomplete; False where another process took it over."""
    if not await storage.turns.take_over(turn):
        return False
    stored = await history.read(turn.conversation_id)
    found = [message for message in stored if message["turn"] == turn.turn_id]
    answer = interrupted(turn)
    update = {"keep": turn.base_length, "messages": stored[turn.base_length :]} if found else answer.history_update()
    events = [*answer.events, TurnEnded("stop", answer.usage)]
    await settle(storage, history, turn, update, events, written=bool(found))
    log.info("recovered a turn that its process left: conversation=%s turn=%s", turn.conversation_id, turn.turn_id)
    return True


def interrupted(turn: Turn) -> Answer:
    """The answer of a turn as its log has it, ended as one that was stopped."""
    answer = Answer(turn.turn_id, turn.message_id, turn.started_at, turn.base_length, turn.new_messages)
    answer.stop.request("crash")
    for event in load(turn.log):
        _replay(answer, event)
    if not answer.events:
        answer.begin_step()
    answer.end_stopped()
    return answer


def _replay(answer: Answer, event: Event) -> None:
    try:
        answer.emit(event)
    except OrderError:
        log.warning("a turn's log holds an event out of order: %s", type(event).__name__)
