"""One step's model call: what is sent, how often it is retried, and what follows from its answer."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

from .. import tracing
from ..concurrency import in_thread
from ..errors import ContextExceeded, RefusedTool, UpstreamError
from ..events import Progress, ToolReturned
from ..messages import MANY_MESSAGES, Message
from ..storage import Exchange
from ..storage.exchanges import exchanges
from ..turn.budget import ChatCall
from ..upstream.chat.completion import Completion
from ..upstream.chat.fitting import fitted, plain
from ..upstream.chat.request import request_body
from ..upstream.chat.splicing import Spliced, of_request
from ..upstream.chat.window import shape_of, window_messages
from ..upstream.refused import log_refusal
from ..upstream.retry import RetryBudget
from ..upstream.wires import COMPLETIONS
from .call_ids import CallIds
from .context import ChatContext
from .context_window import Room, trim
from .offered_tools import drop_refused, schemas

CUT_OFF = "The answer reached its token limit, so this call was not made."
NO_MORE_CALLS = "No more calls are allowed in this turn (AGENT_MAX_STEPS)."
log = logging.getLogger("mockbackend.turn")


async def run_model_step(chat: ChatContext, messages: list[Message]) -> None:
    """Call the model after these messages of the turn, with retries for as long as nothing of its answer has come.

    Raises UpstreamError.
    """
    with chat.upstream.span("chat") as span:
        completion = await _completed(chat, messages)
        tracing.answered(span, completion.finish, completion.usage.prompt, completion.usage.completion)
        tracing.responded(span, completion.model, completion.response_id, completion.first_chunk_seconds)


async def _completed(chat: ChatContext, said: list[Message]) -> Completion:
    answer, upstream = chat.answer, chat.upstream
    model = upstream.engine.chat
    if answer.between_steps:
        answer.begin_step()
    last_step = answer.steps >= chat.settings.agent_max_steps
    if len(said) > MANY_MESSAGES:
        history, taken_ids = await in_thread(lambda: _history(chat, said), "exchanges")
    else:
        history, taken_ids = _history(chat, said)
    shape = shape_of(chat.settings)
    retry_budget = RetryBudget(chat.settings.upstream_max_tries, chat.settings.upstream_max_wait_seconds)
    room = Room(upstream.learned(model), chat.settings.chat_max_tokens, chat.systems)
    window = _announced(chat, trim(history, room.context_tokens))
    is_plain = False
    while True:
        completion = COMPLETIONS[model.api](upstream, answer.emit, taken_ids)
        messages = await window_messages(window, chat.systems, chat.load_image, shape)
        tools = schemas(chat)
        request = request_body(chat.settings, messages, tools, room.answer(window), may_call=not last_step)
        call = ChatCall(answer, chat.systems, window)
        await chat.budget.begin(call)
        try:
            sent = await of_request(request, partial(plain, request)) if is_plain else request
            await completion.read(sent)
        except ContextExceeded as error:
            if completion.has_output:
                raise
            call.fail()
            if not room.learn_answer(error, window):
                window = _announced(chat, room.narrower(window, error))
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
                if isinstance(error, RefusedTool) and drop_refused(chat, error):
                    continue
                if error.refused:
                    # What came inside a 200; refusals by their status have been tried by now. `fitted` raises the error
                    # again if the question shows an image to a model that takes none.
                    as_sent = partial(fitted, request, upstream.learned(model))
                    if not is_plain and await upstream.learn(error, model, await of_request(request, as_sent)):
                        continue
                    if drop_refused(chat, error):
                        continue
                    shorter = window if not is_plain else window[-1:]
                    is_mock = chat.settings.engine == "emulator"
                    if (is_plain and len(shorter) == len(window)) or (is_mock and _is_one_question(messages)):
                        await of_request(request, partial(log_refusal, error, messages))
                        raise
                    log.warning(
                        "the model API refused the request; it is asked in %s",
                        "fewer words" if is_plain else "plain words",
                    )
                    window = shorter if shorter is window else _announced(chat, shorter)
                    is_plain = True
                    continue
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


def _history(chat: ChatContext, said: list[Message]) -> tuple[list[Exchange], CallIds]:
    """The history with these messages of the turn, and the ids of its calls."""
    history = [*chat.base, *exchanges(said, chat.answer.turn.base_length)]
    return history, CallIds(history)


def _is_one_question(messages: list[dict[str, Any] | Spliced]) -> bool:
    """Whether this is a first message in words. A mock that refuses it is not asked again: its calls are counted."""
    said = [message for message in messages if isinstance(message, Spliced) or message["role"] != "system"]
    # What is spliced has a question of its own.
    return len(said) == 1 and not isinstance(said[0], Spliced) and isinstance(said[0]["content"], str)


def _announced(chat: ChatContext, window: list[Exchange]) -> list[Exchange]:
    """The window, which is what is sent of the history; an event says how much is left out."""
    if left_out := window[0].position:
        chat.answer.emit(Progress("context", {"leftOut": left_out}))
    return window


def _end(chat: ChatContext, completion: Completion, *, last_step: bool) -> None:
    """Run the completion's tool calls next, or end the step."""
    answer = chat.answer
    # Whole calls run whatever the engine calls the end of an answer.
    calls = completion.tool_calls.parsed() if completion.finish != "content-filter" else []
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
