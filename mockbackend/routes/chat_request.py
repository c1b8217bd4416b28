"""The body of POST /chat, parsed into a `ChatRequest`. An error names the field that is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ..errors import bad_request, unusable
from ..images.generator import ImageOptions
from ..protocol import Framing, framing_for, framing_of
from ..protocol.assistant_ui import ASSISTANT_UI
from ..settings import Settings
from ..turn.attached_file import read_file
from ..turn.request import MODES, Attachment, ChatRequest, Mode, SentMessage
from .body import parse_object
from .call_answers import call_answers
from .client_tools import client_tools
from .content import parse_content
from .parameters import check_id

MAX_FILE_IDS = 1000
IMAGE_OPTION = re.compile(r"[a-z0-9-]{1,32}")
IGNORED_ROLES = ("tool", "data")
SYSTEM_ROLES = ("system", "developer")
# Keys of clients that always send the whole conversation, without ids.
WHOLE_LIST_KEYS = ASSISTANT_UI.request_keys


def parse_chat(raw: bytes, settings: Settings, named: Framing | None) -> tuple[ChatRequest, Framing]:
    """The request that a body is, its files unread, and its framing: the one that is named, or its client's."""
    body = parse_object(raw)
    framing = framing_for(body, named)
    return _chat(body, settings.max_conversation_messages, framing), framing


def read_files(request: ChatRequest, settings: Settings) -> ChatRequest:
    """The request with the texts of the files that came with its new message."""
    if request.goes_on:
        return request
    *earlier, message = request.messages
    if message.attachments:
        files = tuple(_with_text(file) for file in message.attachments)
        request = replace(request, messages=(*earlier, replace(message, attachments=files)))
    _check_length(request, settings.max_message_characters)
    return request


def _chat(body: dict[str, Any], max_messages: int, framing: Framing) -> ChatRequest:
    # Unknown keys are ignored, since front ends send keys of their own.
    field = "id" if body.get("id") is not None else "conversation_id"
    conversation_id = check_id(body[field], field) if body.get(field) is not None else None
    mode = _mode(body.get("mode"))
    sent = _sent(body)
    if len(sent) > max_messages:
        raise unusable(
            f"messages: a conversation can have at most {max_messages} messages (MAX_CONVERSATION_MESSAGES)."
        )
    systems: list[str] = []
    if body.get("system") is not None:
        systems.append(_string(body["system"], "system"))
    messages: list[SentMessage] = []
    last = ""
    for index, value in enumerate(sent):
        name = f"messages[{index}]" if "messages" in body else "message"
        if not isinstance(value, dict):
            or_text = "" if "messages" in body else "a string or "
            raise bad_request(f"{name} must be {or_text}an object.")
        role = last = value.get("role", "user")
        if role in SYSTEM_ROLES:
            systems.append(parse_content(value, name).text)
        elif role in ("user", "assistant"):
            messages.append(_message(value, role, name, is_last=role == "user" and index == len(sent) - 1))
        elif role not in IGNORED_ROLES:
            raise bad_request(f"{name}.role must be user, assistant or system.")
    approvals = body.get("approvals") is True and framing.can_approve
    # An answer at the end goes on, if it waits; tool messages stand for results of its calls.
    goes_on = last in ("assistant", "tool")
    if goes_on:
        if mode == "image":
            raise unusable("messages: in image mode the last message must be a user's.")
        users = [replace(message, attachments=()) for message in messages if message.role == "user"]
        messages = users[-1:]
    elif last != "user":
        raise unusable("messages: the last message must be a user's.")
    if mode == "image" and (messages[-1].attachments or not messages[-1].text):
        raise unusable("messages: in image mode the last message must be text, without attachments.")
    at_message = body.get("messageId")
    resumable = body.get("resumable")
    if resumable is not None and not isinstance(resumable, bool):
        raise bad_request("resumable must be true or false.")
    return ChatRequest(
        conversation_id,
        tuple(messages),
        mode,
        tuple(systems),
        _image(body.get("image")),
        positional=len(sent) > 1 or "parts" in sent[-1] or any(key in body for key in WHOLE_LIST_KEYS),
        at_message=check_id(at_message, "messageId") if at_message is not None else None,
        resumable=resumable,
        file_ids=_file_ids(body.get("file_ids")),
        goes_on=goes_on,
        answers=tuple(call_answers(sent, is_listing_a_yes=approvals and framing_of(body) is ASSISTANT_UI)),
        tools=client_tools(body.get("tools")),
        approvals=approvals,
    )


def _mode(value: object) -> Mode:
    if value is None:
        return "chat"
    for mode in MODES:
        if value == mode:
            return mode
    raise bad_request(f"mode must be {' or '.join(MODES)}.")


def _with_text(attachment: Attachment) -> Attachment:
    if attachment.content is None:
        return attachment
    found = read_file(attachment)
    return replace(attachment, content=None, text=found) if isinstance(found, str) else attachment


def _check_length(request: ChatRequest, max_characters: int) -> None:
    """A 422 if the new message, including attached texts, is longer than `max_characters`."""
    message = request.messages[-1]
    if len(message.text) + sum(len(file.text or "") for file in message.attachments) > max_characters:
        raise unusable(
            f"messages: the last message is longer than {max_characters} characters (MAX_MESSAGE_CHARACTERS)."
        )


def _sent(body: dict[str, Any]) -> list[Any]:
    messages = body.get("messages")
    if messages is not None:
        if not isinstance(messages, list):
            raise bad_request("messages must be a list.")
        if not messages:
            raise bad_request("messages must not be empty.")
        return messages
    message = body.get("message")
    if isinstance(message, str):
        return [{"role": "user", "content": message}]
    if message is None:
        raise bad_request("messages and message are both missing: send one of them.")
    return [message]


def _message(value: dict[str, Any], role: Any, name: str, *, is_last: bool) -> SentMessage:
    # Only a new conversation needs the files of earlier messages.
    content = parse_content(value, name, must_have_files=is_last)
    if is_last and not content.text.strip() and not content.attachments:
        raise bad_request(f"{name}.content is empty: send text or an attachment.")
    message_id = value.get("id")
    if message_id is None:
        message_id = value.get("unstable_id")
    return SentMessage(
        role,
        content.text,
        check_id(message_id, f"{name}.id") if message_id is not None else None,
        content.attachments if role == "user" else (),
    )


def _image(value: object) -> ImageOptions:
    if value is None:
        return ImageOptions()
    if not isinstance(value, dict):
        raise bad_request("image must be an object.")
    options = {name: value[name] for name in ("size", "quality", "style") if value.get(name) is not None}
    for name, option in options.items():
        if not isinstance(option, str) or not IMAGE_OPTION.fullmatch(option):
            raise bad_request(f"image.{name} must be a short word, for example 1024x1024, high or vivid.")
    return ImageOptions(**options)


def _file_ids(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_FILE_IDS:
        raise bad_request(f"file_ids must be a list of at most {MAX_FILE_IDS} file ids.")
    return tuple(check_id(file_id, f"file_ids[{index}]") for index, file_id in enumerate(value))


def _string(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise bad_request(f"{field} must be a string.")
    return value
