"""A request that is encoded message by message: the same bytes as in one call."""

from __future__ import annotations

from typing import Any

import pytest

from mockbackend.upstream.chat.splicing import LARGE_BYTES, Spliced, encoded, encoded_by_message, is_large

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
