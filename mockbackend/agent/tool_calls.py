"""One tool call, run to its result."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import orjson
from langchain_core.tools import BaseTool, ToolException
from pydantic import ValidationError

from .. import log as logs
from .. import metrics, tracing
from ..errors import TurnError, in_seconds
from ..events import ToolCalled, ToolReturned
from ..storage import traceback_of
from ..upstream.chat.tool_calls import is_too_deep
from .context import ChatContext
from .data_parts import CallParts
from .played import played_call
from .tools import invoke, offered

# A tool that asks is not offered to a front end that cannot ask its user. A script calls it all the same.
NOT_ASKED = (
    "This call asks for approval, and its front end cannot ask: that takes approvals: true in the body, and the UI "
    "message stream (?protocol=ui). It was not run."
)
log = logging.getLogger("mockbackend.turn")


async def run_tool_call(chat: ChatContext, call: ToolCalled, problem: str | None) -> None:
    """Run one call; whatever goes wrong becomes a result that the model reads."""
    is_approved = chat.answer.is_approved(call.call_id)
    # One that the user has said yes to was offered, and counted when it was asked for.
    tools = {one.name: one for one in offered(chat.services, approvals=chat.approvals or is_approved)}
    chat.tool_calls += not is_approved
    limit = chat.settings.max_tool_calls_per_turn
    if chat.tool_calls > limit:
        problem = f"No more tool calls are allowed in this turn (MAX_TOOL_CALLS_PER_TURN is {limit})."
    played = played_call(chat, call.call_id) if problem is None else None
    if played and played.approval and not is_approved:
        problem = NOT_ASKED
    elif played:
        chat.answer.emit(ToolReturned(call.call_id, played.result))
        return
    names = [*tools, *(tool.name for tool in chat.client_tools)]
    if problem is None and call.name not in tools:
        problem = f"There is no tool named {call.name!r}. The tools are: {', '.join(names)}."
    result: Any = None
    if problem is None:
        with tracing.tool(call.name, call.call_id) as span:
            result, problem = await _result(chat, tools[call.name], call)
            span.set({"error.type": None if problem is None else "tool_error"})
    # Another name is the model's invention, or a client's.
    name = call.name if call.name in tools else "unknown"
    metrics.TOOLS.inc(name, "ok" if problem is None else "error")
    if problem is not None:
        # A file's name, say, may hold half a character, which JSON cannot.
        problem = problem.encode(errors="replace").decode()
        outcome = logs.fields(tool=name, outcome="error")
        log.info("tool %s returned an error of %d characters", name, len(problem), extra=outcome)
        log.debug("tool %s: %s", call.name, problem)
        chat.answer.emit(ToolReturned(call.call_id, {"error": problem}, failed=True))
        return
    log.info("tool %s done", name, extra=logs.fields(tool=name, outcome="ok"))
    chat.answer.emit(ToolReturned(call.call_id, result))


async def _result(chat: ChatContext, tool: BaseTool, call: ToolCalled) -> tuple[Any, str | None]:
    """What the tool returned, as JSON, or what went wrong."""
    limit = asyncio.timeout(chat.settings.tool_timeout_seconds)
    parts = CallParts(chat.data_parts, call.call_id)
    services = replace(chat.services, show=parts.show)
    try:
        async with limit:
            returned = await invoke(tool, call.args, {"configurable": {"services": services}})
        # Only JSON can be stored and sent.
        result = orjson.loads(orjson.dumps(returned, default=str, option=orjson.OPT_NON_STR_KEYS))
        if is_too_deep(result):
            raise ToolException("What the tool returned is nested too deeply.")
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return None, f"The arguments are invalid: {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}."
    except (ToolException, TurnError) as error:
        return None, str(error)
    except (Exception, SystemExit) as error:
        if isinstance(error, TimeoutError) and limit.expired():
            seconds = in_seconds(chat.settings.tool_timeout_seconds)
            return None, f"The tool returned no result within {seconds} (TOOL_TIMEOUT_SECONDS)."
        trace = traceback_of(error) if isinstance(error, Exception) else error
        log.warning("tool %s failed: %s", tool.name, error, exc_info=trace)
        return None, f"The tool failed: {type(error).__name__}."
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled this call: something inside the tool cancelled itself.
        log.warning("tool %s failed", tool.name, exc_info=error)
        return None, "The tool failed: it was cancelled."
    finally:
        parts.end()
    return result, None
