"""The messages of a chat request: read from JSON, and refused where Azure refuses a history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..gateway import errors, tokens

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `text` joins its text parts; `pictures` counts its image parts; `answers` is a tool call's id."""

    role: str
    text: str
    pictures: int = 0
    calls: tuple[ToolCall, ...] = ()
    answers: str | None = None

    def tokens(self) -> int:
        arguments = sum(tokens.count(call.name + call.arguments) for call in self.calls)
        return tokens.PER_MESSAGE + tokens.count(self.text) + arguments + tokens.PER_PICTURE * self.pictures


@dataclass(frozen=True, slots=True)
class Conversation:
    messages: tuple[Message, ...]

    @property
    def turn(self) -> tuple[Message, ...]:
        """What follows the last user message: the answers and tool results of the running turn."""
        last = max((at for at, message in enumerate(self.messages) if message.role == "user"), default=-1)
        return self.messages[last + 1 :]

    @property
    def question(self) -> Message:
        """The last user message, an empty one where there is none."""
        users = (message for message in reversed(self.messages) if message.role == "user")
        return next(users, Message("user", ""))

    @property
    def step(self) -> int:
        """Which model call of the turn this is, from 0: the answers since the last user message."""
        return sum(message.role == "assistant" for message in self.turn)

    def tokens(self) -> int:
        return tokens.PER_MESSAGE + sum(message.tokens() for message in self.messages)

    def calls(self) -> Mapping[str, ToolCall]:
        """Every tool call of the history by its id."""
        return {call.id: call for message in self.messages for call in message.calls}


def read_conversation(given: object) -> Conversation:
    """The messages of a request; AzureError 400 naming the message that is wrong."""
    if given is None:
        raise errors.missing("messages")
    if not isinstance(given, list):
        raise errors.wrong_type("messages", "an array of objects")
    if not given:
        raise errors.invalid(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "messages",
            "empty_array",
        )
    messages = tuple(_message(item, index) for index, item in enumerate(given))
    _check_tool_history(messages)
    return Conversation(messages)


def _message(item: object, index: int) -> Message:
    where = f"messages[{index}]"
    if not isinstance(item, dict):
        raise errors.wrong_type(where, "an object")
    role = item.get("role")
    if role is None:
        raise errors.missing(f"{where}.role")
    if role not in ROLES:
        allowed = ", ".join(f"'{name}'" for name in sorted(ROLES))
        raise errors.bad_value(str(role), f"supported values are: {allowed}")
    calls = _calls(item.get("tool_calls"), where) if role == "assistant" else ()
    text, pictures = _content(item.get("content"), index, role, bool(calls) or "refusal" in item)
    answers = item.get("tool_call_id")
    if role == "tool" and not isinstance(answers, str):
        raise errors.missing(f"{where}.tool_call_id")
    return Message(role, text, pictures, calls, answers if role == "tool" else None)


def _content(given: object, index: int, role: str, may_be_absent: bool) -> tuple[str, int]:
    if isinstance(given, str):
        return given, 0
    param = f"messages.[{index}].content"
    if given is None and may_be_absent:
        return "", 0
    if not isinstance(given, list):
        got = "null" if given is None else "something else"
        raise errors.invalid(f"Invalid value for 'content': expected a string, got {got}.", param)
    texts = [_part(part, index, role, param) for part in given]
    return "".join(text for text in texts if text is not None), texts.count(None)


def _part(part: object, index: int, role: str, param: str) -> str | None:
    """The text of a part, None for a picture."""
    kind = part.get("type") if isinstance(part, dict) else None
    if isinstance(part, dict) and kind in ("text", "refusal") and isinstance(text := part.get(kind), str):
        return text
    if kind != "image_url":
        raise errors.invalid(f"Invalid value for 'content': unsupported part '{kind}'.", param, "invalid_value")
    if role != "user":
        message = (
            f"Invalid 'messages[{index}]'. Image URLs are only allowed for messages with role 'user', "
            f"but this message with role '{role}' contains an image URL."
        )
        raise errors.invalid(message, f"messages[{index}]", "invalid_value")
    return None


def _calls(given: object, where: str) -> tuple[ToolCall, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not given:
        message = f"Invalid '{where}.tool_calls': expected an array with minimum length 1."
        raise errors.invalid(message, f"{where}.tool_calls", "empty_array")
    return tuple(_call(item, f"{where}.tool_calls[{index}]") for index, item in enumerate(given))


def _call(item: object, where: str) -> ToolCall:
    function = item.get("function") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(function, dict):
        raise errors.missing(f"{where}.function")
    values = (item.get("id"), function.get("name"), function.get("arguments"))
    for name, value in zip(("id", "function.name", "function.arguments"), values, strict=True):
        if not isinstance(value, str):
            raise errors.missing(f"{where}.{name}")
    return ToolCall(*(str(value) for value in values))


def _check_tool_history(messages: Sequence[Message]) -> None:
    """Every tool call is followed by its result, and every result follows its call."""
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        param = f"messages.[{index}].role"
        if message.role == "tool":
            if message.answers not in waiting:
                raise errors.invalid(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
                    "with 'tool_calls'.",
                    param,
                )
            waiting.discard(message.answers)
            continue
        if waiting:
            raise _unanswered(waiting, param)
        waiting = {call.id for call in message.calls}
    if waiting:
        raise _unanswered(waiting, f"messages.[{len(messages)}].role")


def _unanswered(waiting: set[str], param: str) -> errors.AzureError:
    message = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(sorted(waiting))}"
    )
    return errors.invalid(message, param)
