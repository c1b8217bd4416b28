"""A chat request in the forms that its model takes: what it has refused is said in another way, or left out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, get_args

from ...errors import Form, UnsupportedForm
from ..learned import Learned
from .alternation import Wire, in_turn
from .splicing import expanded

IMAGE = "[An image, which you cannot see]"
ANY_REASONING = "[Not kept]"
# Google's own word for a call whose signature is not known.
UNSIGNED = {"google": {"thought_signature": "skip_thought_signature_validator"}}
ID_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
PLAIN: set[Form] = set(get_args(Form)) - {"absent reasoning", "unsigned calls", "unnamed results"}


def fitted(body: Wire, learned: Learned) -> Wire:
    """The request as the model takes it. Raises UnsupportedForm if its question shows an image to a blind model."""
    body = learned.without(body)
    forms = set(learned.forms)
    if "tools" in learned.parameters:
        forms.add("tool calls")
    if not forms and not learned.fields:
        return body
    messages = expanded(body["messages"])
    if "images" in forms and _shows_image(messages):
        raise UnsupportedForm("images")
    return {**body, "messages": _rewritten(messages, forms, learned.fields)}


def plain(body: Wire) -> Wire:
    """The request with nothing that it can do without, for an engine that says not what it refuses."""
    kept = {"messages", "stream"}
    messages = _rewritten(expanded(body["messages"]), PLAIN, {"reasoning_content", "reasoning", "reasoning_details"})
    return {**{name: value for name, value in body.items() if name in kept}, "messages": messages}


def _shows_image(messages: list[Wire]) -> bool:
    question = next(message for message in reversed(messages) if message["role"] == "user")
    return _has_image(question["content"])


def _has_image(content: Any) -> bool:
    return isinstance(content, list) and any(part["type"] == "image_url" for part in content)


def _rewritten(messages: list[Wire], forms: set[Form], fields: set[str]) -> list[Wire]:
    for form in sorted(forms):
        match form:
            case "images":
                messages = [{**message, "content": _as_text(message["content"])} for message in messages]
            case "lists of content":
                messages = [
                    {**one, "content": _as_text(one["content"])} if not _has_image(one["content"]) else one
                    for one in messages
                ]
            case "absent content":
                messages = [{**one, "content": one["content"] or "[Calls a tool.]"} for one in messages]
            case "call ids":
                messages = [_with_short_ids(message) for message in messages]
            case "absent reasoning":
                messages = [
                    {**one, "reasoning_content": one.get("reasoning_content") or ANY_REASONING}
                    if "tool_calls" in one
                    else one
                    for one in messages
                ]
            case "unsigned calls":
                messages = [_signed(message) for message in messages]
            case "unnamed results":
                messages = list(_named(messages))
            case "system message" | "tool calls":
                pass  # after all that concerns single messages
    if fields:
        messages = [_without(message, fields) for message in messages]
    if "tool calls" in forms:
        messages = _calls_as_text(messages)
    return _system_as_question(messages) if "system message" in forms else messages


def _as_text(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return "\n\n".join(part["text"] if part["type"] == "text" else IMAGE for part in content)


def _without(value: Any, fields: set[str]) -> Any:
    """A message without these fields, wherever they stand in it; a function keeps its name."""
    if isinstance(value, list):
        return [_without(item, fields) for item in value]
    if isinstance(value, dict):
        return {
            name: _without(item, fields - {"name"} if name == "function" else fields)
            for name, item in value.items()
            if name not in fields
        }
    return value


def _with_short_ids(message: Wire) -> Wire:
    if message["role"] == "tool":
        return {**message, "tool_call_id": _short(message["tool_call_id"])}
    if "tool_calls" in message:
        return {**message, "tool_calls": [{**call, "id": _short(call["id"])} for call in message["tool_calls"]]}
    return message


def _short(call_id: str) -> str:
    """Nine letters and digits, as Mistral wants an id."""
    digest = hashlib.sha256(call_id.encode()).digest()
    return "".join(ID_CHARACTERS[byte % len(ID_CHARACTERS)] for byte in digest[:9])


def _signed(message: Wire) -> Wire:
    if "tool_calls" not in message:
        return message
    calls = [call if "extra_content" in call else {**call, "extra_content": UNSIGNED} for call in message["tool_calls"]]
    return {**message, "tool_calls": calls}


def _named(messages: Iterable[Wire]) -> Iterable[Wire]:
    names: dict[str, str] = {}
    for message in messages:
        names |= {call["id"]: call["function"]["name"] for call in message.get("tool_calls", ())}
        yield {**message, "name": names[message["tool_call_id"]]} if message["role"] == "tool" else message


def _calls_as_text(messages: list[Wire]) -> list[Wire]:
    """Calls as words of the assistant, their results as words of the user."""
    opening = [message for message in messages if message["role"] == "system"]
    texts: list[Wire] = []
    results: list[str] = []
    names: dict[str, str] = {}

    def flush() -> None:
        if results:
            texts.append({"role": "user", "content": "\n\n".join(results)})
            results.clear()

    for message in messages[len(opening) :]:
        if message["role"] == "tool":
            results.append(f"[Result of {names[message['tool_call_id']]}]\n{message['content']}")
            continue
        flush()
        if calls := message.get("tool_calls"):
            names |= {call["id"]: call["function"]["name"] for call in calls}
            words = [f"[Calls {call['function']['name']} with {call['function']['arguments']}]" for call in calls]
            said = [message["content"]] if message["content"] else []
            message = {"role": "assistant", "content": "\n".join([*said, *words])}
        texts.append(message)
    flush()
    return [*opening, *in_turn(texts)]


def _system_as_question(messages: list[Wire]) -> list[Wire]:
    """The system's words at the beginning of the first question."""
    system, *rest = messages
    if system["role"] != "system":
        return messages
    first, *others = rest
    content = first["content"]
    if isinstance(content, list):
        opened: Any = [{"type": "text", "text": system["content"]}, *content]
    else:
        opened = f"{system['content']}\n\n{content}"
    return [{**first, "content": opened}, *others]
