"""Stored messages as AI SDK 5 to 7 take them for their initial messages (UIMessage of ai 5)."""

from __future__ import annotations

from typing import Any

from ...messages import Message, Part, error_text
from ..images import attachment_url, markdown
from ..links import Links
from ..sources import stored_source
from .stream import source_document


def render_message(message: Message, links: Links) -> dict[str, Any]:
    """`{id, role, metadata?, parts}`; null is never sent, since the clients' validation refuses it."""
    shown: dict[str, Any] = {"id": message["id"], "role": message["role"]}
    if message["role"] == "user":
        words = [{"type": "text", "text": part["text"]} for part in message["parts"] if part["type"] == "text"]
        # The clients put files before the words that they came with.
        return {**shown, "parts": [_file(p, links) for p in message["parts"] if p["type"] != "text"] + words}
    metadata: dict[str, Any] = {}
    if usage := message.get("usage"):
        metadata["usage"] = {"inputTokens": usage["prompt"], "outputTokens": usage["completion"]}
    if message.get("incomplete"):
        metadata["incomplete"] = True
    if error := message.get("error"):
        metadata["error"] = error
    if metadata:
        shown["metadata"] = metadata
    shown["parts"] = _parts(message["parts"], links)
    return shown


def _parts(stored: list[Part], links: Links) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for part in stored:
        match part["type"]:
            case "step":
                parts.append({"type": "step-start"})
            case "text" | "reasoning":
                _say(parts, part["type"], part["text"])
            case "picture":
                _say(parts, "text", markdown(part["token"], part.get("revised_prompt"), links))
            case "source":
                parts.append(source_document(stored_source(part), links))
            case "tool":
                tool = {"type": f"tool-{part['name']}", "toolCallId": part["id"], "input": part["args"]}
                if part.get("failed"):
                    parts.append({**tool, "state": "output-error", "errorText": error_text(part["result"])})
                else:
                    parts.append({**tool, "state": "output-available", "output": part["result"]})
    return parts


def _say(parts: list[dict[str, Any]], kind: str, words: str) -> None:
    # The stream has one block for the words of a step that stand together.
    if parts and parts[-1]["type"] == kind:
        parts[-1]["text"] += words
    else:
        parts.append({"type": kind, "text": words, "state": "done"})


def _file(part: Part, links: Links) -> dict[str, Any]:
    media_type, url = attachment_url(part, links)
    return {"type": "file", "mediaType": media_type, "url": url, "filename": part["name"]}
