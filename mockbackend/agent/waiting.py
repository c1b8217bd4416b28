"""Which calls wait for the turn's client: those of its own tools, and those that its user is to say yes to."""

from __future__ import annotations

import logging

from ..events import ApprovalAsked, Event, ResultAwaited, Source, ToolCalled
from ..mock import drawn
from ..turn.answer import Answer
from .context import ChatContext
from .played import played_call
from .tools import declaration

log = logging.getLogger("mockbackend.turn")


def left_open(chat: ChatContext, call: ToolCalled, problem: str | None) -> Event | None:
    """The event that leaves a call open; None where it runs at once, has an answer, or cannot run."""
    if problem is not None or chat.tool_calls >= chat.settings.max_tool_calls_per_turn:
        return None
    opening: Event | None = None
    if played := played_call(chat, call.call_id):
        if played.client:
            opening = ResultAwaited(call.call_id)
        elif played.approval and chat.approvals and not chat.answer.is_approved(call.call_id):
            opening = _asked(call)
    elif any(tool.name == call.name for tool in chat.client_tools) or declaration(call.name).client:
        opening = ResultAwaited(call.call_id)
    elif chat.approvals and not chat.answer.is_approved(call.call_id) and _asks(call, chat.answer):
        opening = _asked(call)
    chat.tool_calls += opening is not None
    return opening


def _asked(call: ToolCalled) -> ApprovalAsked:
    return ApprovalAsked(call.call_id, f"approval-{drawn.uuid().hex}")


def _asks(call: ToolCalled, answer: Answer) -> bool:
    """Whether the user is asked before this call runs."""
    match declaration(call.name).approval:
        case None:
            return False
        case "always":
            return True
        case "after_documents":
            return _has_read(answer)
        case asks:
            try:
                return bool(asks(call.args))
            except Exception:
                log.exception("the approval of tool %s cannot be decided: its user is asked", call.name)
                return True


def _has_read(answer: Answer) -> bool:
    """Whether the turn has read what an uploaded text or a page says."""
    parts = (part for message in answer.turn.new_messages for part in message["parts"])
    return any(part["type"] == "attachment" for part in parts) or any(
        isinstance(event, Source) for event in answer.events
    )
