"""Which images of a history are sent if there are too many."""

from __future__ import annotations

import pytest

from mockbackend.messages import Message, Part
from mockbackend.storage import Image
from mockbackend.storage.exchanges import exchanges
from mockbackend.upstream.chat import request
from mockbackend.upstream.chat.splicing import expanded
from mockbackend.upstream.chat.window import window_messages


@pytest.fixture(autouse=True)
def _low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "MAX_IMAGE_BYTES", 36 * 1024)


def asked(*tokens: str, refused: bool = False) -> Message:
    parts: list[Part] = [{"type": "picture", "token": token} for token in tokens]
    message: Message = {"id": "m", "role": "user", "turn": "t", "at": 0, "parts": parts}
    return {**message, "refused": True} if refused else message


async def sent(*history: Message) -> tuple[list[list[str]], list[str]]:
    """The types of each message's parts, and the images that were loaded, each a third of what is allowed."""
    loaded: list[str] = []

    async def load(token: str) -> Image:
        loaded.append(token)
        return Image("image/png", bytes(request.MAX_IMAGE_BYTES // 3))

    wire = expanded(await window_messages(exchanges(list(history)), [], load, "chat"))
    asked_with = [message["content"] for message in wire if message["role"] == "user"]
    return [[part["type"] for part in content] for content in asked_with], loaded


async def test_the_newest_images_are_sent_up_to_the_limit_of_bytes() -> None:
    types, loaded = await sent(asked("a", "b"), asked("c", "d"))
    assert types == [["text", "image_url"], ["image_url", "image_url"]]
    assert loaded == ["d", "c", "b", "a"]


async def test_images_of_a_refused_prompt_do_not_count() -> None:
    types, loaded = await sent(asked("a", "b", "c"), asked("x", "y", "z", refused=True))
    assert types == [["image_url"] * 3]
    assert loaded == ["c", "b", "a"]
