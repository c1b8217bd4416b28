"""Read a thread with LangGraph's own saver and our graph: the versions, then what each message says."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.metadata import version

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from mockbackend.agent.graph import compile_graph
from mockbackend.messages import text_of


async def main(path: str, thread_id: str) -> None:
    """Print them as JSON."""
    async with AsyncSqliteSaver.from_conn_string(path) as stock:
        state = await compile_graph(stock).aget_state({"configurable": {"thread_id": thread_id}})
    versions = [version(name) for name in ("langgraph", "langgraph-checkpoint-sqlite")]
    print(json.dumps([versions, [text_of(message) for message in state.values["messages"]]]))


asyncio.run(main(*sys.argv[1:]))
