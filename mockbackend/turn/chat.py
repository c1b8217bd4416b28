"""A chat turn: drives the graph, whose nodes write what happens to the answer."""

from __future__ import annotations

from ..agent.context import ChatContext
from ..agent.graph import TurnGraph
from ..messages import Message
from .search import DocumentSearch


async def chat(context: ChatContext, graph: TurnGraph, documents: DocumentSearch | None) -> None:
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
    await graph.run([*answer.turn.new_messages, *said], context)


def before_words(answer: Message) -> Message:
    """The answer up to the end of its last step with a call: words of one that broke off are said once more."""
    calls, steps = (
        [index for index, part in enumerate(answer["parts"]) if part["type"] == kind] for kind in ("tool", "step")
    )
    if not calls:
        return {**answer, "parts": []}
    # What the engine wants back with the calls may follow them.
    end = next((index for index in steps if index > calls[-1]), None)
    return {**answer, "parts": answer["parts"][:end]}
