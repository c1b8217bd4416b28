"""Stored messages as AI SDK 5 to 7 take them: the table of `part_cases.py`, and what surrounds the parts."""

from __future__ import annotations

from typing import Any

import pytest

from mockbackend.messages import Message
from mockbackend.protocol.ui_stream.messages import render_message
from tests.protocol.part_cases import CASES, LINKS, message_of

IMAGE = "![Generated Image](https://host/images/t)"
CALL = {"type": "tool-clock", "toolCallId": "call-1"}
RENDERED: dict[str, dict[str, Any] | None] = {
    "what the engine wants back": None,
    # Without the key that the clients' parser refuses.
    "data that a tool showed": {"type": "data-chart", "id": "c1", "data": {"points": [1, None]}},
    "a user's text": {"type": "text", "text": "Grüße"},
    "a user's image": {
        "type": "file",
        "mediaType": "image/gif",
        "url": "https://host/images/t",
        "filename": "a.gif",
    },
    "a user's image of an older answer": {
        "type": "file",
        "mediaType": "image/png",
        "url": "https://host/images/t",
        "filename": "a.png",
    },
    "a user's file": {
        "type": "file",
        "mediaType": "text/markdown",
        "url": "data:text/markdown;base64,IyBB",
        "filename": "a.md",
    },
    "a step": {"type": "step-start"},
    "text": {"type": "text", "text": "Grüße", "state": "done"},
    "reasoning": {"type": "reasoning", "text": "Hm.", "state": "done"},
    "a tool's result": {**CALL, "state": "output-available", "input": {"zone": "UTC"}, "output": {"time": "12:30"}},
    "a tool's failure": {**CALL, "state": "output-error", "input": {}, "errorText": "no zone"},
    "a call that the client is to run": {**CALL, "state": "input-available", "input": {}},
    "a call that asks": {**CALL, "state": "approval-requested", "input": {}, "approval": {"id": "approval-1"}},
    "a call that was approved": {
        **CALL,
        "state": "output-available",
        "input": {},
        "output": 1,
        "approval": {"id": "approval-1", "approved": True},
    },
    "a call that was denied": {
        **CALL,
        "state": "output-denied",
        "input": {},
        "approval": {"id": "approval-1", "approved": False, "reason": "Not now."},
    },
    # The clients' validation knows no answered call whose approval is open.
    "a call that nobody answered": {**CALL, "state": "output-error", "input": {}, "errorText": "no"},
    "an image": {"type": "text", "text": IMAGE, "state": "done"},
    "an image with a revised prompt": {
        "type": "text",
        "text": f"{IMAGE}\n\n*Revised prompt: A red fox*",
        "state": "done",
    },
    "a source": {
        "type": "source-document",
        "sourceId": "f#page 3",
        "mediaType": "application/pdf",
        "title": "a.pdf, page 3",
        "filename": "a.pdf",
        "providerMetadata": {"mockbackend": {"fileId": "f", "url": "https://host/files/f/content#page=3"}},
    },
    "a page of the web": {"type": "source-url", "sourceId": "https://a.org/", "url": "https://a.org/", "title": "A"},
}


@pytest.mark.parametrize("name", CASES)
def test_a_part_is_rendered_as_this(name: str) -> None:
    rendered = render_message(message_of(name), LINKS)
    assert rendered == {"id": "msg-1", "role": CASES[name][0], "parts": [part for part in [RENDERED[name]] if part]}


def test_the_metadata_are_the_usage_and_how_the_answer_ended() -> None:
    message: Message = {**message_of("text"), "usage": {"prompt": 10, "completion": 5}}
    usage = {"inputTokens": 10, "outputTokens": 5}
    assert render_message(message, LINKS)["metadata"] == {"usage": usage}
    message.update({"incomplete": True, "error": "Busy."})
    assert render_message(message, LINKS)["metadata"] == {"usage": usage, "incomplete": True, "error": "Busy."}
