"""Stored messages as AI SDK 4 takes them for its initial messages (UIMessage of ai 4.3.19)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ...messages import Message, Part
from ..images import attachment_url, markdown
from ..links import Links
from ..sources import stored_source
from .stream import source


def render_message(message: Message, links: Links) -> dict[str, Any]:
    """`{id, role, content, createdAt, parts, reasoning?, toolInvocations?, experimental_attachments?}`."""
    shown: dict[str, Any] = {
        "id": message["id"],
        "role": message["role"],
        "createdAt": datetime.fromtimestamp(message["at"] / 1000, UTC).isoformat(timespec="milliseconds"),
    }
    if message["role"] == "user":
        parts = [_text(part["text"]) for part in message["parts"] if part["type"] == "text"]
        attachments = [_attachment(part, links) for part in message["parts"] if part["type"] != "text"]
        if attachments:
            shown["experimental_attachments"] = attachments
    else:
        parts = _answer_parts(message["parts"], links)
        if calls := [part["toolInvocation"] for part in parts if part["type"] == "tool-invocation"]:
            shown["toolInvocations"] = calls
        if thoughts := [part["reasoning"] for part in parts if part["type"] == "reasoning"]:
            shown["reasoning"] = "".join(thoughts)
    shown["content"] = "".join(part["text"] for part in parts if part["type"] == "text")
    shown["parts"] = parts
    if message.get("incomplete"):
        shown["annotations"] = [{"type": "incomplete", **({"error": message["error"]} if "error" in message else {})}]
    return shown


def _answer_parts(stored: list[Part], links: Links) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    step = -1
    # The client has one part for all words of a step, wherever they stand in it, and one for all its reasoning.
    words: dict[str, Any] | None = None
    thoughts: dict[str, Any] | None = None
    for part in stored:
        match part["type"]:
            case "step":
                step += 1
                words = thoughts = None
                parts.append({"type": "step-start"})
            case "text" | "picture":
                text = part["text"] if part["type"] == "text" else _markdown(part, links)
                if words is None:
                    words = _text("")
                    parts.append(words)
                words["text"] += text
            case "reasoning":
                if thoughts is None:
                    thoughts = {"type": "reasoning", "reasoning": "", "details": [_text("")]}
                    parts.append(thoughts)
                thoughts["reasoning"] += part["text"]
                thoughts["details"][0]["text"] += part["text"]
            case "source":
                parts.append({"type": "source", "source": source(stored_source(part), links)})
            case "tool":
                invocation = {
                    "state": "result",
                    "step": step,
                    "toolCallId": part["id"],
                    "toolName": part["name"],
                    "args": part["args"],
                    "result": part["result"],
                }
                parts.append({"type": "tool-invocation", "toolInvocation": invocation})
    return parts


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _markdown(part: Part, links: Links) -> str:
    return markdown(part["token"], part.get("revised_prompt"), links)


def _attachment(part: Part, links: Links) -> dict[str, Any]:
    media_type, url = attachment_url(part, links)
    return {"name": part["name"], "contentType": media_type, "url": url}
