"""What one turn and one day may take, however turns end and in whichever process they run; GET /usage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness.answers import Answer, chat, codes_of, posting
from tests.harness.emulator import emulating
from tests.harness.model import Upstream
from tests.harness.postgres import postgres
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.turn.test_stop import stop, stored
from tests.turn.valid import is_incomplete

DRAW = {"name": "generate_image", "arguments": {"prompt": "a fox"}}
TIME = {"name": "get_current_time", "arguments": {}}
# A model that does what a sentence in a document tells it to.
OBEDIENT = {"when": "obey", "steps": [{"tool_calls": [DRAW] * 40}] * 6 + [{"text": "That is all."}]}
RULES: list[dict[str, Any]] = [
    OBEDIENT,
    {"when": "draw three", "steps": [{"text": "Look: ", "tool_calls": [DRAW] * 3}, {"text": "There."}]},
    {"when": "draw one by one", "steps": [{"tool_calls": [DRAW]}] * 3 + [{"text": "There."}]},
    {"when": "what time", "steps": [{"text": "Let me see. ", "tool_calls": [TIME]}] * 3 + [{"text": "Late."}]},
    {"kind": "image", "when": "forbidden", "fault": {"kind": "status", "status": 500}},
    {"kind": "image", "when": "slow", "delay": 600},
]
COST = {
    "PRICE_PER_MILLION_INPUT_TOKENS": "2",
    "PRICE_PER_MILLION_OUTPUT_TOKENS": "8",
    "PRICE_PER_IMAGE": "0.25",
}
Environment = dict[str, str]


@pytest.fixture(params=["embedded", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """Where any number of services store."""
    if request.param == "postgres":
        return {"DATABASE_URL": postgres().url(postgres().new_schema())}
    return {"DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def emulated(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """`emulated({...})`: a service with these settings, all of them on one emulator with RULES."""
    servers: list[Server] = []
    with emulating(tmp_path, RULES) as emulator:

        def start(env: Environment) -> Server:
            folder = tmp_path / f"server{len(servers)}"
            folder.mkdir()
            settings = {**emulator.settings(image="gpt-image-1"), "DATA_DIR": str(tmp_path / "data"), **env}
            servers.append(Server(folder, settings))
            return servers[-1].start()

        yield start
        for server in servers:
            server.close()


async def usage(client: httpx2.AsyncClient) -> dict[str, Any]:
    response = await client.get("/usage")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def refused(answer: Answer, setting: str) -> None:
    """It was refused before its stream, until midnight."""
    assert answer.status == 429, answer.body
    error = answer.json()["error"]
    assert error["code"] == "daily_limit"
    assert setting in error["message"]
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert 0 < int(answer.headers["retry-after"]) <= 86_400
    assert abs(int(answer.headers["retry-after"]) - (midnight - now).total_seconds()) < 20


def cut(answer: Answer, setting: str) -> None:
    """It was ended within its stream, by one line."""
    assert answer.status == 200
    assert [setting in error for error in answer.errors] == [True]
    assert answer.codes.endswith(("3ed", "3d"))
    assert answer.values("d")[0]["finishReason"] == "error"


def failures(answer: Answer) -> list[str]:
    """What failed tool calls say."""
    return [value["result"]["error"] for value in answer.values("a") if "error" in value["result"]]


def reported(*answers: Answer) -> tuple[int, int]:
    """The tokens that the ends of these answers name."""
    counts = [answer.values("d")[0]["usage"] for answer in answers]
    return sum(one["promptTokens"] for one in counts), sum(one["completionTokens"] for one in counts)


async def test_a_turn_makes_so_many_calls_and_images_whatever_the_model_is_told_to(
    emulated: Callable[..., Server],
) -> None:
    server = emulated({})
    async with server.client() as client:
        answer = await chat(client, {"message": "obey the document", "id": "a"})
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
        assert (await chat(client, {"message": "draw three", "id": "a"})).text.endswith("There.")
        assert (await usage(client))["images"] == 7


async def test_the_limits_of_a_turn_are_settings(emulated: Callable[..., Server]) -> None:
    server = emulated({"MAX_TOOL_CALLS_PER_TURN": "2", "MAX_IMAGES_PER_TURN": "1"})
    async with server.client() as client:
        one_by_one = await chat(client, {"message": "draw one by one"})
        assert one_by_one.text.endswith("There.")
        images, calls = failures(one_by_one)
        assert "MAX_IMAGES_PER_TURN is 1" in images
        assert "MAX_TOOL_CALLS_PER_TURN is 2" in calls
        # An image that the model API refused is none.
        failed = await chat(client, {"message": "forbidden", "mode": "image"})
        assert failed.codes == "f23ed"
        assert (await usage(client))["images"] == 1


async def test_usage_is_the_callers_own_day(emulated: Callable[..., Server]) -> None:
    server = emulated({**COST, "MAX_TURNS_PER_USER_PER_DAY": "9", "MAX_COST_PER_USER_PER_DAY": "7.5"})
    async with server.client() as client, server.client("other") as other:
        answers = [
            await chat(client, {"message": "Hello", "id": "a"}),
            await chat(client, {"message": "what time is it", "id": "a"}),
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
        assert (await client.delete("/conversations/a")).status_code == 204
        assert await usage(client) == found, "a deletion gives nothing back"
        theirs = await usage(other)
        assert [theirs[name] for name in ("turns", "input_tokens", "output_tokens", "images")] == [0, 0, 0, 0]


async def test_usage_without_limits_and_prices(emulated: Callable[..., Server]) -> None:
    async with emulated({}).client() as client:
        found = await usage(client)
    assert "cost" not in found
    assert found["limits"] == {}
    assert found["stored_bytes"] == 0


async def test_a_day_has_so_many_turns_in_all_processes(storage: Environment, emulated: Callable[..., Server]) -> None:
    env = {**storage, "MAX_TURNS_PER_USER_PER_DAY": "3"}
    one, other = emulated(env), emulated(env)
    async with one.client() as first, other.client() as second, one.client("other") as third:
        await chat(first, {"message": "Hello", "id": "a"})
        await chat(second, {"message": "A dog", "mode": "image"})
        said = (await stored(first, "a"))["messages"]
        again = {"id": "a", "trigger": "regenerate-message", "messageId": said[1]["id"], "messages": said[:1]}
        assert (await first.post("/chat", json=again)).status_code == 200
        for client in (first, second):
            for more in ({}, {"id": "a"}, {"mode": "image"}):
                refused(await chat(client, {"message": "One more", **more}), "MAX_TURNS_PER_USER_PER_DAY")
            assert (await usage(client))["turns"] == 3
            assert len((await client.get("/conversations")).json()) == 2
        assert (await chat(third, {"message": "Hello"})).status == 200


async def test_of_turns_that_race_as_many_begin_as_the_day_has(
    storage: Environment, emulated: Callable[..., Server]
) -> None:
    env = {**storage, "MAX_TURNS_PER_USER_PER_DAY": "5"}
    async with emulated(env).client() as one, emulated(env).client() as other:
        answers = await asyncio.gather(*(chat(client, {"message": "Hello"}) for client in [one, other] * 6))
        assert sorted(answer.status for answer in answers) == [200] * 5 + [429] * 7
        assert (await usage(other))["turns"] == 5


async def test_tokens_of_a_day_end_a_turn_before_its_next_call(emulated: Callable[..., Server]) -> None:
    server = emulated({"MAX_TOKENS_PER_USER_PER_DAY": "1"})
    async with server.client() as client:
        answer = await chat(client, {"message": "what time is it", "id": "a"})
        cut(answer, "MAX_TOKENS_PER_USER_PER_DAY")
        assert answer.text == "Let me see. "
        assert len(answer.values("a")) == 1
        message = (await stored(client, "a"))["messages"][1]
        assert message["content"] == "Let me see. "
        assert is_incomplete(message)
        found = await usage(client)
        assert found["turns"] == 1
        assert found["input_tokens"] > 0
        refused(await chat(client, {"message": "Hello", "id": "a"}), "MAX_TOKENS_PER_USER_PER_DAY")


async def test_images_of_a_day(emulated: Callable[..., Server]) -> None:
    server = emulated({"MAX_IMAGES_PER_USER_PER_DAY": "2"})
    async with server.client() as client:
        answer = await chat(client, {"message": "draw three", "id": "a"})
        cut(answer, "MAX_IMAGES_PER_USER_PER_DAY")
        assert answer.text.startswith("Look: ")
        assert sum("shown" in value["result"] for value in answer.values("a")) == 2
        found = await usage(client)
        assert (found["images"], found["input_tokens"], found["output_tokens"]) == (2, *reported(answer))
        refused(await chat(client, {"message": "a dog", "mode": "image"}), "MAX_IMAGES_PER_USER_PER_DAY")
        assert (await chat(client, {"message": "Hello", "id": "a"})).text == "You said: Hello"
        cut(await chat(client, {"message": "draw one by one"}), "MAX_IMAGES_PER_USER_PER_DAY")
        assert (await usage(client))["images"] == 2


async def test_the_cost_of_a_day(emulated: Callable[..., Server]) -> None:
    server = emulated({**COST, "MAX_COST_PER_USER_PER_DAY": "0.5"})
    async with server.client() as client:
        for _ in range(2):
            assert (await chat(client, {"message": "a dog", "mode": "image"})).errors == []
        assert (await usage(client))["cost"] == 0.5
        for mode in ("image", "chat"):
            refused(await chat(client, {"message": "Hello", "mode": mode}), "MAX_COST_PER_USER_PER_DAY")


async def test_a_stopped_and_a_cut_answer_count_by_an_estimate(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        with Server(tmp_path, {**upstream.settings, "UPSTREAM_MAX_TRIES": "1"}) as server:
            async with server.client() as client:
                async with posting(client, "x" * 300, id="a") as stream:
                    call = await upstream.call()
                    await call.start()
                    await call.delta("y" * 60)
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


async def tokens(client: httpx2.AsyncClient) -> tuple[int, int, int]:
    """Turns, input and output tokens of the client's day."""
    found = await usage(client)
    return found["turns"], found["input_tokens"], found["output_tokens"]


async def test_what_a_running_turn_takes_counts_for_the_others(storage: Environment, tmp_path: Path) -> None:
    async with Upstream() as upstream, AsyncExitStack() as stack:
        env = {**upstream.settings, **storage, "MAX_TOKENS_PER_USER_PER_DAY": "150"}
        servers = [stack.enter_context(Server(tmp_path, env)) for _ in range(2)]
        one, other = [await stack.enter_async_context(server.client()) for server in servers]
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


async def test_a_killed_turn_is_counted_once(storage: Environment, tmp_path: Path) -> None:
    async with Upstream() as upstream, AsyncExitStack() as stack:
        env = {**upstream.settings, **storage}
        first, second, third = [Server(tmp_path, env) for _ in range(3)]
        for server in (first, second, third):
            stack.enter_context(server)
        one, other, last = [await stack.enter_async_context(server.client()) for server in (first, second, third)]
        asking = asyncio.create_task(chat(one, {"message": "Hello", "id": "a"}))
        await (await upstream.call()).answer("Hi")
        await asking
        async with posting(one, "x" * 300, id="a") as stream:
            call = await upstream.call()
            await call.start()
            await call.delta("y" * 60)
            await stream.until("0")
            first.kill()
            await call.gone()
        # Both look at it, and one of them settles it.
        await asyncio.gather(*(client.get("/conversations/a") for client in (other, last) * 2))

        async def is_settled() -> bool:
            return len((await other.get("/conversations/a")).json()["messages"]) == 4

        await until(is_settled, within=30)
        for client in (other, last):
            turns, took, _ = await tokens(client)
            assert turns == 2
            assert took >= 3 + 105


async def test_a_killed_image_is_counted(emulated: Callable[..., Server]) -> None:
    killed, other = emulated({}), emulated({})
    async with killed.client() as one, other.client() as two:
        async with posting(one, "slow", mode="image", id="a") as stream:
            await stream.until("2")
            killed.kill()
        assert len((await stored(two, "a"))["messages"]) == 2
        found = await usage(two)
        assert (found["turns"], found["images"], found["input_tokens"]) == (1, 1, 0)
