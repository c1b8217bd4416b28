"""Every part of a stored message in a table, with its author: what each framing's messages are tested with.

A framing's test has the expected rendering of each case, by its name; `test_part_cases.py` fails where a part has none.
"""

from __future__ import annotations

from typing import Literal

from mockbackend.messages import Message, Part
from mockbackend.protocol.links import Links

LINKS = Links("https://host")
CASES: dict[str, tuple[Literal["user", "assistant"], Part]] = {
    "a user's text": ("user", {"type": "text", "text": "Grüße"}),
    "a user's image": ("user", {"type": "picture", "token": "t", "media_type": "image/gif", "name": "a.gif"}),
    "a user's image of an older answer": ("user", {"type": "picture", "token": "t", "name": "a.png"}),
    "a user's file": ("user", {"type": "attachment", "name": "a.md", "media_type": "text/markdown", "text": "# A"}),
    "a step": ("assistant", {"type": "step"}),
    "text": ("assistant", {"type": "text", "text": "Grüße"}),
    "reasoning": ("assistant", {"type": "reasoning", "text": "Hm."}),
    "a tool's result": (
        "assistant",
        {"type": "tool", "id": "call-1", "name": "clock", "args": {"zone": "UTC"}, "result": {"time": "12:30"}},
    ),
    "a tool's failure": (
        "assistant",
        {"type": "tool", "id": "call-1", "name": "clock", "args": {}, "result": {"error": "no zone"}, "failed": True},
    ),
    "a call that the client is to run": (
        "assistant",
        {"type": "tool", "id": "call-1", "name": "clock", "args": {}, "client": True},
    ),
    "a call that asks": (
        "assistant",
        {"type": "tool", "id": "call-1", "name": "clock", "args": {}, "approval": {"id": "approval-1"}},
    ),
    "a call that was approved": (
        "assistant",
        {
            "type": "tool",
            "id": "call-1",
            "name": "clock",
            "args": {},
            "result": 1,
            "approval": {"id": "approval-1", "approved": True},
        },
    ),
    "a call that was denied": (
        "assistant",
        {
            "type": "tool",
            "id": "call-1",
            "name": "clock",
            "args": {},
            "result": {"error": "no"},
            "failed": True,
            "approval": {"id": "approval-1", "approved": False, "reason": "Not now."},
        },
    ),
    "a call that nobody answered": (
        "assistant",
        {
            "type": "tool",
            "id": "call-1",
            "name": "clock",
            "args": {},
            "result": {"error": "no"},
            "failed": True,
            "approval": {"id": "approval-1"},
        },
    ),
    "what the engine wants back": ("assistant", {"type": "engine", "data": {"reasoning_field": "reasoning"}}),
    "an image": ("assistant", {"type": "picture", "token": "t"}),
    "an image with a revised prompt": ("assistant", {"type": "picture", "token": "t", "revised_prompt": "A red fox"}),
    "data that a tool showed": (
        "assistant",
        {"type": "data", "name": "chart", "id": "c1", "data": {"points": [1, None], "__proto__": 1}},
    ),
    "a source": (
        "assistant",
        {"type": "source", "file_id": "f", "name": "a.pdf", "media_type": "application/pdf", "place": "page 3"},
    ),
    "a page of the web": (
        "assistant",
        {"type": "source", "file_id": "", "name": "A", "media_type": "text/html", "place": "", "url": "https://a.org/"},
    ),
}


def message_of(name: str) -> Message:
    """A message of this case's part alone."""
    role, part = CASES[name]
    return {"id": "msg-1", "role": role, "turn": "turn-1", "at": 0, "parts": [part]}
