"""assistant-ui's own: the data stream with lines that ask for approval, and the UI message stream where it is named."""

from __future__ import annotations

from dataclasses import replace

from ..data_stream import DATA_STREAM
from ..ui_stream import UI_STREAM
from .stream import AssistantUIDataStream, AssistantUIMessageStream

ASSISTANT_UI = replace(
    DATA_STREAM,
    name="assistant-ui",
    title="the same with assistant-ui's lines for approvals",
    open_stream=lambda links, earlier=(): AssistantUIDataStream(links, earlier).frame,
    request_keys=("parentId", "unstable_assistantMessageId"),
    can_approve=True,
)
# A join has nothing earlier, and is framed as any other.
ASSISTANT_UI_STREAM = replace(
    UI_STREAM, open_stream=lambda links, earlier=(): AssistantUIMessageStream(links, earlier).frame, request_keys=()
)
