"""A chat turn: drives the graph and yields what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..agent.context import Chat
from ..agent.graph import Graph, thread
from ..answering import produced
from ..events import Event


async def chat(context: Chat, graph: Graph, conversation_id: str) -> AsyncIterator[Event]:
    """Answer, up to the last step's end; by then the history is written. The first event comes before anything else."""
    answering = context.answering
    answering.begin_step()

    async def work() -> None:
        update = {"messages": {"keep": answering.keep, "messages": answering.added}}
        await graph.ainvoke(update, thread(conversation_id), context=context, durability="exit")  # type: ignore[call-overload]

    async for event in produced(answering, work):
        yield event
