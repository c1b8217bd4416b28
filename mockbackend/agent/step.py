"""One step's model call: what is sent, how often it is tried, and what follows from its answer."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from ..errors import ContextExceeded, UpstreamError
from ..events import Progress, ToolReturned
from ..messages import Message
from ..upstream.chat.completion import Completion
from ..upstream.chat.request import wire_messages
from ..upstream.retry import RetryBudget
from .context import ChatContext
from .context_window import estimated_tokens, trim
from .tools import offered, schema

# A window smaller than this is none: the last turn alone does not fit.
SMALLEST_WINDOW = 16
MESSAGE_TOO_LONG = "Your message is longer than this model can read. Please shorten it."
log = logging.getLogger("mockbackend.turn")


async def run_model_step(chat: ChatContext, history: list[Message]) -> None:
    """Call the model, again while it has said nothing and asking again may help. Raises UpstreamError."""
    answer = chat.answer
    if answer.between_steps:
        answer.begin_step()
    last_step = answer.steps >= chat.settings.agent_max_steps
    taken_ids = {part["id"] for message in history for part in message["parts"] if part["type"] == "tool"}
    retry_budget = RetryBudget(chat.settings.upstream_max_tries, chat.settings.upstream_max_wait_seconds)
    window = _told(chat, history, trim(history, chat.upstream.context_tokens))
    while True:
        completion = Completion(chat.upstream, answer.emit, taken_ids)
        try:
            await completion.read(await _request(chat, window, last_step=last_step))
        except ContextExceeded as error:
            if completion.said_anything:
                raise
            window = _told(chat, history, _narrower(chat, window, error))
            continue
        except UpstreamError as error:
            if completion.finish is None:
                if completion.said_anything:
                    raise
                attempt = retry_budget.attempt
                wait = retry_budget.wait(error)
                answer.emit(Progress("retry", {"attempt": attempt, "waitSeconds": round(wait, 3)}))
                await asyncio.sleep(wait)
                continue
            log.info("the stream broke after its answer was whole")
        _end(chat, completion, last_step=last_step)
        return


def _told(chat: ChatContext, history: list[Message], window: list[Message]) -> list[Message]:
    """The window, which is what of the history is sent; the user is told where it is not all."""
    if len(window) < len(history):
        chat.answer.emit(Progress("context", {"leftOut": len(history) - len(window)}))
    return window


def _narrower(chat: ChatContext, window: list[Message], error: ContextExceeded) -> list[Message]:
    """Less than the window that was refused; raises the error where the last turn alone is too long.

    What the model can read is remembered. That our estimate of this window was too low is not: others may be closer.
    """
    known = chat.upstream.context_tokens
    if error.limit:
        known = chat.upstream.context_tokens = min(error.limit, known or error.limit)
    tokens = known or sum(estimated_tokens(message) for message in window)
    while len(narrower := trim(window, tokens)) == len(window):
        tokens = tokens * 4 // 5
        if tokens < SMALLEST_WINDOW:
            raise UpstreamError(MESSAGE_TOO_LONG) if len(window) == 1 else error
    if not error.limit:
        chat.upstream.context_tokens = tokens
    return narrower


def _end(chat: ChatContext, completion: Completion, *, last_step: bool) -> None:
    """What follows from a completion that was read to its end."""
    answer = chat.answer
    calls = completion.called() if completion.finish in ("tool-calls", "stop", "length") else []
    for call, _ in calls:
        answer.emit(call)
    if calls and not last_step and completion.finish != "length":
        chat.calls, chat.usage = calls, completion.usage
        return
    reason = "The answer broke off." if completion.finish == "length" else "No more calls are allowed in this turn."
    for call, _ in calls:
        answer.emit(ToolReturned(call.call_id, {"error": reason}, failed=True))
    chat.calls = []
    answer.close_calls()
    finish = completion.finish or "other"
    answer.end_step("length" if finish == "tool-calls" else finish, completion.usage)


async def _request(chat: ChatContext, history: list[Message], *, last_step: bool) -> dict[str, Any]:
    settings = chat.settings
    body: dict[str, Any] = {
        "messages": await wire_messages(history, chat.systems, chat.load_image),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    optional = {
        "temperature": settings.chat_temperature,
        "max_completion_tokens": settings.chat_max_tokens,
        "reasoning_effort": settings.chat_reasoning_effort or None,
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    if tools := [schema(one.name) for one in offered(chat.services)]:
        body |= {"tools": tools, **({"tool_choice": "none"} if last_step else {})}
    return body
