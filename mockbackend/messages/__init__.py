"""Stored messages: plain dicts, one a user's message and one all that answers it.

    {"id", "role": "user", "turn", "at", "parts", "documents"?, "refused"?}
    {"id", "role": "assistant", "turn", "at", "parts", "finish", "usage", "incomplete"?, "error"?}

`at` is integer milliseconds, `turn` the id of the turn that wrote it. `documents` are the files that the user named to
be searched. `refused` marks a prompt that the content filter refused: it is shown and never sent again. `Part` lists
what a message consists of, each with its own `type`.
"""

from .answer import (
    INTERRUPTED,
    NOT_ANSWERED,
    answer_message,
    answer_parts,
)
from .answer_events import answer_events
from .kinds import (
    Approval,
    AttachmentPart,
    DataPart,
    EnginePart,
    ImagePart,
    Message,
    NamedDocument,
    Part,
    ReasoningPart,
    SourcePart,
    StepPart,
    TextPart,
    ToolPart,
)
from .reading import (
    COMMAND,
    MANY_CHARACTERS,
    MANY_MESSAGES,
    TITLE_CHARACTERS,
    UNTITLED,
    error_text,
    is_long,
    is_much,
    is_open,
    now_ms,
    open_calls,
    text_of,
    title_of,
    without_commands,
)

__all__ = [
    "COMMAND",
    "INTERRUPTED",
    "MANY_CHARACTERS",
    "MANY_MESSAGES",
    "NOT_ANSWERED",
    "TITLE_CHARACTERS",
    "UNTITLED",
    "Approval",
    "AttachmentPart",
    "DataPart",
    "EnginePart",
    "ImagePart",
    "Message",
    "NamedDocument",
    "Part",
    "ReasoningPart",
    "SourcePart",
    "StepPart",
    "TextPart",
    "ToolPart",
    "answer_events",
    "answer_message",
    "answer_parts",
    "error_text",
    "is_long",
    "is_much",
    "is_open",
    "now_ms",
    "open_calls",
    "text_of",
    "title_of",
    "without_commands",
]
