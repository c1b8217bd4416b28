"""Settled history: read from LangGraph's checkpoint, and written to it. The one way in for whoever is not a node."""

from __future__ import annotations

from typing import Any

from ..agent.graph import MODEL, Graph, thread
from ..messages import Message


class History:
    """The messages of conversations, by id."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    async def read(self, conversation_id: str) -> list[Message]:
        """The settled messages, oldest first."""
        state = await self.graph.checkpointer.aget_tuple(thread(conversation_id))  # type: ignore[union-attr, arg-type]
        if state is None:
            return []
        messages: list[Message] = state.checkpoint["channel_values"].get("messages", [])
        return messages

    async def write(self, conversation_id: str, update: dict[str, Any]) -> None:
        """Make the history its first `update["keep"]` messages and then `update["messages"]`."""
        await self.graph.aupdate_state(thread(conversation_id), {"messages": update}, as_node=MODEL)  # type: ignore[arg-type]
