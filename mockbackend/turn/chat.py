"""A chat turn: drives the graph, whose nodes write what happens to the answer."""

from __future__ import annotations

from ..agent.context import ChatContext
from ..agent.graph import Graph
from .going_on import before_words
from .search import DocumentSearch


async def chat(context: ChatContext, graph: Graph, documents: DocumentSearch | None) -> None:
    """Answer, up to the end of the last step, or go on with an answer that has waited for its client."""
    answer = context.answer
    # At once, so that the client hears something. What its user has said yes to runs first.
    context.calls = [(call, None) for call in answer.approved_calls]
    if not context.calls:
        answer.wait()
        if answer.finish is None:
            answer.begin_step()
    if documents is not None and (notice := await documents.notice()):
        context.systems.append(notice)
    said = [before_words(answer.message())] if answer.earlier else []
    messages = {"messages": {"base_length": 0, "new_messages": [*answer.turn.new_messages, *said]}}
    # Not streamed: the answer's events tell what happens.
    await graph.ainvoke(messages, context=context, stream_mode=[])  # type: ignore[call-overload]
