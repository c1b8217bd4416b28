"""The data stream of assistant-ui: AI SDK 4's, with lines of its own for what a turn asks its user."""

from __future__ import annotations

from dataclasses import replace

from ..data_stream import DATA_STREAM
from .stream import AssistantUIStream

ASSISTANT_UI = replace(
    DATA_STREAM,
    name="assistant-ui",
    title="the same with assistant-ui's lines for approvals",
    open_stream=lambda links, earlier=(): AssistantUIStream(links, earlier).frame,
    request_keys=("parentId", "unstable_assistantMessageId"),
    can_approve=True,
)
