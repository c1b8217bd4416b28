"""A chat turn: drives the graph and yields what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..agent.context import ChatContext
from ..agent.graph import Graph
from ..events import Event
from ..messages import Message
from .answer import stream_events


def chat(context: ChatContext, graph: Graph, base: list[Message]) -> AsyncIterator[Event]:
    """Answer, up to the last step's end; `base` is the history before the turn. The first event is there already."""
    answer = context.answer
    answer.begin_step()

    async def work() -> None:
        messages = {"messages": {"keep": 0, "messages": [*base, *answer.turn.new_messages]}}
        # No stream: what happens is in the answer's events.
        await graph.ainvoke(messages, context=context, stream_mode=[])  # type: ignore[call-overload]

    return stream_events(answer, work)
