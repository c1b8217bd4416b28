"""What counts of turns that no model has counted: cut, stopped, running and killed ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from tests.harness.answers import chat, codes_of, posting
from tests.harness.model import Upstream
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.turn.spending.conftest import Environment, refused, usage
from tests.turn.test_stop import stop, stored


async def tokens(client: httpx2.AsyncClient) -> tuple[int, int, int]:
    """Turns, input and output tokens of the client's day."""
    found = await usage(client)
    return found["turns"], found["input_tokens"], found["output_tokens"]


async def test_a_stopped_and_a_cut_answer_count_by_an_estimate(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        with Server(tmp_path, {**upstream.settings, "UPSTREAM_MAX_TRIES": "1"}) as server:
            async with server.client() as client:
                async with posting(client, "x" * 300, id="a") as stream:
                    call = await upstream.call()
                    await call.start()
                    # A token that has begun counts.
                    await call.delta("y" * 58)
                    await stream.until("0")
                    await stop(client, "a")
                    await call.gone()
                assert await tokens(client) == (1, 101 + 4, 20)
                asking = asyncio.create_task(chat(client, {"message": "x" * 300, "id": "b"}))
                call = await upstream.call()
                await call.start()
                await call.delta("y" * 90)
                call.cut()
                assert (await asking).codes == "f03ed"
                assert await tokens(client) == (2, 2 * 105, 50)
                # The model API refused the first try, and has counted the second.
                asking = asyncio.create_task(chat(client, {"message": "Hello", "id": "c"}))
                await (await upstream.call()).refuse(500, b"{}")
                assert (await asking).codes == "f3ed"
                assert await tokens(client) == (3, 210, 50)
                asking = asyncio.create_task(chat(client, {"message": "Hello", "id": "c"}))
                await (await upstream.call()).answer("Hi")
                await asking
                assert await tokens(client) == (4, 213, 52)
                # A model may count before its end.
                async with posting(client, "Hello", id="c") as stream:
                    call = await upstream.call()
                    await call.start()
                    await call.event({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 100}})
                    await call.delta("y" * 90)
                    await stream.until("0")
                    await stop(client, "c")
                    await call.gone()
                assert await tokens(client) == (5, 1213, 152)
                # One that goes before the model has begun has asked all the same.
                async with posting(client, "x" * 300, id="d"):
                    call = await upstream.call()
                    await stop(client, "d")
                    await call.gone()
                assert await tokens(client) == (6, 1213 + 105, 152)


async def test_what_a_running_turn_takes_counts_for_the_others(storage: Environment, tmp_path: Path, own: str) -> None:
    async with Upstream() as upstream, AsyncExitStack() as stack:
        env = {**upstream.settings, **storage, "MAX_TOKENS_PER_USER_PER_DAY": "150"}
        servers = [stack.enter_context(Server(tmp_path, env)) for _ in range(2)]
        one, other = [await stack.enter_async_context(server.client(own)) for server in servers]
        running = await stack.enter_async_context(posting(one, "x" * 300))
        call = await upstream.call()
        assert (await usage(other))["input_tokens"] == 105
        await call.start()
        await call.delta("y" * 150)
        await running.until("0")

        async def has_grown() -> bool:
            return bool((await usage(other))["output_tokens"] == 50)

        await until(has_grown)
        refused(await chat(other, {"message": "Hello"}), "MAX_TOKENS_PER_USER_PER_DAY")
        await call.finish()
        assert codes_of(await running.rest()) == "ed"
        # What the model counts takes the place of the estimate.
        assert await tokens(other) == (1, 3, 2)


@pytest.mark.slow
async def test_a_killed_turn_is_counted_once(storage: Environment, tmp_path: Path, own: str) -> None:
    async with Upstream() as upstream, AsyncExitStack() as stack:
        env = {**upstream.settings, **storage}
        first, second, third = [Server(tmp_path, env) for _ in range(3)]
        for server in (first, second, third):
            stack.enter_context(server)
        one, other, last = [await stack.enter_async_context(server.client(own)) for server in (first, second, third)]
        asking = asyncio.create_task(chat(one, {"message": "Hello", "id": own}))
        await (await upstream.call()).answer("Hi")
        await asking
        async with posting(one, "x" * 300, id=own) as stream:
            call = await upstream.call()
            await call.start()
            await call.delta("y" * 60)
            await stream.until("0")
            first.kill()
            await call.gone()
        # Both look at it, and one of them settles it.
        await asyncio.gather(*(client.get(f"/conversations/{own}") for client in (other, last) * 2))

        async def is_settled() -> bool:
            return len((await other.get(f"/conversations/{own}")).json()["messages"]) == 4

        await until(is_settled, within=30)
        for client in (other, last):
            turns, took, _ = await tokens(client)
            assert turns == 2
            assert took >= 3 + 105


@pytest.mark.slow
async def test_a_killed_image_is_counted(emulated: Callable[..., Server], own: str) -> None:
    killed, other = emulated({}), emulated({})
    async with killed.client(own) as one, other.client(own) as two:
        async with posting(one, "slow", mode="image", id=own) as stream:
            await stream.until("2")
            killed.kill()
        assert len((await stored(two, own))["messages"]) == 2
        found = await usage(two)
        assert (found["turns"], found["images"], found["input_tokens"]) == (1, 1, 0)
