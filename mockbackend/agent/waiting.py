"""Which calls wait for the turn's client: those of its own tools, and those that its user is to say yes to."""

from __future__ import annotations

import logging

from ..events import ApprovalAsked, Event, ResultAwaited, Source, ToolCalled
from ..mock import drawn
from ..upstream.chat.request import ATTACHED
from .context import ChatContext
from .played import played_call
from .tools import declaration, search_documents

# How an attached text and a search stand in kept bytes.
_READ = (ATTACHED.encode(), b'"name":"%b"' % search_documents.name.encode())
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
    elif chat.approvals and not chat.answer.is_approved(call.call_id) and _asks(chat, call):
        opening = _asked(call)
    chat.tool_calls += opening is not None
    return opening


def _asked(call: ToolCalled) -> ApprovalAsked:
    return ApprovalAsked(call.call_id, f"approval-{drawn.uuid().hex}")


def _asks(chat: ChatContext, call: ToolCalled) -> bool:
    """Whether the user is asked before this call runs."""
    match declaration(call.name).approval:
        case None:
            return False
        case "always":
            return True
        case "after_documents":
            return _has_read(chat)
        case asks:
            try:
                return bool(asks(call.args))
            except Exception:
                log.exception("the approval of tool %s cannot be decided: its user is asked", call.name)
                return True


def _has_read(chat: ChatContext) -> bool:
    """Whether the model has before it what an uploaded text or a page says, of this turn or of one before."""
    if any(isinstance(event, Source) for event in chat.answer.events):
        return True
    messages = [*chat.answer.turn.new_messages, *(message for one in chat.base for message in one.messages)]
    if any(part["type"] in ("attachment", "source") for message in messages for part in message["parts"]):
        return True
    # Kept bytes have no parts. Who writes these words himself is asked once more than needed.
    return any(mark in one.wire for one in chat.base if one.wire for mark in _READ)
