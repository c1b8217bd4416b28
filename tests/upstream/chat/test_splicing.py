"""A request that is encoded message by message: the same bytes as in one call."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mockbackend.messages import MANY_CHARACTERS, MANY_MESSAGES
from mockbackend.upstream.chat.splicing import (
    LARGE_BYTES,
    Spliced,
    encoded,
    encoded_by_message,
    expanded,
    is_large,
    of_request,
)
from mockbackend.upstream.chat.window import PIECE_BYTES, window_messages
from tests.storage.contract.acts import kept, message

KEPT = b'{"role":"user","content":"\\"messages\\":["},{"role":"assistant","content":"A"}'
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * LARGE_BYTES}}


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [Spliced(KEPT)],
        [{"role": "system", "content": '"messages":['}, Spliced(KEPT), {"role": "user", "content": "ü"}],
    ],
)
def test_the_bytes_are_the_same(messages: list[Any]) -> None:
    request = {"model": '"messages":[]', "messages": messages, "stream": True}
    assert encoded_by_message(request) == encoded(request)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"role": "user", "content": "a" * LARGE_BYTES}, False),
        ({"role": "user", "content": "a" * (LARGE_BYTES + 1)}, True),
        ({"role": "user", "content": [{"type": "text", "text": "a"}, IMAGE]}, True),
        ({"role": "assistant", "content": None, "tool_calls": []}, False),
        (Spliced(b" " * (LARGE_BYTES + 1)), True),
    ],
)
def test_what_is_large(message: Any, expected: bool) -> None:
    assert is_large({"model": "m", "messages": [message]}) is expected


def test_a_request_without_messages_is_not() -> None:
    assert not is_large({"model": "m", "prompt": "a" * (LARGE_BYTES + 1)})


@pytest.mark.parametrize(
    ("messages", "is_apart"),
    [
        ([{"role": "user", "content": "a" * MANY_CHARACTERS}], False),
        ([{"role": "user", "content": "a"}, Spliced(b" " * MANY_CHARACTERS)], True),
        ([{"role": "user", "content": "a"}] * (MANY_MESSAGES + 1), True),
    ],
)
async def test_what_takes_long_is_made_on_a_thread(messages: list[Any], is_apart: bool) -> None:
    made_in = await of_request({"model": "m", "messages": messages}, threading.current_thread)
    assert (made_in is not threading.current_thread()) is is_apart


async def test_what_is_kept_is_spliced_in_pieces() -> None:
    said = ["a" * (PIECE_BYTES // 3)] * 10
    exchanges = [
        one._replace(wire=b'{"content":"%b"}' % text.encode())
        for one, text in zip(kept([message("user", f"t{n}", "?") for n in range(len(said))]), said, strict=True)
    ]

    async def no_image(token: str) -> None:
        raise AssertionError(token)

    *sent, _ = await window_messages(exchanges, [], no_image, "chat")
    sizes = [len(one.json) for one in sent if isinstance(one, Spliced)]
    assert len(sizes) == len(sent) == 4
    assert max(sizes) < 2 * PIECE_BYTES
    assert [one["content"] for one in expanded(sent)] == said
