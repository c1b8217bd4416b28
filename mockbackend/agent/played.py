"""Tool calls that a script of the mock plays."""

from __future__ import annotations

from ..events import EngineData
from ..mock.played_calls import PLAYED_CALLS, PlayedCall
from .context import ChatContext


def played_call(chat: ChatContext, call_id: str) -> PlayedCall | None:
    """What a script says of that call; None where a tool runs. It is with the answer, so it outlasts a wait."""
    if not chat.upstream.is_emulated:
        return None
    said = (event.data.get(PLAYED_CALLS, {}) for event in chat.answer.events if isinstance(event, EngineData))
    return next((PlayedCall(**calls[call_id]) for calls in said if call_id in calls), None)
