"""A chat turn: drives the graph and yields what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..agent.context import ChatContext
from ..agent.graph import Graph, thread
from ..events import Event
from ..storage.embedded.checkpoints import NOTHING_KEPT
from .answer import stream_events


def chat(context: ChatContext, graph: Graph, conversation_id: str) -> AsyncIterator[Event]:
    """Answer, up to the last step's end; by then the history is written. The first event is there already."""
    answer = context.answer
    answer.begin_step()

    async def work() -> None:
        config = thread(conversation_id)
        if not answer.base_length:
            config["configurable"][NOTHING_KEPT] = True
        update = {"messages": {"keep": answer.base_length, "messages": answer.new_messages}}
        # No stream: what happens is told by the answering, and what comes of it is in the checkpoint.
        await graph.ainvoke(update, config, context=context, durability="exit", stream_mode=[])  # type: ignore[call-overload]

    return stream_events(answer, work)
