"""What a chat turn carries through the graph."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..answering import Answering
from ..events import ToolCalled, Usage
from ..settings import Settings
from ..upstream import Upstream
from .prompt import LoadPicture
from .tools import ToolServices


@dataclass(slots=True)
class ChatContext:
    """One chat turn, as the graph's context. `calls` are the model's last ones, not yet run."""

    answering: Answering
    upstream: Upstream
    settings: Settings
    systems: list[str]
    load_picture: LoadPicture
    services: ToolServices
    calls: list[tuple[ToolCalled, str | None]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
