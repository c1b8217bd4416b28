"""The usual stack: FastAPI, uvicorn, langchain-openai, LangGraph and its SQLite checkpointer, all with their defaults.

Written as a team that knows these libraries would write it: one model client and one compiled graph per process, tokens
from `stream_mode="messages"`, history in the checkpointer under the conversation's id. It answers the same POST /chat
with the same data stream lines as the service it is compared with, and does less: no owners, no list of conversations,
no stop, no resume, no retries shown to the user.
"""

import json
import os
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Header, HTTPException, Request, status
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from pydantic import BaseModel

Graph = CompiledStateGraph[MessagesState, None, MessagesState, MessagesState]


class ChatRequest(BaseModel):
    """The body of POST /chat."""

    message: str
    id: str | None = None


@tool
def get_current_time(timezone: str = "UTC") -> str:
    """Tell the current time in an IANA time zone."""
    return datetime.now(ZoneInfo(timezone)).isoformat()


TOOLS = [get_current_time]


def build_graph(saver: AsyncSqliteSaver) -> Graph:
    """Build the graph: a model node, a tools node, an edge back."""
    model = ChatOpenAI(
        model=os.environ["OPENAI_MODEL"],
        base_url=os.environ["OPENAI_BASE_URL"],
        stream_usage=True,
    ).bind_tools(TOOLS)

    async def call_model(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("model", call_model)
    builder.add_node("tools", ToolNode(TOOLS))
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", tools_condition)
    builder.add_edge("tools", "model")
    return builder.compile(checkpointer=saver)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the checkpointer while the process runs."""
    path = Path(os.environ["DATA_DIR"]) / "checkpoints.db"
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        app.state.graph = build_graph(saver)
        yield


app = FastAPI(lifespan=lifespan)
basic = HTTPBasic()


def logged_in(credentials: Annotated[HTTPBasicCredentials, Depends(basic)]) -> None:
    """Reject a wrong user or password, in constant time."""
    user = secrets.compare_digest(credentials.username, os.environ["BACKEND_AUTH_USERNAME"])
    password = secrets.compare_digest(credentials.password, os.environ["BACKEND_AUTH_PASSWORD"])
    if not (user and password):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, headers={"WWW-Authenticate": "Basic"})


def line(code: str, value: object) -> str:
    """One line of the data stream."""
    return f"{code}:{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n"


async def answer(graph: Graph, conversation: str, text: str) -> AsyncIterator[str]:
    """Run one turn; yield its data stream lines."""
    yield line("f", {"messageId": str(uuid.uuid4())})
    config: RunnableConfig = {"configurable": {"thread_id": conversation}}
    usage = {"promptTokens": 0, "completionTokens": 0}
    reason = "stop"
    try:
        turn: MessagesState = {"messages": [HumanMessage(text)]}
        async for chunk, _metadata in graph.astream(turn, config, stream_mode="messages"):
            if not isinstance(chunk, AIMessageChunk):
                continue
            if isinstance(chunk.content, str) and chunk.content:
                yield line("0", chunk.content)
            if chunk.usage_metadata:
                usage["promptTokens"] = chunk.usage_metadata["input_tokens"]
                usage["completionTokens"] = chunk.usage_metadata["output_tokens"]
    except Exception as error:
        yield line("3", type(error).__name__)
        reason = "error"
    yield line("e", {"finishReason": reason, "usage": usage, "isContinued": False})
    yield line("d", {"finishReason": reason, "usage": usage})


@app.post("/chat", dependencies=[Depends(logged_in)])
async def chat(request: Request, body: ChatRequest, userid: Annotated[str, Header()]) -> StreamingResponse:
    """Stream the answer to one user message."""
    conversation = body.id or str(uuid.uuid4())
    return StreamingResponse(
        answer(request.app.state.graph, conversation, body.message),
        media_type="text/event-stream",
        headers={"x-vercel-ai-data-stream": "v1", "Cache-Control": "no-cache", "X-Conversation-Id": conversation},
    )
