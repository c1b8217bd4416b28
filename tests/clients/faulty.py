"""What clients make of faults on their wire: the oldest and the newest AI SDK, and assistant-ui in both framings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.clients.client import CLIENTS, Client

FAULTED = [one for one in CLIENTS if one.name in ("AI SDK 4", "AI SDK 7") or one.kind == "assistant-ui"]
# What the service says of a status that was asked for, and of a late error.
ASKED = "The mock was asked for this error."
# What Node says of a connection that was closed in the middle of a body.
CUT = "terminated"
NO_END = "Stream ended abruptly"
# What the clients say of a line that they do not know. assistant-ui passes it over in the UI message stream.
UNKNOWN = {"AI SDK 4": "Invalid code z", "AI SDK 7": "Type validation", "assistant-ui, data stream": "chunk type: z"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client holds in the end: the words of the answer, and what its error says, if there is one."""

    words: str
    error: str | None = None

    def is_met_by(self, held: dict[str, Any]) -> bool:
        """Whether a page holds this. AI SDK 4 shows nothing of a chunk in which a line is unknown to it."""
        shown, said = answer_in(held), held.get("error") or ""
        is_shown = self.words.startswith(shown) if "Invalid code" in said else shown == self.words
        return is_shown and (self.error or "") in said

    @property
    def status(self) -> str:
        """The status of the hook."""
        return "ready" if self.error is None else "error"


def expected(client: Client, asked: str, lines: list[str]) -> Outcome:
    """What becomes of an answer that is asked for with this fault. `lines` are the words of each of its lines."""
    whole = "".join(lines)
    match asked.split("=")[0]:
        case "status":
            return Outcome("", ASKED)
        case "cut":
            return Outcome("".join(lines[:4]), CUT)
        case "end":
            # It alone looks for [DONE].
            looks = client.kind == "assistant-ui" and client.protocol == "ui"
            return Outcome("".join(lines[:4]), NO_END if looks else None)
        case "repeat":
            return Outcome("".join([*lines[:4], *lines[3:]]))
        case "late_error":
            return Outcome("".join(lines[:4]), ASKED)
        case "unknown_line" if client.name in UNKNOWN:
            return Outcome("".join(lines[:3]), UNKNOWN[client.name])
    return Outcome(whole)


def answer_in(held: dict[str, Any]) -> str:
    """The words of the answer that a page shows, which is the last message."""
    return str(held["shown"]).rpartition("assistant: ")[2] if "assistant: " in held["shown"] else ""


FAULTS = [
    "status=429,retry_after=1",
    "delay=0.3",
    "cut=4",
    "end=4",
    "split=3",
    "silence.after=3,silence.seconds=0.4",
    "repeat=4",
    "late_error=4",
    "drop=tool_result",
    "unknown_line=4",
    "buffered",
]
