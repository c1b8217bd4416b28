"""A parsed chat request: the values that routes hand to the turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..images.generator import ImageOptions
from ..messages import NamedDocument

Mode = Literal["chat", "image"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file sent with a message: its bytes (`content`), or the URL of an image.

    `media_type` is in lower case and without parameters, of which `charset` is one. `text` is what the bytes say, once
    they have been read. `problem` is what is wrong with a file that only a new conversation needs.
    """

    media_type: str
    name: str
    content: bytes | None = None
    url: str | None = None
    charset: str = ""
    text: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message as it was sent. `id` is the client's, if any; `documents` are those of its request, once found."""

    role: Literal["user", "assistant"]
    text: str
    id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    documents: tuple[NamedDocument, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One POST /chat. The last of `messages` is the user's new one.

    `positional`: the list is the client's whole conversation, so its length says where the new message goes.
    `at_message`: the id of the message that the client wants to edit or regenerate.
    `file_ids`: the documents that may be searched; None means all of the user's.
    `resumable`: the turn goes on when nobody reads it; None means as the settings say.
    """

    conversation_id: str | None
    messages: tuple[SentMessage, ...]
    mode: Mode
    systems: tuple[str, ...] = ()
    image: ImageOptions = ImageOptions()
    positional: bool = False
    at_message: str | None = None
    resumable: bool | None = None
    file_ids: tuple[str, ...] | None = None
