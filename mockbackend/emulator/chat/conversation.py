"""The messages of a chat request, refused where Azure refuses a history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..gateway import errors, tokens

ROLES = ("assistant", "developer", "function", "system", "tool", "user")


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `text` joins its text parts, `images` counts its image parts; `tool_call_id` is a tool result's."""

    role: str
    text: str
    images: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    def tokens(self) -> int:
        arguments = sum(tokens.count(call.name + call.arguments) for call in self.tool_calls)
        return tokens.PER_MESSAGE + tokens.count(self.text) + arguments + tokens.PER_IMAGE * self.images


@dataclass(frozen=True, slots=True)
class Conversation:
    messages: tuple[Message, ...]

    @property
    def turn(self) -> tuple[Message, ...]:
        """The answers and tool results since the last user message."""
        last = max((at for at, message in enumerate(self.messages) if message.role == "user"), default=-1)
        return self.messages[last + 1 :]

    @property
    def question(self) -> Message:
        """The last user message; an empty one if nobody has spoken."""
        users = (message for message in reversed(self.messages) if message.role == "user")
        return next(users, Message("user", ""))

    @property
    def step(self) -> int:
        """The number of this model call within the turn, from 0: it counts the answers since the last user message."""
        return sum(message.role == "assistant" for message in self.turn)

    @property
    def tool_result(self) -> str | None:
        """The result of a tool, where that is the last message."""
        last = self.messages[-1] if self.messages else None
        return last.text if last is not None and last.role == "tool" else None

    def tokens(self) -> int:
        return tokens.PER_MESSAGE + sum(message.tokens() for message in self.messages)

    def mentions(self, word: str) -> bool:
        """Whether a message has the word, in upper or lower case."""
        return any(word in message.text.casefold() for message in self.messages)

    def calls_by_id(self) -> Mapping[str, ToolCall]:
        """Every tool call of the history."""
        return {call.id: call for message in self.messages for call in message.tool_calls}


def read_conversation(given: object) -> Conversation:
    """Read the messages of a request; AzureError 400 names the message that is wrong."""
    if given is None:
        raise errors.missing_parameter("messages")
    if not isinstance(given, list):
        raise errors.wrong_type("messages", "an array of objects")
    if not given:
        raise errors.empty_array("messages")
    messages = tuple(_message(item, index) for index, item in enumerate(given))
    _check_tool_history(messages)
    return Conversation(messages)


def _message(item: object, index: int) -> Message:
    where = f"messages[{index}]"
    if not isinstance(item, dict):
        raise errors.wrong_type(where, "an object")
    role = item.get("role")
    if role is None:
        raise errors.missing_parameter(f"{where}.role")
    if role not in ROLES:
        allowed = ", ".join(f"'{name}'" for name in ROLES)
        raise errors.invalid_value(str(role), f"supported values are: {allowed}")
    tool_calls = _tool_calls(item.get("tool_calls"), where) if role == "assistant" else ()
    text, images = _content(item.get("content"), index, role, bool(tool_calls) or "refusal" in item)
    tool_call_id = item.get("tool_call_id")
    if role == "tool" and not isinstance(tool_call_id, str):
        raise errors.missing_parameter(f"{where}.tool_call_id")
    return Message(role, text, images, tool_calls, tool_call_id if role == "tool" else None)


def _content(given: object, index: int, role: str, may_be_absent: bool) -> tuple[str, int]:
    if isinstance(given, str):
        return given, 0
    param = f"messages.[{index}].content"
    if given is None and may_be_absent:
        return "", 0
    if not isinstance(given, list):
        got = "null" if given is None else "something else"
        raise errors.invalid_request(f"Invalid value for 'content': expected a string, got {got}.", param)
    texts = [_part(part, index, role, param) for part in given]
    return "".join(text for text in texts if text is not None), texts.count(None)


def _part(part: object, index: int, role: str, param: str) -> str | None:
    """The text of a part, None for an image."""
    kind = part.get("type") if isinstance(part, dict) else None
    if isinstance(part, dict) and kind in ("text", "refusal") and isinstance(text := part.get(kind), str):
        return text
    if kind != "image_url":
        raise errors.invalid_request(f"Invalid value for 'content': unsupported part '{kind}'.", param, "invalid_value")
    if role != "user":
        message = (
            f"Invalid 'messages[{index}]'. Image URLs are only allowed for messages with role 'user', "
            f"but this message with role '{role}' contains an image URL."
        )
        raise errors.invalid_request(message, f"messages[{index}]", "invalid_value")
    return None


def _tool_calls(given: object, where: str) -> tuple[ToolCall, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not given:
        message = f"Invalid '{where}.tool_calls': expected an array with minimum length 1."
        raise errors.invalid_request(message, f"{where}.tool_calls", "empty_array")
    return tuple(_tool_call(item, f"{where}.tool_calls[{index}]") for index, item in enumerate(given))


def _tool_call(item: object, where: str) -> ToolCall:
    custom = isinstance(item, dict) and item.get("type") == "custom"
    key, said = ("custom", "input") if custom else ("function", "arguments")
    function = item.get(key) if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(function, dict):
        raise errors.missing_parameter(f"{where}.{key}")
    values = (item.get("id"), function.get("name"), function.get(said))
    for name, value in zip(("id", f"{key}.name", f"{key}.{said}"), values, strict=True):
        if not isinstance(value, str):
            raise errors.missing_parameter(f"{where}.{name}")
    return ToolCall(*(str(value) for value in values))


def _check_tool_history(messages: Sequence[Message]) -> None:
    """Check that every tool call is followed by its result, and every result follows its call."""
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        param = f"messages.[{index}].role"
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                raise errors.invalid_request(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
                    "with 'tool_calls'.",
                    param,
                )
            waiting.discard(message.tool_call_id)
            continue
        if waiting:
            raise _unanswered(waiting, param)
        waiting = {call.id for call in message.tool_calls}
    if waiting:
        raise _unanswered(waiting, f"messages.[{len(messages)}].role")


def _unanswered(waiting: set[str], param: str) -> errors.AzureError:
    message = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(sorted(waiting))}"
    )
    return errors.invalid_request(message, param)
