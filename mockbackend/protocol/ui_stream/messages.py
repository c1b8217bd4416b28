"""Stored messages as AI SDK 5 to 7 take them for their initial messages (`UIMessage` of ai 5)."""

from __future__ import annotations

from typing import Any, Literal, assert_never

from ...messages import AttachmentPart, ImagePart, Message, Part, ToolPart, error_text, is_open
from ..images import attachment_url, markdown
from ..links import Links
from ..sources import stored_source
from .stream import data_part, source_part


def render_message(message: Message, links: Links) -> dict[str, Any]:
    """`{id, role, metadata?, parts}`, without nulls, which the clients' validation refuses."""
    rendered: dict[str, Any] = {"id": message["id"], "role": message["role"]}
    metadata: dict[str, Any] = {}
    if documents := message.get("documents"):
        metadata["documents"] = documents
    if usage := message.get("usage"):
        metadata["usage"] = {"inputTokens": usage["prompt"], "outputTokens": usage["completion"]}
    if message.get("incomplete"):
        metadata["incomplete"] = True
    if error := message.get("error"):
        metadata["error"] = error
    if metadata:
        rendered["metadata"] = metadata
    rendered["parts"] = (_user_parts if message["role"] == "user" else _answer_parts)(message["parts"], links)
    return rendered


def _user_parts(stored: list[Part], links: Links) -> list[dict[str, Any]]:
    texts: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    for part in stored:
        match part["type"]:
            case "text":
                texts.append({"type": "text", "text": part["text"]})
            case "picture" | "attachment":
                files.append(_file(part, links))
            case "reasoning" | "step" | "tool" | "source" | "data" | "engine":
                pass  # only in answers
            case _:
                assert_never(part)
    # The clients put files before the text that they came with.
    return files + texts


def _answer_parts(stored: list[Part], links: Links) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for part in stored:
        match part["type"]:
            case "step":
                parts.append({"type": "step-start"})
            case "text" | "reasoning":
                _append_text(parts, part["type"], part["text"])
            case "picture":
                _append_text(parts, "text", markdown(part["token"], part.get("revised_prompt"), links))
            case "source":
                parts.append(source_part(stored_source(part), links))
            case "data":
                parts.append(data_part(part["name"], part["id"], part["data"]))
            case "tool":
                parts.append(_tool(part))
            case "attachment" | "engine":
                pass  # only in users' messages, and for nobody
            case _:
                assert_never(part)
    return parts


def _tool(part: ToolPart) -> dict[str, Any]:
    tool: dict[str, Any] = {"type": f"tool-{part['name']}", "toolCallId": part["id"], "input": part["args"]}
    approval = part.get("approval")
    if approval is not None and (is_open(part) or "approved" in approval):
        tool["approval"] = {**approval}
    if is_open(part):
        return {**tool, "state": "approval-requested" if approval else "input-available"}
    if approval is not None and approval.get("approved") is False:
        return {**tool, "state": "output-denied"}
    if part.get("failed"):
        return {**tool, "state": "output-error", "errorText": error_text(part["result"])}
    return {**tool, "state": "output-available", "output": part["result"]}


def _append_text(parts: list[dict[str, Any]], kind: Literal["text", "reasoning"], text: str) -> None:
    # Like the stream, which has one block for text of a kind that stands together.
    if parts and parts[-1]["type"] == kind:
        parts[-1]["text"] += text
    else:
        parts.append({"type": kind, "text": text, "state": "done"})


def _file(part: ImagePart | AttachmentPart, links: Links) -> dict[str, Any]:
    media_type, url = attachment_url(part, links)
    return {"type": "file", "mediaType": media_type, "url": url, "filename": part["name"]}
