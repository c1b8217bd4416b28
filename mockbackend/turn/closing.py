"""The end of a wait that the user does not want to answer: what is open is closed, and no model is asked."""

from __future__ import annotations

from dataclasses import replace

from ..events import TurnEnded, dump, joined
from ..messages import Message, answer_events, now_ms
from ..mock import drawn
from ..settings import Settings
from ..storage import ClaimLimits, Conversation, Spent, Storage, Turn
from ..storage.exchanges import exchanges
from ..upstream.chat.window import kept, shape_of
from .answer import Answer
from .going_on import waiting

# No model is asked and no conversation made, so no limit is met.
_NO_LIMITS = ClaimLimits(running=2**31 - 1, conversations=2**31 - 1, estimate=Spent())


async def close_waiting(storage: Storage, settings: Settings, userid: str, conversation: Conversation) -> None:
    """Close the open calls of its last answer as not answered. Does nothing if it has changed by now."""
    last = storage.history.pieces(conversation.id, conversation.message_count - 2)
    found = waiting([message async for messages in last for message in messages])
    if found is None:
        return
    question, waited = found
    turn_id = drawn.uuid().hex
    asked: Message = {**question, "turn": turn_id}
    answer = Answer(
        Turn(
            *(userid, conversation.id, turn_id, waited["id"], now_ms(), ""),
            *(conversation.message_count - 2, [asked]),
            opening=dump(answer_events(waited)),
            turns=0,
        )
    )
    answer.stop.request("stopped")
    answer.end_stopped()
    # Whoever looks at the turn before its end finds it without a run, and settles it from its log: closed as well.
    turn = replace(answer.turn, opening=dump(joined(answer.events)))
    claim = await storage.turns.claim(turn, conversation, conversation.title, limits=_NO_LIMITS, with_base=False)
    if claim is None:
        return
    events = [*answer.events, TurnEnded("stop", answer.usage)]
    message, shape = answer.message(), shape_of(settings)
    new = [kept(one, shape) for one in exchanges([*turn.new_messages, message], turn.base_length)]
    await storage.turns.end(turn, [message], dump(joined(events)), Spent(), new)
