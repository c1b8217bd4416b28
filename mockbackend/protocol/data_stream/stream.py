"""The events of a data stream: one line `CODE:JSON` each.

Follows `parseDataStreamPart` of the npm package ai 4.3.19 (packages/ui-utils/src/data-stream-parts.ts).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

import orjson

from ...events import (
    ApprovalAsked,
    ApprovalGiven,
    DataShown,
    EngineData,
    Event,
    Failed,
    ImageMade,
    Progress,
    ReasoningDelta,
    ResultAwaited,
    Source,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolCallDelta,
    ToolCalled,
    ToolCallStarted,
    ToolReturned,
    TurnEnded,
    Usage,
)
from ..images import markdown
from ..links import Links
from ..sources import source_title, source_url

MEDIA_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "x-vercel-ai-data-stream": "v1",
}
KEEP_ALIVE = b"2:[]\n"


def frame(events: Iterable[Event], links: Links) -> bytes:
    """The lines of these events."""
    return b"".join([_line(event, links) for event in events])


def _line(event: Event, links: Links) -> bytes:
    match event:
        case TextDelta(text):
            return b"0:%b\n" % orjson.dumps(text)
        case ReasoningDelta(text):
            return b"g:%b\n" % orjson.dumps(text)
        case ToolCallDelta(call_id, fragment):
            return b"c:%b\n" % orjson.dumps({"toolCallId": call_id, "argsTextDelta": fragment})
        case StepStarted(message_id):
            return b"f:%b\n" % orjson.dumps({"messageId": message_id})
        case ToolCallStarted(call_id, name):
            return b"b:%b\n" % orjson.dumps({"toolCallId": call_id, "toolName": name})
        case ToolCalled(call_id, name, args):
            return b"9:%b\n" % orjson.dumps({"toolCallId": call_id, "toolName": name, "args": args})
        case ToolReturned(call_id, result):
            return b"a:%b\n" % orjson.dumps({"toolCallId": call_id, "result": result})
        case ImageMade():
            return b"0:%b\n" % orjson.dumps(markdown(event.token, event.revised_prompt, links))
        case Source():
            return b"h:%b\n" % orjson.dumps(url_source(event, links))
        case Progress(kind, data):
            return b"2:%b\n" % orjson.dumps([{"type": kind, **data}])
        case DataShown(name, data_id, data, transient):
            return b"%b:%b\n" % (b"2" if transient else b"8", orjson.dumps([data_part(name, data_id, data)]))
        case EngineData():
            return b""  # for nobody
        case ResultAwaited() | ApprovalAsked() | ApprovalGiven():
            return b""  # AI SDK 4 knows of an open call by its having no result
        case StepEnded(reason, usage):
            ended = {"finishReason": reason, "usage": _usage(usage), "isContinued": False}
            return b"e:%b\n" % orjson.dumps(ended)
        case TurnEnded(reason, usage):
            return b"d:%b\n" % orjson.dumps({"finishReason": reason, "usage": _usage(usage)})
        case Failed(message):
            return b"3:%b\n" % orjson.dumps(message)
        case _:
            assert_never(event)


def url_source(source: Source, links: Links) -> dict[str, str]:
    """A document or a page as a source of AI SDK 4."""
    url = source_url(source, links)
    return {"sourceType": "url", "id": source.id, "url": url, "title": source_title(source)}


def data_part(name: str, data_id: str, data: Any) -> dict[str, Any]:
    """Data that a tool showed, as the newer clients have it too."""
    return {"type": f"data-{name}", "id": data_id, "data": data}


def _usage(usage: Usage) -> dict[str, int]:
    # assistant-ui reads the second pair of names only.
    return {
        "promptTokens": usage.prompt,
        "completionTokens": usage.completion,
        "inputTokens": usage.prompt,
        "outputTokens": usage.completion,
    }
