"""Data that tools showed: whatever the history, a request is the same without it; and no real engine shows any."""

from __future__ import annotations

import asyncio
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mockbackend.estimates import estimated_tokens, sent_messages
from mockbackend.messages import Message, Part
from tests.harness.api import say
from tests.harness.raw_model import DONE, STOP, STREAM, event, words
from tests.upstream.chat.histories import histories, sent_of
from tests.upstream.conftest import Unlearned

SHOWN: Part = {"type": "data", "name": "chart", "id": "c1", "data": {"points": ["secret"] * 100}}


@given(histories, st.randoms(use_true_random=False))
def test_nothing_of_it_is_sent_or_counted(history: list[Message], random: Random) -> None:
    shown: list[Message] = []
    for message in history:
        parts = [*message["parts"]]
        if message["role"] == "assistant":
            for _ in range(2):
                parts.insert(random.randint(0, len(parts)), SHOWN)
        shown.append({**message, "parts": parts})
    assert asyncio.run(sent_of(shown)) == asyncio.run(sent_of(history))
    assert [*map(estimated_tokens, shown)] == [*map(estimated_tokens, history)]
    assert [*map(sent_messages, shown)] == [*map(sent_messages, history)]


async def test_an_engine_that_sends_the_emulators_chunk_shows_nothing(unlearned: Unlearned) -> None:
    chunk = event({"choices": [], "mock_data_parts": [{"name": "chart", "id": "c1", "data": 1}]})
    async with unlearned({"hi": (STREAM, chunk, words("Hello."), STOP, DONE)}) as (_, client):
        answer = await say(client, "hi")
    assert (answer.text, answer.errors, answer.codes) == ("Hello.", [], "f0ed")
