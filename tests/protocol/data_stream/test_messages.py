"""Stored messages as AI SDK 4 takes them: the table of `part_cases.py`, and what surrounds the parts."""

from __future__ import annotations

from typing import Any

import pytest

from mockbackend.messages import Message
from mockbackend.protocol.data_stream.messages import render_message
from tests.protocol.part_cases import CASES, LINKS, message_of

IMAGE = "![Generated Image](https://host/images/t)"
SOURCE = {
    "sourceType": "url",
    "id": "f#page 3",
    "url": "https://host/files/f/content#page=3",
    "title": "a.pdf, page 3",
}


def attached(**attachment: str) -> dict[str, Any]:
    return {"content": "", "parts": [], "experimental_attachments": [attachment]}


def text(content: str) -> dict[str, Any]:
    return {"content": content, "parts": [{"type": "text", "text": content}]}


def called(**ended: Any) -> dict[str, Any]:
    call = {"state": "result", "step": -1, "toolCallId": "call-1", "toolName": "clock", "args": {}, **ended}
    return {
        "content": "",
        "parts": [{"type": "tool-invocation", "toolInvocation": call}],
        "toolInvocations": [call],
    }


RENDERED: dict[str, dict[str, Any]] = {
    "a user's text": text("Grüße"),
    "a user's image": attached(name="a.gif", contentType="image/gif", url="https://host/images/t"),
    "a user's image of an older answer": attached(name="a.png", contentType="image/png", url="https://host/images/t"),
    "a user's file": attached(name="a.md", contentType="text/markdown", url="data:text/markdown;base64,IyBB"),
    "a step": {"content": "", "parts": [{"type": "step-start"}]},
    "text": text("Grüße"),
    "reasoning": {
        "content": "",
        "parts": [{"type": "reasoning", "reasoning": "Hm.", "details": [{"type": "text", "text": "Hm."}]}],
        "reasoning": "Hm.",
    },
    "a tool's result": called(args={"zone": "UTC"}, result={"time": "12:30"}),
    "a tool's failure": called(args={}, result={"error": "no zone"}),
    "a call that the client is to run": called(state="call"),
    "a call that asks": called(state="call", approval={"id": "approval-1"}),
    "a call that was approved": called(result=1, approval={"id": "approval-1", "approved": True}),
    "a call that was denied": called(
        result={"error": "no"}, approval={"id": "approval-1", "approved": False, "reason": "Not now."}
    ),
    "a call that nobody answered": called(result={"error": "no"}),
    "an image": text(IMAGE),
    "an image with a revised prompt": text(f"{IMAGE}\n\n*Revised prompt: A red fox*"),
    "a source": {"content": "", "parts": [{"type": "source", "source": SOURCE}]},
    "a page of the web": {
        "content": "",
        "parts": [
            {
                "type": "source",
                "source": {"sourceType": "url", "id": "https://a.org/", "url": "https://a.org/", "title": "A"},
            }
        ],
    },
    "data that a tool showed": {
        "content": "",
        "parts": [],
        "annotations": [{"type": "data-chart", "id": "c1", "data": {"points": [1, None], "__proto__": 1}}],
    },
    "what the engine wants back": {"content": "", "parts": []},
}


@pytest.mark.parametrize("name", CASES)
def test_a_part_is_rendered_as_this(name: str) -> None:
    rendered = render_message(message_of(name), LINKS)
    role = CASES[name][0]
    assert rendered == {"id": "msg-1", "role": role, "createdAt": "1970-01-01T00:00:00.000+00:00", **RENDERED[name]}


def test_an_incomplete_answer_says_so_and_why() -> None:
    message: Message = {**message_of("text"), "incomplete": True}
    assert render_message(message, LINKS)["annotations"] == [{"type": "incomplete"}]
    message["error"] = "Busy."
    assert render_message(message, LINKS)["annotations"] == [{"type": "incomplete", "error": "Busy."}]
