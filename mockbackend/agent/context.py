"""The context of a chat turn's run through the graph."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..events import DataShown, ToolCalled, Usage
from ..settings import Settings
from ..storage import Exchange
from ..turn.answer import Answer
from ..turn.budget import Budget
from ..upstream import Upstream
from ..upstream.chat.request import LoadImage
from .client_tool import ClientTool
from .data_parts import DataParts
from .tools import ToolServices


@dataclass(slots=True)
class ChatContext:
    """One chat turn. `base` is the history before it.

    `client_tools` are the tools that run at the client, and `approvals` says whether that can ask its user for a yes.
    `calls` are the tool calls to run next, each with what is wrong with its arguments, if any; `tool_calls` is how many
    have been run, refused, or left to the client.
    """

    answer: Answer
    budget: Budget
    upstream: Upstream
    base: list[Exchange]
    settings: Settings
    systems: list[str]
    load_image: LoadImage
    services: ToolServices
    data_parts: DataParts = field(init=False)
    client_tools: list[ClientTool] = field(default_factory=list)
    approvals: bool = False
    calls: list[tuple[ToolCalled, str | None]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    tool_calls: int = 0

    def __post_init__(self) -> None:
        limits, answer = self.settings, self.answer
        earlier = [event for event in answer.events if isinstance(event, DataShown)]
        self.data_parts = DataParts(
            answer.emit, limits.max_data_parts_per_turn, limits.max_data_bytes_per_turn, earlier
        )
