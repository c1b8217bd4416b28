"""The events of the Responses API as exact bytes, for a model API that sends them."""

from __future__ import annotations

from typing import Any

from tests.harness.raw_model import STREAM, event


def words(text: Any) -> bytes:
    """A text delta."""
    return event({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text})


def added(item: Any, place: int = 0) -> bytes:
    """An item that begins."""
    return event({"type": "response.output_item.added", "output_index": place, "item": item})


def done(item: Any, place: int = 0) -> bytes:
    """An item that is whole."""
    return event({"type": "response.output_item.done", "output_index": place, "item": item})


def arguments(fragment: Any, place: int = 0) -> bytes:
    """A piece of a call's arguments."""
    return event({"type": "response.function_call_arguments.delta", "output_index": place, "delta": fragment})


def ended(status: str = "completed", **keys: Any) -> bytes:
    """The end of the response."""
    return event({"type": f"response.{status}", "response": {"status": status, "output": [], **keys}})


def call(name: str = "get_current_time", arguments: str = '{"timezone": "UTC"}', **keys: Any) -> dict[str, Any]:
    """A function call as an item."""
    return {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "arguments": arguments, **keys}


def message(*texts: str) -> dict[str, Any]:
    """A message as an item."""
    content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": content}


END = ended()
ANSWER = (STREAM, words("fine"), END)
