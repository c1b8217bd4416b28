"""One step's model call: what is sent, how often it is retried, and what follows from its answer."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from .. import tracing
from ..errors import ContextExceeded, UpstreamError
from ..estimates import estimated_tokens
from ..events import Progress, ToolReturned
from ..messages import Message, without_commands
from ..turn.budget import ChatCall
from ..upstream.chat.completion import Completion
from ..upstream.chat.request import request_body, wire_messages
from ..upstream.retry import RetryBudget
from ..upstream.wires import COMPLETIONS
from .context import ChatContext
from .context_window import trim
from .tools import offered, schema

# Below this, the last turn alone does not fit.
MIN_WINDOW_TOKENS = 16
CUT_OFF = "The answer reached its token limit, so this call was not made."
NO_MORE_CALLS = "No more calls are allowed in this turn (AGENT_MAX_STEPS)."
MESSAGE_TOO_LONG = "Your message is longer than this model can read. Please shorten it."
log = logging.getLogger("mockbackend.turn")


async def run_model_step(chat: ChatContext, history: list[Message]) -> None:
    """Call the model, with retries for as long as nothing of its answer has come. Raises UpstreamError."""
    with chat.upstream.span("chat") as span:
        completion = await _completed(chat, history)
        tracing.answered(span, completion.finish, completion.usage.prompt, completion.usage.completion)


async def _completed(chat: ChatContext, history: list[Message]) -> Completion:
    answer = chat.answer
    if answer.between_steps:
        answer.begin_step()
    last_step = answer.steps >= chat.settings.agent_max_steps
    taken_ids = {part["id"] for message in history for part in message["parts"] if part["type"] == "tool"}
    retry_budget = RetryBudget(chat.settings.upstream_max_tries, chat.settings.upstream_max_wait_seconds)
    window = _announced(chat, history, trim(history, chat.upstream.context_tokens))
    while True:
        completion = COMPLETIONS[chat.upstream.engine.chat.api](chat.upstream, answer.emit, taken_ids)
        request = await _request(chat, window, last_step=last_step)
        call = ChatCall(answer, chat.systems, window)
        await chat.budget.begin(call)
        try:
            await completion.read(request)
        except ContextExceeded as error:
            if completion.has_output:
                raise
            call.fail()
            window = _announced(chat, history, _narrower(chat, window, error))
            continue
        except asyncio.CancelledError:
            # Some engines have counted before their end.
            call.end(completion.usage)
            raise
        except UpstreamError as error:
            if error.costs or completion.has_output:
                call.end(completion.usage)
            else:
                call.fail()
            if completion.finish is None:
                if completion.has_output:
                    raise
                attempt = retry_budget.attempt
                wait = retry_budget.wait(error)
                answer.emit(Progress("retry", {"attempt": attempt, "waitSeconds": round(wait, 3)}))
                await asyncio.sleep(wait)
                continue
            log.info("the stream broke after the end of its answer")
        else:
            call.end(completion.usage)
        _end(chat, completion, last_step=last_step)
        return completion


def _announced(chat: ChatContext, history: list[Message], window: list[Message]) -> list[Message]:
    """The window, which is what is sent of the history; an event says how much is left out."""
    if len(window) < len(history):
        chat.answer.emit(Progress("context", {"leftOut": len(history) - len(window)}))
    return window


def _narrower(chat: ChatContext, window: list[Message], error: ContextExceeded) -> list[Message]:
    """A narrower window than the refused one; raises the error if the last turn alone is too long.

    What the model says it can read is remembered. That this window's estimate was too low is not: others may be right.
    """
    known = chat.upstream.context_tokens
    if error.limit:
        known = chat.upstream.context_tokens = min(error.limit, known or error.limit)
    tokens = known or sum(estimated_tokens(message) for message in window)
    while len(narrower := trim(window, tokens)) == len(window):
        tokens = tokens * 4 // 5
        if tokens < MIN_WINDOW_TOKENS:
            raise UpstreamError(MESSAGE_TOO_LONG) if len(window) == 1 else error
    if not error.limit:
        chat.upstream.context_tokens = tokens
    return narrower


def _end(chat: ChatContext, completion: Completion, *, last_step: bool) -> None:
    """Run the completion's tool calls next, or end the step."""
    answer = chat.answer
    calls = completion.tool_calls.parsed() if completion.finish in ("tool-calls", "stop", "length") else []
    for call, _ in calls:
        answer.emit(call)
    if calls and not last_step and completion.finish != "length":
        chat.calls, chat.usage = calls, completion.usage
        return
    reason = CUT_OFF if completion.finish == "length" else NO_MORE_CALLS
    for call, _ in calls:
        answer.emit(ToolReturned(call.call_id, {"error": reason}, failed=True))
    chat.calls = []
    answer.close_calls()
    finish = completion.finish or "other"
    answer.end_step("length" if finish == "tool-calls" else finish, completion.usage)


async def _request(chat: ChatContext, history: list[Message], *, last_step: bool) -> dict[str, Any]:
    if chat.settings.engine == "emulator":
        history = [without_commands(message) for message in history]
    messages = await wire_messages(history, chat.systems, chat.load_image)
    tools = [schema(one.name) for one in offered(chat.services)]
    return request_body(chat.settings, messages, tools, may_call=not last_step)
