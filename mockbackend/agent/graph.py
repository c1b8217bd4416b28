"""The graph: a model node, a tools node, an edge back. No node raises: a turn that ends badly ends as a message.

State is the conversation's messages as plain dicts; a node's update is absolute (`keep` of the history, then
`messages`). What runs a turn comes as the run's context.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

import orjson
from langchain_core.tools import ToolException
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import ValidationError

from ..answering import Answering
from ..errors import INTERNAL, PromptRefused, UpstreamError
from ..events import Progress, ToolCalled, ToolReturned, Usage
from ..messages import Message
from ..settings import Settings
from ..upstream import Upstream
from .completion import Completion
from .prompt import LoadPicture, wire_messages
from .tools import ToolServices, offered, schema

HISTORY = "history"
log = logging.getLogger("mockbackend.turn")


def folded(history: list[Message], update: dict[str, Any]) -> list[Message]:
    """The reducer: what the update keeps of the history, and then its messages."""
    kept: list[Message] = history[: update["keep"]]
    return kept + list(update["messages"])


class State(TypedDict):
    """The graph's state: a conversation's settled messages."""

    messages: Annotated[list[Message], folded]


@dataclass(slots=True)
class Chat:
    """One chat turn, as the graph's context. `calls` are the model's last ones, not yet run."""

    answering: Answering
    upstream: Upstream
    settings: Settings
    systems: list[str]
    load_picture: LoadPicture
    services: ToolServices
    calls: list[tuple[ToolCalled, str | None]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)


Graph = CompiledStateGraph[State, Chat, State, State]


def compile_graph(checkpointer: BaseCheckpointSaver[Any]) -> Graph:
    """Build the graph, once for the process's life."""
    builder = StateGraph(State, context_schema=Chat)
    builder.add_node("model", _model)
    builder.add_node("tools", _tools)
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", _after_model, ["tools", END])
    builder.add_conditional_edges("tools", _after_tools, ["model", END])
    # Updates of the history are made in this node's name: the others' edges ask a running turn where to go.
    builder.add_node(HISTORY, _history)
    builder.add_edge(HISTORY, END)
    return builder.compile(checkpointer=checkpointer)


def thread(conversation_id: str) -> dict[str, Any]:
    """The graph's configuration for a conversation."""
    return {"configurable": {"thread_id": conversation_id}}


def _after_model(state: State, runtime: Runtime[Chat]) -> str:
    return "tools" if runtime.context.calls else END


def _after_tools(state: State, runtime: Runtime[Chat]) -> str:
    return "model" if runtime.context.answering.finish is None else END


def _history(state: State) -> dict[str, Any]:
    return {}


async def _model(state: State, runtime: Runtime[Chat]) -> dict[str, Any]:
    chat = runtime.context
    answering = chat.answering
    try:
        async with answering.stop.scope():
            await _ask(chat, state["messages"])
    except UpstreamError as error:
        if isinstance(error, PromptRefused):
            answering.refuse_prompt()
        answering.fail(error.message)
    except Exception:
        log.exception("the model node failed")
        answering.fail(INTERNAL)
    if answering.stop.reason is not None and answering.finish is None:
        chat.calls = []
        answering.end_stopped()
    return {"messages": answering.fold()}


async def _ask(chat: Chat, history: list[Message]) -> None:
    """One step's model call, tried again while it has said nothing and trying again may help."""
    answering, settings = chat.answering, chat.settings
    if answering.between_steps:
        answering.begin_step()
    last_step = answering.steps >= settings.agent_max_steps
    body = await _request(chat, history, last_step=last_step)
    taken_ids = {part["id"] for message in history for part in message["parts"] if part["type"] == "tool"}
    waited = 0.0
    for attempt in range(1, settings.upstream_max_tries + 1):
        completion = Completion(answering, chat.upstream, taken_ids)
        try:
            await completion.read(body)
        except UpstreamError as error:
            if completion.finish is not None:
                log.info("the stream broke after its answer was whole")
            else:
                wait = error.retry_after if error.retry_after is not None else 0.5 * 2 ** (attempt - 1)
                out_of_time = waited + wait > settings.upstream_max_wait_seconds
                if (
                    not error.retryable
                    or completion.said_anything
                    or out_of_time
                    or attempt == settings.upstream_max_tries
                ):
                    raise
                waited += wait
                answering.emit(Progress("retry", {"attempt": attempt, "waitSeconds": round(wait, 3)}))
                await asyncio.sleep(wait)
                continue
        _end(chat, completion, last_step=last_step)
        return


def _end(chat: Chat, completion: Completion, *, last_step: bool) -> None:
    """What follows from a completion that was read to its end."""
    answering = chat.answering
    calls = completion.called() if completion.finish in ("tool-calls", "stop", "length") else []
    for call, _ in calls:
        answering.emit(call)
    if calls and not last_step and completion.finish != "length":
        chat.calls, chat.usage = calls, completion.usage
        return
    reason = "The answer broke off." if completion.finish == "length" else "No more calls are allowed in this turn."
    for call, _ in calls:
        answering.emit(ToolReturned(call.call_id, {"error": reason}, failed=True))
    chat.calls = []
    answering.close_calls()
    finish = completion.finish or "other"
    answering.end_step("length" if finish == "tool-calls" else finish, completion.usage)


async def _request(chat: Chat, history: list[Message], *, last_step: bool) -> dict[str, Any]:
    settings = chat.settings
    body: dict[str, Any] = {
        "messages": await wire_messages(history, chat.systems, chat.load_picture),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    optional = {
        "temperature": settings.chat_temperature,
        "max_completion_tokens": settings.chat_max_tokens,
        "reasoning_effort": settings.chat_reasoning_effort or None,
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    body["tools"] = [schema(one.name) for one in offered(chat.services)]
    if last_step:
        body["tool_choice"] = "none"
    return body


async def _tools(state: State, runtime: Runtime[Chat]) -> dict[str, Any]:
    chat = runtime.context
    answering = chat.answering
    calls, chat.calls = chat.calls, []
    async with answering.stop.scope():
        await asyncio.gather(*(_run(chat, call, fault) for call, fault in calls))
    if answering.stop.reason is not None:
        answering.end_stopped()
    else:
        answering.end_step("tool-calls", chat.usage)
    return {"messages": answering.fold()}


async def _run(chat: Chat, call: ToolCalled, fault: str | None) -> None:
    """Run one call to its result; whatever goes wrong is a result that the model reads."""
    tools = {one.name: one for one in offered(chat.services)}
    result: Any
    try:
        if fault is None and call.name not in tools:
            fault = f"There is no tool named {call.name!r}. There are: {', '.join(tools)}."
        if fault is not None:
            raise ToolException(fault)
        async with asyncio.timeout(chat.settings.tool_timeout_seconds):
            returned = await tools[call.name].ainvoke(call.args, {"configurable": {"services": chat.services}})
        # What is stored and sent is JSON, whatever the tool returned.
        result = orjson.loads(orjson.dumps(returned, default=str, option=orjson.OPT_NON_STR_KEYS))
    except TimeoutError:
        result = {"error": f"The tool gave no result within {chat.settings.tool_timeout_seconds:g} seconds."}
    except ValidationError as error:
        result = {"error": f"The arguments do not fit: {error.errors()[0]['msg']}."}
    except (ToolException, UpstreamError) as error:
        result = {"error": str(error)}
    except Exception as error:
        log.warning("tool %s failed", call.name, exc_info=True)
        result = {"error": f"The tool failed: {type(error).__name__}."}
    else:
        log.info("tool %s done", call.name)
        chat.answering.emit(ToolReturned(call.call_id, result))
        return
    log.info("tool %s: %s", call.name, result["error"])
    chat.answering.emit(ToolReturned(call.call_id, result, failed=True))
