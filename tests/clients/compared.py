"""What a client holds, compared with what the server returns, without what must differ (each with its reason)."""

from __future__ import annotations

from typing import Any

from tests.clients.client import Client

Message = dict[str, Any]
CALL = ("toolCallId", "toolName", "args", "result")


def same(client: Client, held: list[Message], stored: list[Message], *, how_it_ended: bool = True) -> None:
    """Assert that both are one conversation.

    `how_it_ended=False`: a front end whose answer broke off knows that from its status and error, the stored message
    from its marks.
    """
    assert [_seen(client, message) for message in held] == [
        _stored(client, message, how_it_ended=how_it_ended) for message in stored
    ]


def initial(client: Client, stored: list[Message]) -> list[Message]:
    """Stored messages as the client takes them at its start: unchanged, but for assistant-ui with its own shape."""
    if client.kind != "assistant-ui":
        return stored
    return [{"id": one["id"], "role": one["role"], "content": assistant_ui_content(one)} for one in stored]


def _seen(client: Client, message: Message) -> Message:
    match client.kind:
        case "assistant-ui":
            return _assistant_ui_seen(message)
        case "ai-sdk-4":
            # It makes dates and revisions for itself.
            return _version_4({key: value for key, value in message.items() if key not in ("createdAt", "revisionId")})
    return _version_5(message)


def _stored(client: Client, message: Message, *, how_it_ended: bool) -> Message:
    if not how_it_ended:
        message = {key: value for key, value in message.items() if key not in ("metadata", "annotations")}
    if client.kind == "assistant-ui":
        return {"role": message["role"], "content": assistant_ui_content(message)}
    if client.kind == "ai-sdk-4":
        return _version_4({key: value for key, value in message.items() if key != "createdAt"})
    return _version_5(message)


def _version_4(message: Message) -> Message:
    if message["role"] == "user":
        # It sends no ids.
        message.pop("id")
    if attachments := message.get("experimental_attachments"):
        message["experimental_attachments"] = [_without_address(one) for one in attachments]
    return message


def _version_5(message: Message) -> Message:
    # 7 keeps the id that a block of reasoning had in the stream.
    parts = [{key: value for key, value in part.items() if key != "id"} for part in message["parts"]]
    return {**message, "parts": [_without_address(part) for part in parts]}


def _without_address(file: Message) -> Message:
    """An image that was sent as a data: URL is read from the server."""
    if (file.get("contentType") or file.get("mediaType", "")).startswith("image/"):
        return {**file, "url": "of an image"}
    return file


def _assistant_ui_seen(message: Message) -> Message:
    # Ids, dates, timing and each part's status are its own; an attachment's content follows the words when it is sent.
    parts = [*message["content"], *(part for one in message.get("attachments", ()) for part in one["content"])]
    return {"role": message["role"], "content": _joined([_assistant_ui_part(part) for part in parts])}


def _assistant_ui_part(part: Message) -> Message:
    match part["type"]:
        case "image":
            return {"type": "image"}
        case "tool-call":
            return {"type": "tool-call", **_call(part)}
        case kind:
            return {"type": kind, "text": part["text"]}


def assistant_ui_content(message: Message) -> list[Message]:
    """A stored message's parts, of either protocol, as assistant-ui's."""
    parts: list[Message] = []
    for part in message["parts"]:
        match part["type"]:
            case "text":
                parts.append({"type": "text", "text": part["text"]})
            case "reasoning":
                parts.append({"type": "reasoning", "text": part.get("text") or part["reasoning"]})
            case "tool-invocation":
                call = part["toolInvocation"]
                parts.append({"type": "tool-call", **_call(call)})
            case "file":
                parts.append({"type": "image"})
            case kind if kind.startswith("tool-"):
                name = kind.removeprefix("tool-")
                call = {"toolCallId": part["toolCallId"], "toolName": name, "args": part["input"]}
                match part["state"]:
                    case "output-available":
                        call["result"] = part["output"]
                    case "output-error":
                        call["result"] = part["errorText"]
                    case "approval-requested":
                        call["approval"] = part["approval"]
                parts.append({"type": "tool-call", **call})
    parts += [{"type": "image"} for _ in message.get("experimental_attachments", ())]
    return _joined(parts)


def _call(part: Message) -> Message:
    """A call's own keys; one that is open has no result."""
    return {key: part[key] for key in CALL if key in part}


def _joined(parts: list[Message]) -> list[Message]:
    """Images last, and a user's text parts as the one that they are stored as."""
    words = [part for part in parts if part["type"] != "image"]
    if words and all(part["type"] == "text" for part in words):
        words = [{"type": "text", "text": "\n".join(part["text"] for part in words)}]
    return words + [part for part in parts if part["type"] == "image"]
