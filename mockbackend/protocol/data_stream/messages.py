"""Stored messages as AI SDK 4 takes them for its initial messages (`UIMessage` of ai 4.3.19)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, assert_never

from ...messages import AttachmentPart, ImagePart, Message, Part, is_open
from ..images import attachment_url, markdown
from ..links import Links
from ..sources import stored_source
from .stream import data_part, url_source


def render_message(message: Message, links: Links) -> dict[str, Any]:
    """The message with AI SDK 4's keys; of those that may be absent, only the ones that say something."""
    rendered: dict[str, Any] = {
        "id": message["id"],
        "role": message["role"],
        "createdAt": datetime.fromtimestamp(message["at"] / 1000, UTC).isoformat(timespec="milliseconds"),
    }
    if message["role"] == "user":
        parts, attachments = _user_parts(message["parts"], links)
        if attachments:
            rendered["experimental_attachments"] = attachments
        if documents := message.get("documents"):
            rendered["annotations"] = [{"type": "documents", "documents": documents}]
    else:
        parts = _answer_parts(message["parts"], links)
        if calls := [part["toolInvocation"] for part in parts if part["type"] == "tool-invocation"]:
            rendered["toolInvocations"] = calls
        if thoughts := [part["reasoning"] for part in parts if part["type"] == "reasoning"]:
            rendered["reasoning"] = "".join(thoughts)
        if annotations := _annotations(message):
            rendered["annotations"] = annotations
    rendered["content"] = "".join(part["text"] for part in parts if part["type"] == "text")
    rendered["parts"] = parts
    return rendered


def _user_parts(stored: list[Part], links: Links) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The parts of a user's message, and its attachments."""
    parts: list[dict[str, Any]] = []
    attachments: list[dict[str, Any]] = []
    for part in stored:
        match part["type"]:
            case "text":
                parts.append(_text(part["text"]))
            case "picture" | "attachment":
                attachments.append(_attachment(part, links))
            case "reasoning" | "step" | "tool" | "source" | "data" | "engine":
                pass  # only in answers
            case _:
                assert_never(part)
    return parts, attachments


def _answer_parts(stored: list[Part], links: Links) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    step = -1
    # The client keeps one part for all text of a step, wherever in the step it stands, and one for all its reasoning.
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    for part in stored:
        match part["type"]:
            case "step":
                step += 1
                text = reasoning = None
                parts.append({"type": "step-start"})
            case "text" | "picture":
                if text is None:
                    text = _text("")
                    parts.append(text)
                text["text"] += part["text"] if part["type"] == "text" else _markdown(part, links)
            case "reasoning":
                if reasoning is None:
                    reasoning = {"type": "reasoning", "reasoning": "", "details": [_text("")]}
                    parts.append(reasoning)
                reasoning["reasoning"] += part["text"]
                reasoning["details"][0]["text"] += part["text"]
            case "source":
                parts.append({"type": "source", "source": url_source(stored_source(part), links)})
            case "tool":
                invocation: dict[str, Any] = {
                    "state": "call" if is_open(part) else "result",
                    "step": step,
                    "toolCallId": part["id"],
                    "toolName": part["name"],
                    "args": part["args"],
                }
                if "result" in part:
                    invocation["result"] = part["result"]
                if (approval := part.get("approval")) and (is_open(part) or "approved" in approval):
                    # For assistant-ui and the page: AI SDK 4 has none.
                    invocation["approval"] = approval
                parts.append({"type": "tool-invocation", "toolInvocation": invocation})
            case "attachment" | "data" | "engine":
                pass  # only in users' messages, an annotation, and for nobody
            case _:
                assert_never(part)
    return parts


def _annotations(message: Message) -> list[dict[str, Any]]:
    """What an answer's tools showed, and whether it is incomplete."""
    shown = [data_part(part["name"], part["id"], part["data"]) for part in message["parts"] if part["type"] == "data"]
    if not message.get("incomplete"):
        return shown
    return [*shown, {"type": "incomplete", **({"error": message["error"]} if "error" in message else {})}]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _markdown(part: ImagePart, links: Links) -> str:
    return markdown(part["token"], part.get("revised_prompt"), links)


def _attachment(part: ImagePart | AttachmentPart, links: Links) -> dict[str, Any]:
    media_type, url = attachment_url(part, links)
    return {"name": part["name"], "contentType": media_type, "url": url}
