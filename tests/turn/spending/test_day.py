"""What one day may take, in whichever process its turns run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.harness.answers import chat
from tests.harness.service import Server
from tests.turn.spending.conftest import COST, Environment, cut, refused, reported, usage
from tests.turn.test_stop import stored
from tests.turn.valid import is_incomplete


async def test_a_day_has_so_many_turns_in_all_processes(
    storage: Environment, emulated: Callable[..., Server], own: str
) -> None:
    env = {**storage, "MAX_TURNS_PER_USER_PER_DAY": "3"}
    one, other = emulated(env), emulated(env)
    async with one.client(own) as first, other.client(own) as second, one.client(f"other than {own}") as third:
        await chat(first, {"message": "Hello", "id": own})
        await chat(second, {"message": "A dog", "mode": "image"})
        said = (await stored(first, own))["messages"]
        again = {"id": own, "trigger": "regenerate-message", "messageId": said[1]["id"], "messages": said[:1]}
        assert (await first.post("/chat", json=again)).status_code == 200
        for client in (first, second):
            for more in ({}, {"id": own}, {"mode": "image"}):
                refused(await chat(client, {"message": "One more", **more}), "MAX_TURNS_PER_USER_PER_DAY")
            assert (await usage(client))["turns"] == 3
            assert len((await client.get("/conversations")).json()) == 2
        assert (await chat(third, {"message": "Hello"})).status == 200


@pytest.mark.slow
async def test_of_turns_that_race_as_many_begin_as_the_day_has(
    storage: Environment, emulated: Callable[..., Server], own: str
) -> None:
    env = {**storage, "MAX_TURNS_PER_USER_PER_DAY": "3"}
    async with emulated(env).client(own) as one, emulated(env).client(own) as other:
        answers = await asyncio.gather(*(chat(client, {"message": "Hello"}) for client in [one, other] * 6))
        assert sorted(answer.status for answer in answers) == [200] * 3 + [429] * 9
        assert (await usage(other))["turns"] == 3


async def test_tokens_of_a_day_end_a_turn_before_its_next_call(emulated: Callable[..., Server], own: str) -> None:
    server = emulated({"MAX_TOKENS_PER_USER_PER_DAY": "1"})
    async with server.client(own) as client:
        answer = await chat(client, {"message": "what time is it", "id": own})
        cut(answer, "MAX_TOKENS_PER_USER_PER_DAY")
        assert answer.text == "Let me see. "
        assert len(answer.values("a")) == 1
        message = (await stored(client, own))["messages"][1]
        assert message["content"] == "Let me see. "
        assert is_incomplete(message)
        found = await usage(client)
        assert found["turns"] == 1
        assert found["input_tokens"] > 0
        refused(await chat(client, {"message": "Hello", "id": own}), "MAX_TOKENS_PER_USER_PER_DAY")


async def test_images_of_a_day(emulated: Callable[..., Server], own: str) -> None:
    server = emulated({"MAX_IMAGES_PER_USER_PER_DAY": "2"})
    async with server.client(own) as client:
        answer = await chat(client, {"message": "draw three", "id": own})
        cut(answer, "MAX_IMAGES_PER_USER_PER_DAY")
        assert answer.text.startswith("Look: ")
        assert sum("shown" in value["result"] for value in answer.values("a")) == 2
        found = await usage(client)
        assert (found["images"], found["input_tokens"], found["output_tokens"]) == (2, *reported(answer))
        refused(await chat(client, {"message": "a dog", "mode": "image"}), "MAX_IMAGES_PER_USER_PER_DAY")
        assert (await chat(client, {"message": "Hello", "id": own})).text == "You said: Hello"
        cut(await chat(client, {"message": "draw one by one"}), "MAX_IMAGES_PER_USER_PER_DAY")
        assert (await usage(client))["images"] == 2


async def test_the_cost_of_a_day(emulated: Callable[..., Server], own: str) -> None:
    server = emulated({**COST, "MAX_COST_PER_USER_PER_DAY": "0.5"})
    async with server.client(own) as client:
        for _ in range(2):
            assert (await chat(client, {"message": "a dog", "mode": "image"})).errors == []
        assert (await usage(client))["cost"] == 0.5
        for mode in ("image", "chat"):
            refused(await chat(client, {"message": "Hello", "mode": mode}), "MAX_COST_PER_USER_PER_DAY")
