"""What one turn may take, and GET /usage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.harness.answers import chat
from tests.harness.service import Server
from tests.turn.spending.conftest import COST, failures, reported, usage


async def test_a_turn_makes_so_many_calls_and_images_whatever_the_model_is_told_to(
    emulated: Callable[..., Server], own: str
) -> None:
    server = emulated({})
    async with server.client(own) as client:
        answer = await chat(client, {"message": "obey the document", "id": own})
        assert answer.text.endswith("That is all.")
        assert answer.values("d")[0]["finishReason"] == "stop"
        assert len(answer.values("9")) == len(answer.values("a")) == 240
        assert sum("shown" in value["result"] for value in answer.values("a")) == 4
        said = failures(answer)
        assert len(said) == 236
        assert sum("MAX_IMAGES_PER_TURN" in words for words in said) == 12
        assert sum("MAX_TOOL_CALLS_PER_TURN" in words for words in said) == 224
        assert (await usage(client))["images"] == 4
        # The next turn has its own.
        assert (await chat(client, {"message": "draw three", "id": own})).text.endswith("There.")
        assert (await usage(client))["images"] == 7


@pytest.mark.slow
async def test_the_limits_of_a_turn_are_settings(emulated: Callable[..., Server], own: str) -> None:
    server = emulated({"MAX_TOOL_CALLS_PER_TURN": "2", "MAX_IMAGES_PER_TURN": "1"})
    async with server.client(own) as client:
        one_by_one = await chat(client, {"message": "draw one by one"})
        assert one_by_one.text.endswith("There.")
        images, calls = failures(one_by_one)
        assert "MAX_IMAGES_PER_TURN is 1" in images
        assert "MAX_TOOL_CALLS_PER_TURN is 2" in calls
        # An image that the model API refused is none.
        failed = await chat(client, {"message": "forbidden", "mode": "image"})
        assert failed.codes == "f23ed"
        assert (await usage(client))["images"] == 1


async def test_usage_is_the_callers_own_day(emulated: Callable[..., Server], own: str) -> None:
    server = emulated({**COST, "MAX_TURNS_PER_USER_PER_DAY": "9", "MAX_COST_PER_USER_PER_DAY": "7.5"})
    async with server.client(own) as client, server.client(f"other than {own}") as other:
        answers = [
            await chat(client, {"message": "Hello", "id": own}),
            await chat(client, {"message": "what time is it", "id": own}),
            await chat(client, {"message": "draw three"}),
        ]
        assert (await chat(client, {"message": "a dog", "mode": "image"})).status == 200
        found = await usage(client)
        tokens = reported(*answers)
        assert 0 not in tokens
        assert (found["turns"], found["input_tokens"], found["output_tokens"], found["images"]) == (4, *tokens, 4)
        assert found["day"] == datetime.now(UTC).date().isoformat()
        assert found["cost"] == pytest.approx((tokens[0] * 2 + tokens[1] * 8) / 1e6 + 4 * 0.25)
        assert found["limits"] == {"MAX_TURNS_PER_USER_PER_DAY": 9, "MAX_COST_PER_USER_PER_DAY": 7.5}
        assert (await client.delete(f"/conversations/{own}")).status_code == 204
        assert await usage(client) == found, "a deletion gives nothing back"
        theirs = await usage(other)
        assert [theirs[name] for name in ("turns", "input_tokens", "output_tokens", "images")] == [0, 0, 0, 0]


async def test_usage_without_limits_and_prices(emulated: Callable[..., Server], own: str) -> None:
    async with emulated({}).client(own) as client:
        found = await usage(client)
    assert "cost" not in found
    assert found["limits"] == {}
    assert found["stored_bytes"] == 0
