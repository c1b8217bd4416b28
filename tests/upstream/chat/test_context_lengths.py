"""A request that is longer than the model can read, or asks for more than it can write, is sent again with less."""

from __future__ import annotations

from typing import Any

import pytest

from mockbackend.upstream.context_errors import exceeded
from mockbackend.upstream.error_body import read_error
from tests.harness.api import say
from tests.harness.raw_model import ANSWER, STREAM, Piece, event, refusal
from tests.upstream.conftest import Unlearned
from tests.upstream.context_lengths import CONTEXT


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("name", "status", "body", "limit"), CONTEXT, ids=[row[0] for row in CONTEXT])
async def test_older_turns_are_left_out_where_all_are_too_many(
    unlearned: Unlearned, name: str, status: int, body: Any, limit: int | None
) -> None:
    def reply(sent: dict[str, Any]) -> tuple[Piece, ...]:
        too_long = len(sent["messages"]) > 1
        return (refusal(status, body) if status != 200 else (STREAM, event(body))) if too_long else ANSWER

    async with unlearned(reply) as (upstream, client):
        first = await say(client, "one")
        second = await say(client, "two", first.conversation_id)
        assert (second.text, second.errors) == ("fine", []), name
        assert second.values("2") == [[{"type": "context", "leftOut": 2}]]
    assert len(upstream.bodies) == 3, "there is one try with all, and one with less"
    found = exceeded(read_error(body))
    assert found is not None
    assert found.limit == limit


ANSWER_TOO_LONG = [
    "'max_completion_tokens' is too large: 8000. This model's maximum context length is 4096 tokens and your request "
    "has 12 input tokens (8000 > 4096 - 12).",
    "max_tokens is too large: 8000. This model supports at most 4084 completion tokens, whereas you provided 8000.",
    "Invalid max_tokens value, the valid range of max_tokens is [1, 4084]",
    "This model's maximum context length is 4096 tokens. However, you requested 8012 tokens (12 in the messages, 8000 "
    "in the completion). Please reduce the length of the messages or completion.",
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("said", ANSWER_TOO_LONG)
async def test_an_answers_limit_that_is_too_high_is_lowered_and_remembered(unlearned: Unlearned, said: str) -> None:
    def reply(body: dict[str, Any]) -> tuple[Piece, ...]:
        too_long = body.get("max_completion_tokens", 0) > 4084
        return refusal(400, {"message": said, "code": 400, "type": "BadRequestError"}) if too_long else ANSWER

    async with unlearned(reply, {"CHAT_MAX_TOKENS": "8000"}) as (upstream, client):
        first = await say(client, "Hello")
        again = await say(client, "Hello", first.conversation_id)
    assert [(answer.text, answer.errors, answer.values("2")) for answer in (first, again)] == [("fine", [], [])] * 2
    assert [body["max_completion_tokens"] > 4084 for body in upstream.bodies] == [True, False, False]


async def test_an_engine_that_takes_no_limit_at_all_names_the_setting(unlearned: Unlearned) -> None:
    replies = {"Hello": refusal(400, {"message": ANSWER_TOO_LONG[0]})}
    async with unlearned(replies, {"CHAT_MAX_TOKENS": "8000"}) as (upstream, client):
        answer = await say(client, "Hello")
    assert "CHAT_MAX_TOKENS" in answer.errors[0]
    assert upstream.count("Hello") < 5


async def test_a_proxys_limit_of_bytes_leaves_older_turns_out(unlearned: Unlearned) -> None:
    def reply(body: dict[str, Any]) -> tuple[Piece, ...]:
        return refusal(413, "<html>413</html>") if len(body["messages"]) > 1 else ANSWER

    async with unlearned(reply) as (_, client):
        first = await say(client, "one")
        second = await say(client, "two", first.conversation_id)
    assert (second.text, second.errors) == ("fine", [])
    assert second.values("2") == [[{"type": "context", "leftOut": 2}]]
