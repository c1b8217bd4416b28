"""The graph: a model node, a tools node, an edge back. No node raises: a turn that ends badly ends as a message.

State is the conversation's messages as plain dicts; a node's update is absolute (`base_length` of the history, then
`messages`). What runs a turn comes as the run's context.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Any, TypedDict

import orjson
from langchain_core.tools import BaseTool, ToolException
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command
from langsmith import configure
from pydantic import ValidationError

from ..errors import TurnError
from ..events import ToolCalled, ToolReturned
from ..messages import Message
from ..turn.answer import Answer, guarded
from ..upstream.chat.completion import DEEPEST, is_deeper
from .context import ChatContext
from .step import run_model_step
from .tools import invoke, offered

MODEL, TOOLS = "model", "tools"
log = logging.getLogger("mockbackend.turn")


def apply_update(history: list[Message], update: dict[str, Any]) -> list[Message]:
    """The reducer: what the update keeps of the history, and then its messages."""
    kept: list[Message] = history[: update["keep"]]
    return kept + list(update["messages"])


class State(TypedDict):
    """The graph's state: a conversation's settled messages."""

    messages: Annotated[list[Message], apply_update]


Graph = CompiledStateGraph[State, ChatContext, State, State]


def compile_graph(checkpointer: BaseCheckpointSaver[Any] | None = None) -> Graph:
    """Build the graph, once for the process's life; a turn's run needs no checkpointer, since storage has its end."""
    # What people say goes to nobody but the model, whatever LANGSMITH_TRACING says in the environment.
    configure(enabled=False)
    builder = StateGraph(State, context_schema=ChatContext)
    # The model says itself where to go: a conditional edge is a runnable more, and one that is no coroutine a thread's.
    builder.add_node(MODEL, _model, destinations=(TOOLS, END))
    builder.add_node(TOOLS, _tools)
    builder.add_edge(START, MODEL)
    builder.add_edge(TOOLS, MODEL)
    return builder.compile(checkpointer=checkpointer)


def _update(answer: Answer) -> dict[str, Any]:
    """The state's update: absolute, so that making it twice changes nothing."""
    turn = answer.turn
    return {"keep": turn.base_length, "messages": [*turn.new_messages, answer.message()]}


async def _model(state: State, runtime: Runtime[ChatContext]) -> Command[str]:
    chat = runtime.context
    answer = chat.answer
    if answer.finish is not None:
        # The turn was stopped among its tools.
        return Command(goto=END)
    async with guarded(answer):
        await run_model_step(chat, state["messages"])
    onward = chat.calls and answer.finish is None
    return Command(update={"messages": _update(answer)}, goto=TOOLS if onward else END)


async def _tools(state: State, runtime: Runtime[ChatContext]) -> dict[str, Any]:
    chat = runtime.context
    answer = chat.answer
    calls, chat.calls = chat.calls, []
    async with guarded(answer):
        await asyncio.gather(*(_run(chat, call, fault) for call, fault in calls))
        answer.end_step("tool-calls", chat.usage)
    return {"messages": _update(answer)}


async def _run(chat: ChatContext, call: ToolCalled, fault: str | None) -> None:
    """Run one call to its result; whatever goes wrong is a result that the model reads."""
    tools = {one.name: one for one in offered(chat.services)}
    if fault is None and call.name not in tools:
        fault = f"There is no tool named {call.name!r}. There are: {', '.join(tools)}."
    result: Any = None
    if fault is None:
        result, fault = await _result(chat, tools[call.name], call.args)
    if fault is not None:
        # The name of a file, say, may hold half a character, which JSON cannot.
        fault = fault.encode(errors="replace").decode()
        log.info("tool %s: %s", call.name, fault)
        chat.answer.emit(ToolReturned(call.call_id, {"error": fault}, failed=True))
        return
    log.info("tool %s done", call.name)
    chat.answer.emit(ToolReturned(call.call_id, result))


async def _result(chat: ChatContext, tool: BaseTool, args: dict[str, Any]) -> tuple[Any, str | None]:
    """What the tool returned, as JSON, or why there is nothing."""
    limit = asyncio.timeout(chat.settings.tool_timeout_seconds)
    try:
        async with limit:
            returned = await invoke(tool, args, {"configurable": {"services": chat.services}})
        # What is stored and sent is JSON, whatever the tool returned.
        result = orjson.loads(orjson.dumps(returned, default=str, option=orjson.OPT_NON_STR_KEYS))
        if is_deeper(result, DEEPEST):
            raise ToolException("What the tool returned is nested too deeply.")
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return None, f"The arguments do not fit: {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}."
    except (ToolException, TurnError) as error:
        return None, str(error)
    except (Exception, SystemExit) as error:
        if isinstance(error, TimeoutError) and limit.expired():
            return None, f"The tool gave no result within {chat.settings.tool_timeout_seconds:g} seconds."
        log.warning("tool %s failed", tool.name, exc_info=True)
        return None, f"The tool failed: {type(error).__name__}."
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled this call: something within the tool cancelled itself.
        log.warning("tool %s failed", tool.name, exc_info=error)
        return None, "The tool failed: it was cancelled."
    return result, None
