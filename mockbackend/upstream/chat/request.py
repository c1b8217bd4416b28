"""History as the chat completions API takes it.

The valid-history rule lives here and in `messages.answer_parts`: every tool call is followed by its result, no image
is ever an assistant's part, and a prompt that was refused is not sent again, nor what its turn had found by then.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, assert_never

import orjson

from ...messages import Message, Part, ToolPart
from ...storage import Image

# Azure takes 50 in a request, in the whole conversation that is; OpenAI 50 MB, as base64.
MOST_PICTURES = 50
MOST_PICTURE_BYTES = 36 * 1024 * 1024
Wire = dict[str, Any]
LoadImage = Callable[[str], Awaitable[Image | None]]


async def wire_messages(history: list[Message], systems: list[str], load_image: LoadImage) -> list[Wire]:
    """The request's `messages`: the system's words, then the history."""
    wire: list[Wire] = [{"role": "system", "content": words} for words in systems]
    images = await _newest_images(history, load_image)
    refused_turn = None
    for message in history:
        if message.get("refused"):
            refused_turn = message["turn"]
        elif message["role"] == "user":
            if content := _user_content(message["parts"], images):
                wire.append({"role": "user", "content": content})
        elif message["turn"] != refused_turn:
            # Where a later step was refused, it may have been for the result of a tool.
            wire += _answer(message["parts"])
    return wire


async def _newest_images(history: list[Message], load_image: LoadImage) -> dict[int, Image | None]:
    """The users' newest images, as many as a request may hold, by their parts' id(); None for one that is gone."""
    found: dict[int, Image | None] = {}
    room = MOST_PICTURE_BYTES
    for message in reversed(history):
        if message["role"] != "user" or message.get("refused"):
            continue
        for part in reversed(message["parts"]):
            if part["type"] != "picture":
                continue
            image = await load_image(part["token"])
            room -= len(image.content) if image else 0
            if room < 0 or len(found) == MOST_PICTURES:
                return found
            found[id(part)] = image
    return found


def _user_content(parts: list[Part], images: Mapping[int, Image | None]) -> str | list[Wire]:
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    content: list[Wire] = []
    for part in parts:
        match part["type"]:
            case "text":
                content.append({"type": "text", "text": part["text"]})
            case "attachment":
                content.append({"type": "text", "text": f"[File {part['name']}]\n{part['text']}"})
            case "picture":
                if image := images.get(id(part)):
                    data = base64.b64encode(image.content).decode()
                    url = f"data:{image.media_type};base64,{data}"
                    content.append({"type": "image_url", "image_url": {"url": url}})
                else:
                    content.append({"type": "text", "text": "[An image that can no longer be seen]"})
            case "reasoning" | "step" | "tool" | "source":
                pass  # an answer's
            case _:
                assert_never(part)
    return content


def _answer(parts: list[Part]) -> list[Wire]:
    wire: list[Wire] = []
    step: list[Part] = []
    for part in parts:
        if part["type"] == "step":
            wire += _step(step)
            step = []
        else:
            step.append(part)
    return wire + _step(step)


def _step(parts: list[Part]) -> list[Wire]:
    text = "".join(_words(part) for part in parts)
    calls = [part for part in parts if part["type"] == "tool"]
    if not calls:
        return [{"role": "assistant", "content": text}] if text else []
    called: Wire = {
        "role": "assistant",
        "content": text or None,
        "tool_calls": [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": orjson.dumps(call["args"]).decode()},
            }
            for call in calls
        ],
    }
    return [called, *({"role": "tool", "tool_call_id": call["id"], "content": _result(call)} for call in calls)]


def _words(part: Part) -> str:
    match part["type"]:
        case "text":
            return part["text"]
        case "picture":
            prompt = part.get("revised_prompt")
            return f"[An image was made and shown here{': ' + prompt if prompt else ''}]"
        case "reasoning" | "step" | "tool" | "source" | "attachment":
            return ""
        case _:
            assert_never(part)


def _result(call: ToolPart) -> str:
    result = call["result"]
    return result if isinstance(result, str) else orjson.dumps(result).decode()
