"""The items of an input, read as the conversation that they are, and refused where OpenAI refuses them."""

from collections.abc import Mapping, Sequence

from ...mock import drawn
from ..chat.conversation import Conversation, Message, ToolCall
from ..gateway import errors

Item = Mapping[str, object]

ROLES = ("user", "assistant", "system", "developer")
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
OUTPUTS = ("function_call_output", "custom_tool_call_output")
PREFIXES = {
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fc",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctc",
}
TEXT_PARTS = ("input_text", "output_text", "refusal", "summary_text", "text")


def read_items(given: object) -> list[Item]:
    """The items of `input`, of which a text is one; AzureError 400 for anything else."""
    if given is None:
        raise errors.missing_parameter("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    if not isinstance(given, list):
        raise errors.wrong_type("input", "one of a string or array of input items")
    for index, item in enumerate(given):
        if not isinstance(item, dict):
            raise errors.wrong_type(f"input[{index}]", "an object")
    return given


def conversation_of(instructions: str | None, before: Sequence[Item], items: Sequence[Item]) -> Conversation:
    """The conversation: instructions, what a previous response held, and the items of this request."""
    messages = [] if instructions is None else [Message("developer", instructions)]
    reader = _Reader(messages)
    for item in before:
        reader.read(item, "input")
    for index, item in enumerate(items):
        reader.read(item, f"input[{index}]")
    reader.end()
    return Conversation(tuple(messages))


class _Reader:
    """Makes messages of items. What a model call gave, which may be several items, becomes one message."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages
        self._text = ""
        self._calls: list[ToolCall] = []
        self._answering = False
        self._open: dict[str, str] = {}

    def read(self, item: Item, where: str) -> None:
        kind = str(item.get("type", "message"))
        if kind == "message":
            self._message(item, where)
        elif kind == "reasoning":
            self._flush()
        elif kind in CALLS:
            self._call(item, kind, where)
        elif kind in OUTPUTS:
            self._output(item, where)
        else:
            allowed = ", ".join(f"'{name}'" for name in ("message", "reasoning", *CALLS, *OUTPUTS, "item_reference"))
            raise errors.invalid_value(kind, f"this emulator knows items of the types {allowed}")

    def end(self) -> None:
        self._flush()
        for call_id in self._open:
            raise errors.invalid_request(f"No tool output found for function call {call_id}.", "input")

    def _message(self, item: Item, where: str) -> None:
        role = item.get("role")
        if role is None:
            raise errors.missing_parameter(f"{where}.role")
        if role not in ROLES:
            allowed = ", ".join(f"'{name}'" for name in ROLES)
            raise errors.invalid_value(str(role), f"supported values are: {allowed}")
        text, images = _content(item.get("content"), str(role), f"{where}.content")
        if role != "assistant":
            self._flush()
            self._messages.append(Message("system" if role == "developer" else str(role), text, images))
            return
        if self._answering:
            self._flush()
        self._answering, self._text = True, text

    def _call(self, item: Item, kind: str, where: str) -> None:
        said = CALLS[kind]
        values = [item.get(key) for key in ("call_id", "name", said)]
        for key, value in zip(("call_id", "name", said), values, strict=True):
            if not isinstance(value, str):
                raise errors.missing_parameter(f"{where}.{key}")
        call = ToolCall(*(str(value) for value in values))
        self._calls.append(call)
        self._answering = True
        self._open[call.id] = call.name

    def _output(self, item: Item, where: str) -> None:
        call_id, output = item.get("call_id"), item.get("output")
        if not isinstance(call_id, str):
            raise errors.missing_parameter(f"{where}.call_id")
        if output is None:
            raise errors.missing_parameter(f"{where}.output")
        if self._open.pop(call_id, None) is None:
            message = f"No tool call found for function call output with call_id {call_id}."
            raise errors.invalid_request(message, "input")
        self._flush()
        text, images = _content(output, "user", f"{where}.output")
        self._messages.append(Message("tool", text, images, tool_call_id=call_id))

    def _flush(self) -> None:
        if self._answering:
            self._messages.append(Message("assistant", self._text, tool_calls=tuple(self._calls)))
        self._answering, self._text, self._calls = False, "", []


def _content(given: object, role: str, where: str) -> tuple[str, int]:
    """Text and number of images."""
    if isinstance(given, str):
        return given, 0
    if not isinstance(given, list):
        raise errors.wrong_type(where, "one of a string or array of content parts")
    texts: list[str] = []
    images = 0
    for index, part in enumerate(given):
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(part, dict) or kind not in _allowed(role):
            allowed = ", ".join(f"'{name}'" for name in _allowed(role))
            message = f"Invalid value: '{kind}'. Supported values are: {allowed}."
            raise errors.invalid_request(message, f"{where}[{index}]", "invalid_value")
        if kind in TEXT_PARTS:
            text = part.get("refusal" if kind == "refusal" else "text")
            if not isinstance(text, str):
                raise errors.missing_parameter(f"{where}[{index}].text")
            texts.append(text)
        elif kind == "input_image":
            images += 1
    return "".join(texts), images


def _allowed(role: str) -> tuple[str, ...]:
    if role == "assistant":
        return ("output_text", "refusal")
    return ("input_text", "input_image", "output_text", "refusal", "input_file", "summary_text")


def identified(item: Item) -> Item:
    """The item with an id, which is made where the client gave none."""
    if item.get("id"):
        return item
    return {**item, "id": f"{PREFIXES.get(str(item.get('type')), 'msg')}_{drawn.token_hex(24)}"}
