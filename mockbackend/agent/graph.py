"""The agent's graph: a model node, a tools node and an edge back. No node raises: an error ends as a message.

The state is the conversation's messages as plain dicts. A node's update is absolute: how much of the history to keep,
and the messages after that. What the nodes need of the running turn is the run's context.
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
from ..upstream.chat.completion import MAX_DEPTH, is_deeper
from .context import ChatContext
from .step import run_model_step
from .tools import invoke, offered

MODEL, TOOLS = "model", "tools"
log = logging.getLogger("mockbackend.turn")


def apply_update(history: list[Message], update: dict[str, Any]) -> list[Message]:
    """The reducer: what the update keeps of the history, then its messages."""
    kept: list[Message] = history[: update["keep"]]
    return kept + list(update["messages"])


class State(TypedDict):
    """The graph's state: a conversation's messages."""

    messages: Annotated[list[Message], apply_update]


Graph = CompiledStateGraph[State, ChatContext, State, State]


def compile_graph(checkpointer: BaseCheckpointSaver[Any] | None = None) -> Graph:
    """Build the graph, once per process. A turn's run needs no checkpointer, since its end is stored by the turn."""
    # What people write goes to the model alone, even if LANGSMITH_TRACING is set in the environment.
    configure(enabled=False)
    builder = StateGraph(State, context_schema=ChatContext)
    # The node itself says where to go: a conditional edge would cost another runnable, and a thread if it is not async.
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
        # The turn was stopped while its tools were running.
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
        await asyncio.gather(*(_run(chat, call, problem) for call, problem in calls))
        answer.end_step("tool-calls", chat.usage)
    return {"messages": _update(answer)}


async def _run(chat: ChatContext, call: ToolCalled, problem: str | None) -> None:
    """Run one call; whatever goes wrong becomes a result that the model reads."""
    tools = {one.name: one for one in offered(chat.services)}
    if problem is None and call.name not in tools:
        problem = f"There is no tool named {call.name!r}. The tools are: {', '.join(tools)}."
    result: Any = None
    if problem is None:
        result, problem = await _result(chat, tools[call.name], call.args)
    if problem is not None:
        # A file's name, say, may hold half a character, which JSON cannot.
        problem = problem.encode(errors="replace").decode()
        log.info("tool %s: %s", call.name, problem)
        chat.answer.emit(ToolReturned(call.call_id, {"error": problem}, failed=True))
        return
    log.info("tool %s done", call.name)
    chat.answer.emit(ToolReturned(call.call_id, result))


async def _result(chat: ChatContext, tool: BaseTool, args: dict[str, Any]) -> tuple[Any, str | None]:
    """What the tool returned, as JSON, or what went wrong."""
    limit = asyncio.timeout(chat.settings.tool_timeout_seconds)
    try:
        async with limit:
            returned = await invoke(tool, args, {"configurable": {"services": chat.services}})
        # Only JSON can be stored and sent.
        result = orjson.loads(orjson.dumps(returned, default=str, option=orjson.OPT_NON_STR_KEYS))
        if is_deeper(result, MAX_DEPTH):
            raise ToolException("What the tool returned is nested too deeply.")
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return None, f"The arguments are invalid: {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}."
    except (ToolException, TurnError) as error:
        return None, str(error)
    except (Exception, SystemExit) as error:
        if isinstance(error, TimeoutError) and limit.expired():
            return None, f"The tool returned no result within {chat.settings.tool_timeout_seconds:g} seconds."
        log.warning("tool %s failed", tool.name, exc_info=True)
        return None, f"The tool failed: {type(error).__name__}."
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled this call: something inside the tool cancelled itself.
        log.warning("tool %s failed", tool.name, exc_info=error)
        return None, "The tool failed: it was cancelled."
    return result, None
