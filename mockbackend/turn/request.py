"""What a front end asks for, parsed: the values between the routes and the turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..images.generator import ImageOptions

Mode = Literal["chat", "image"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message: text or image bytes (`content`), or an image's URL."""

    media_type: str
    name: str
    content: bytes | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message as it was sent; `id` where the client gave one."""

    role: Literal["user", "assistant"]
    text: str
    id: str | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One POST /chat. The last of `messages` is the user's new one.

    `positional`: the list is the client's whole conversation, so that its length says where the new message stands.
    `at_message`: the id of the message that the client wants answered anew or edited, where it named one.
    `file_ids`: the only documents that may be searched; None is all of the user's.
    `resumable`: the turn goes on when nobody reads it; None is what the settings say.
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
