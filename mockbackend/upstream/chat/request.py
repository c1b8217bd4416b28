"""The request of a chat completion: messages as the API takes them, the tools, and what the settings add.

With `messages.answer_parts` and `alternation` it keeps the rules of a valid history: each tool call is followed by its
result, an image is never part of an assistant's message, and neither a refused prompt is sent again nor what its turn
had by then.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, assert_never

import orjson

from ...messages import NOT_ANSWERED, Message, Part, ToolPart
from ...settings import Settings
from ...storage import Image
from .alternation import Wire
from .splicing import Spliced

# Azure takes 50 images in a request, the whole conversation's together; OpenAI takes 50 MB of base64.
MAX_IMAGES = 50
MAX_IMAGE_BYTES = 36 * 1024 * 1024
# How an attached text begins in a request.
ATTACHED = "[File "
LoadImage = Callable[[str], Awaitable[Image | None]]


def request_body(
    settings: Settings, messages: list[Wire | Spliced], tools: list[Wire], max_tokens: int | None, *, may_call: bool
) -> Wire:
    """The request without its model; `may_call` says whether the model may call the tools this time."""
    body: Wire = {"messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    optional = {
        "temperature": settings.chat_temperature,
        "max_completion_tokens": max_tokens,
        "reasoning_effort": settings.chat_reasoning_effort or None,
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    if tools:
        body |= {"tools": tools, **({} if may_call else {"tool_choice": "none"})}
    return body


def said(history: list[Message], images: Mapping[int, Image | None]) -> list[Wire]:
    """What a request has of these messages, before they are made to take turns. Images by the id() of their parts."""
    wire: list[Wire] = []
    refused_turn = None
    for message in history:
        if message.get("refused"):
            refused_turn = message["turn"]
        elif message["role"] == "user":
            if content := _user_content(message["parts"], images):
                wire.append({"role": "user", "content": content})
        elif message["turn"] != refused_turn:
            # If a later step was refused, the reason may be the result of a tool.
            wire += _answer_messages(message["parts"])
    return wire


async def newest_images(history: list[Message], load_image: LoadImage) -> dict[int, Image | None]:
    """The users' newest images that a request has room for, by the id() of their parts; None for a deleted one."""
    found: dict[int, Image | None] = {}
    room = MAX_IMAGE_BYTES
    for message in reversed(history):
        if message["role"] != "user" or message.get("refused"):
            continue
        for part in reversed(message["parts"]):
            if part["type"] != "picture":
                continue
            image = await load_image(part["token"])
            room -= len(image.content) if image else 0
            if room < 0 or len(found) == MAX_IMAGES:
                return found
            found[id(part)] = image
    return found


def _user_content(parts: list[Part], images: Mapping[int, Image | None]) -> str | list[Wire]:
    """A text, or a list of parts that say something; nothing if none does."""
    content: list[Wire] = []
    for part in parts:
        match part["type"]:
            case "text":
                if part["text"].strip():
                    content.append({"type": "text", "text": part["text"]})
            case "attachment":
                content.append({"type": "text", "text": f"{ATTACHED}{part['name']}]\n{part['text']}"})
            case "picture":
                if image := images.get(id(part)):
                    data = base64.b64encode(image.content).decode()
                    url = f"data:{image.media_type};base64,{data}"
                    content.append({"type": "image_url", "image_url": {"url": url}})
                else:
                    content.append({"type": "text", "text": "[An image that is no longer available]"})
            case "reasoning" | "step" | "tool" | "source" | "data" | "engine":
                pass  # only in answers
            case _:
                assert_never(part)
    return content[0]["text"] if [part["type"] for part in parts] == ["text"] and content else content


def _answer_messages(parts: list[Part]) -> list[Wire]:
    wire: list[Wire] = []
    step: list[Part] = []
    for part in parts:
        if part["type"] == "step":
            wire += _step_messages(step)
            step = []
        else:
            step.append(part)
    return wire + _step_messages(step)


def _step_messages(parts: list[Part]) -> list[Wire]:
    text = "".join(_text(part) for part in parts)
    calls = [part for part in parts if part["type"] == "tool"]
    if not text.strip():
        text = ""
    if not calls:
        return [{"role": "assistant", "content": text}] if text else []
    wanted_back = _engine_data(parts)
    called: Wire = {
        "role": "assistant",
        "content": text or None,
        **_reasoning(parts, wanted_back),
        "tool_calls": [_call(call, wanted_back["calls"].get(call["id"], {})) for call in calls],
    }
    return [called, *({"role": "tool", "tool_call_id": call["id"], "content": _result(call)} for call in calls)]


def _engine_data(parts: list[Part]) -> dict[str, Any]:
    """What the engine wants back with this message: with its calls by their ids, and with itself."""
    found: dict[str, Any] = {"calls": {}}
    for part in parts:
        if part["type"] == "engine":
            found |= {key: value for key, value in part["data"].items() if key != "calls"}
            found["calls"] |= part["data"].get("calls", {})
    return found


def _reasoning(parts: list[Part], wanted_back: Mapping[str, Any]) -> Wire:
    """The reasoning before a call, under the name that the engine has for it. Others than such engines get none."""
    found: Wire = {}
    text = "".join(part["text"] for part in parts if part["type"] == "reasoning")
    if text.strip() and (name := wanted_back.get("reasoning_field")):
        found[name] = text
    if details := wanted_back.get("reasoning_details"):
        found["reasoning_details"] = details
    return found


def _call(call: ToolPart, others: Mapping[str, Any]) -> Wire:
    function = {"name": call["name"], "arguments": orjson.dumps(call["args"]).decode(), **others.get("function", {})}
    return {**others, "id": call["id"], "type": "function", "function": function}


def _text(part: Part) -> str:
    match part["type"]:
        case "text":
            return part["text"]
        case "picture":
            prompt = part.get("revised_prompt")
            return f"[An image was made and shown here{': ' + prompt if prompt else ''}]"
        case "reasoning" | "step" | "tool" | "source" | "data" | "attachment" | "engine":
            return ""
        case _:
            assert_never(part)


def _result(call: ToolPart) -> str:
    # Each call needs one, whatever is stored.
    result = call.get("result", {"error": NOT_ANSWERED})
    return result if isinstance(result, str) and result.strip() else orjson.dumps(result).decode()
