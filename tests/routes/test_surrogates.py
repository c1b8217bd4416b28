"""Halves of surrogate pairs, as JavaScript writes a text that was cut in the middle of a character."""

from __future__ import annotations

import httpx2
import pytest

from tests.harness.api import texts

MENDED: dict[str, tuple[bytes, str]] = {
    "a first half": (rb"a\ud83d", "a\ufffd"),
    "a second half": (rb"\uDE00b", "\ufffdb"),
    "halves in the wrong order": (rb"\ude00\ud83d", "\ufffd\ufffd"),
    "a half before a pair": (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
    "a half before another escape": (rb"\ud83d\n\ud83d\u00e9", "\ufffd\n\ufffdé"),
    "behind escaped backslashes": (rb"\\\\\ud83d \\ud83d", "\\\\\ufffd \\ud83d"),
    "bytes that are not UTF-8": (b"a\xed\xa0\xbd", "a\ufffd"),
}


@pytest.mark.parametrize("case", MENDED)
async def test_half_a_pair_in_the_new_message_becomes_u_fffd(client: httpx2.AsyncClient, case: str) -> None:
    sent, meant = MENDED[case]
    response = await client.post("/chat", content=b'{"message": "' + sent + b'"}')
    assert response.status_code == 200, response.text
    assert (await texts(client, response.headers["x-conversation-id"]))[0] == ("user", meant)


async def test_half_a_pair_in_an_old_message_is_no_matter(client: httpx2.AsyncClient) -> None:
    old = rb'{"role": "user", "content": "\ud83d"}, {"role": "assistant", "content": "\ude00"}'
    # Placed by its position in the list: an edit of the second message, and no third one.
    for words in (b"One", b"Two"):
        body = b'{"id": "old", "messages": [' + old + b', {"role": "user", "content": "' + words + b'"}]}'
        assert (await client.post("/chat", content=body)).status_code == 200
    stored = await texts(client, "old")
    assert [words for role, words in stored if role == "user"] == ["\ufffd", "Two"]
