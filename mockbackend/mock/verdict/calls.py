"""One entry of a journal, as the checks read it. What a client sent may have any form."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

JOINED = re.compile(r"/chat/([^/?]+)/stream|[?&]chatId=([^&]+)")
READ = re.compile(r"/conversations/([^/?]+)")
# The parts of a message that are text; the last two are the Responses API's.
TEXTS = ("text", "input_text", "output_text")
# Keys of its bodies, which have the whole list.
OF_ASSISTANT_UI = ("parentId", "unstable_assistantMessageId")
ENDED_BADLY = ("error", "cut", "stopped", "client_gone")


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a client sent."""

    role: str
    text: str
    id: str | None
    value: Mapping[str, Any]


class Call:
    """One call of a program under test, or of the service for it."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.n: int = entry["n"]
        self.side: str = entry["side"]
        self.on: str = entry["on"]
        self.turn: str | None = entry.get("turn")
        self.method: str = entry["method"]
        self.path: str = entry["path"]
        self.headers: Mapping[str, str] = entry.get("headers") or {}
        self.body: Any = entry.get("body")
        self.status: int | None = entry.get("status")
        self.at: int = entry["at"]
        self.ended_at: int | None = entry.get("ended_at")
        self.state: str = entry["state"]
        self.rule: Any = entry.get("rule")
        self.retry_after: float | None = entry.get("retry_after")
        # Those of its answer by their ids: what each waits for, if anything, and the name of its tool.
        self.tool_calls = {one["id"]: (one["waits_for"], one["name"]) for one in entry.get("tool_calls") or ()}
        # An answer that was released ends otherwise.
        self.hold_ran_out = self.state == "held" and self.ended_at is not None
        # What the answer called its conversation, where the request did not.
        self._answered_in: str | None = entry.get("conversation")

    @property
    def name(self) -> str:
        """What a reader knows it by."""
        return f"{self.n} ({self.method} {self.path})"

    @property
    def _fields(self) -> Mapping[str, Any]:
        return self.body if isinstance(self.body, dict) else {}

    @cached_property
    def owner(self) -> str:
        """Whose call it is."""
        return self.headers.get("userid") or str(self._fields.get("user") or "")

    @cached_property
    def asked_in(self) -> str | None:
        """The conversation that the request names."""
        if self.on == "chat":
            named = self._fields.get("id") or self._fields.get("conversation_id")
            return str(named) if named else None
        found = (JOINED if self.on == "join" else READ).search(self.path)
        return next((part for part in found.groups() if part), None) if found else None

    @property
    def conversation(self) -> str | None:
        """The conversation that it belongs to, if that is known."""
        return self._answered_in or self.asked_in

    @cached_property
    def messages(self) -> list[Message]:
        """The messages that were sent."""
        sent = self._fields.get("messages")
        listed = sent if isinstance(sent, list) else _of_input(self._fields.get("input"))
        if not listed and (one := self._fields.get("message")):
            listed = [one if isinstance(one, dict) else {"role": "user", "content": one}]
        return [_message(value) for value in listed if isinstance(value, dict)]

    @cached_property
    def user_texts(self) -> list[str]:
        """What the user said in them."""
        return [message.text for message in self.messages if message.role == "user"]

    @property
    def is_answered(self) -> bool:
        """Whether it was not refused, as far as that is known."""
        return self.status is None or self.status < 400

    @property
    def begins_a_turn(self) -> bool:
        """Whether it is a message to the service that was not refused."""
        return self.on == "chat" and self.method == "POST" and self.is_answered

    @property
    def goes_on(self) -> bool:
        """Whether its list ends in an answer, which is to go on with what came of its tool calls."""
        return self.on == "chat" and bool(self.messages) and self.messages[-1].role in ("assistant", "tool")

    @property
    def open_calls(self) -> Mapping[str, str]:
        """What its answer has left open: `result` or `approval` by the ids of its tool calls."""
        return {one: waits_for for one, (waits_for, _) in self.tool_calls.items() if waits_for}

    def tool(self, ids: Collection[str]) -> str:
        """The names of these of its tool calls."""
        return ", ".join(name for one, (_, name) in self.tool_calls.items() if one in ids)

    @property
    def ended_badly(self) -> bool:
        """Whether there is a reason to send it again."""
        return not self.is_answered or self.state in ENDED_BADLY

    @property
    def is_unmatched(self) -> bool:
        """Whether it is a call of the model that a strict script or a recording refused, since no rule fitted.

        An engine's own refusal uses no rule up either, nor does `/mock help`.
        """
        return self.side == "model" and self.rule is None and self.status == 404

    def replaces(self, earlier: Call) -> bool:
        """Whether it regenerates or edits what the earlier call began, as the service understands it."""
        if self._fields.get("trigger") == "regenerate-message":
            return True
        if self.conversation is None or self.conversation != earlier.conversation:
            return False
        mine, theirs = (_last_user_id(call) for call in (self, earlier))
        if mine or theirs:
            return mine == theirs
        return self._has_a_place and len(self.user_texts) <= len(earlier.user_texts)

    @property
    def _has_a_place(self) -> bool:
        """Whether it sends the list of its messages, in which the place of the new one says what it replaces."""
        if any(key in self._fields for key in OF_ASSISTANT_UI):
            return True
        return len(self.messages) > 1 or any("parts" in message.value for message in self.messages)


def _last_user_id(call: Call) -> str | None:
    return next((message.id for message in reversed(call.messages) if message.role == "user"), None)


def _of_input(given: Any) -> list[Any]:
    """The items of a call of the Responses API, as messages."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return [_of_item(item) for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def _of_item(item: Mapping[str, Any]) -> Mapping[str, Any]:
    kind, call_id = str(item.get("type") or "message"), item.get("call_id")
    if kind == "message":
        return item
    if kind.endswith("_call_output"):
        return {"role": "tool", "tool_call_id": call_id}
    return {"role": "assistant", "tool_calls": [{"id": call_id, "function": {}}] if kind.endswith("_call") else []}


def _message(value: Mapping[str, Any]) -> Message:
    named = value.get("id")
    content = value.get("content") or value.get("parts") or ""
    return Message(str(value.get("role") or "user"), _text(content), str(named) if named else None, value)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content.strip()
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict) and part.get("type") in TEXTS)
    return "".join(text for text in texts if isinstance(text, str)).strip()
