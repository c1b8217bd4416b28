"""The agent's graph: a model node, a tools node and an edge back. No node raises: an error ends as a message.

The state is a conversation's messages as plain dicts; while a turn runs, only its own. A node's update is absolute: how
many of them stay, and the messages after that. What the nodes need of the running turn is the run's context.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Annotated, Any, TypedDict

from langgraph.channels import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command

from ..events import Event
from ..messages import Message
from ..turn.answer import Answer, guarded
from .context import ChatContext
from .step import run_model_step
from .tool_calls import run_tool_call
from .untraced import never_trace
from .waiting import left_open

MODEL, TOOLS = "model", "tools"


def apply_updates(history: list[Message], updates: Sequence[dict[str, Any]]) -> list[Message]:
    """The reducer: with each update the first `base_length` messages stay, and `new_messages` follow."""
    messages = list(history)
    for update in updates:
        messages[update["base_length"] :] = update["new_messages"]
    return messages


class State(TypedDict):
    """The graph's state: a conversation's messages. Storage may keep the updates, which a reader applies one by one."""

    messages: Annotated[list[Message], DeltaChannel(apply_updates, list)]


Graph = CompiledStateGraph[State, ChatContext, State, State]


class TurnGraph:
    """The graph as turns run it. They need no checkpointer, since their end is stored by the turn."""

    def __init__(self) -> None:
        graph = compile_graph()
        # What leads to the model is an input too: from START a run takes a step that only hands its input on.
        self._to_model = dict.fromkeys(graph.nodes[MODEL].triggers)
        self._graph = graph.copy({"input_channels": [*State.__annotations__, *self._to_model]})

    async def run(self, messages: list[Message], context: ChatContext) -> None:
        """Run a turn, of which these are the messages so far."""
        update = {"base_length": 0, "new_messages": messages}
        # Not streamed: the answer's events tell what happens.
        await self._graph.ainvoke({"messages": update, **self._to_model}, context=context, stream_mode=[])  # type: ignore[call-overload]


@cache
def turn_graph() -> TurnGraph:
    """The graph of this process's turns."""
    return TurnGraph()


async def run_for_nothing() -> None:
    """Run the turns' graph once, where there is nothing to answer: its first run imports and makes a good deal."""
    # All that its first node looks at where a turn is over.
    over: Any = SimpleNamespace(answer=SimpleNamespace(finish="stop"))
    await turn_graph().run([], over)


def compile_graph(checkpointer: BaseCheckpointSaver[Any] | None = None) -> Graph:
    """Build the graph."""
    never_trace()
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
    return {"base_length": 0, "new_messages": [*turn.new_messages, answer.message()]}


async def _model(state: State, runtime: Runtime[ChatContext]) -> Command[str]:
    chat = runtime.context
    answer = chat.answer
    if answer.finish is not None:
        # The turn was stopped while its tools were running.
        return Command(goto=END)
    if chat.calls:
        # The user has said yes to them.
        return Command(goto=TOOLS)
    async with guarded(answer):
        await run_model_step(chat, state["messages"])
    onward = chat.calls and answer.finish is None
    # Without an update: the tools read the calls from the context, and storage gets the answer from the turn.
    return Command(goto=TOOLS if onward else END)


async def _tools(state: State, runtime: Runtime[ChatContext]) -> dict[str, Any]:
    """Run the calls of a step; those that wait for the client are left open after the others, and end the turn."""
    chat = runtime.context
    answer = chat.answer
    calls, chat.calls = chat.calls, []
    async with guarded(answer):
        openings: list[Event] = []
        running: list[Coroutine[Any, Any, None]] = []
        for call, problem in calls:
            if opening := left_open(chat, call, problem):
                openings.append(opening)
            else:
                running.append(run_tool_call(chat, call, problem))
        await asyncio.gather(*running)
        for opening in openings:
            answer.emit(opening)
        if answer.between_steps:
            answer.wait()
        else:
            answer.end_step("tool-calls", chat.usage)
        if chat.budget.reached:
            # Only now: the other calls have their results, which the user saw.
            raise chat.budget.reached
    return {"messages": _update(answer)}
