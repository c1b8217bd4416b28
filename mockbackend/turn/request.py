"""A parsed chat request: the values that routes hand to the turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..agent.client_tool import ClientTool
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


AnswerKind = Literal["result", "yes", "no", "listed"]


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """What a client says of a tool call that waits for it: its result, or the user's yes or no with its `reason`.

    A call that is only `listed` has come without any, which is assistant-ui's yes. Of a result, `failed` says that
    `value` is an error, and `is_no` that it is a no where the call asks. `approval_id` is None where the client names
    none.
    """

    call_id: str
    kind: AnswerKind
    value: Any = None
    failed: bool = False
    is_no: bool = False
    reason: str = ""
    approval_id: str | None = None

    @property
    def decides(self) -> bool:
        """Whether it is a yes or no itself, and not what has become of it."""
        return self.approval_id is not None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One POST /chat. The last of `messages` is the user's new one.

    `goes_on`: instead the answer before goes on with what `answers` have; `messages` is the user's last one at most.
    `answers` may come with a new message as well. `tools` are the client's own, `approvals` says that it can ask its
    user for a yes.

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
    goes_on: bool = False
    answers: tuple[CallAnswer, ...] = ()
    tools: tuple[ClientTool, ...] = ()
    approvals: bool = False

    @property
    def text(self) -> str:
        """What the last message says."""
        return self.messages[-1].text if self.messages else ""
