"""GET /chat/{id}/stream and GET /chat?chatId=: the running answer from its beginning, for any number of readers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx2
import pytest

from tests.harness.answers import chat, joining, lines, posting
from tests.harness.api import error_of
from tests.harness.examples import examples
from tests.harness.waiting import idle, until
from tests.harness.world import World
from tests.turn.conftest import NewWorld
from tests.turn.test_stop import stop


async def test_a_second_reader_gets_the_same_lines_from_the_first_on(user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: joined") as stream:
        first = [("f", await stream.until("f"))] + [("0", await stream.until("0")) for _ in range(5)]
        async with joining(user, stream.conversation_id) as joined:
            second = [("f", await joined.until("f"))] + [("0", await joined.until("0")) for _ in range(5)]
            assert second == first
            await stop(user, stream.conversation_id)
            assert await joined.rest() == await stream.rest()


async def test_any_number_of_readers_get_the_whole_answer(user: httpx2.AsyncClient) -> None:
    async with posting(user, "time, then slowly: many") as stream, AsyncExitStack() as stack:
        await stream.until("a")
        readers = [await stack.enter_async_context(joining(user, stream.conversation_id)) for _ in range(20)]
        opening = [[await anext(reader.lines) for _ in range(2)] for reader in readers]
        assert opening == [opening[0]] * 20
        assert [code for code, _ in opening[0]] == ["f", "b"]
        await stream.until("0")
        await stop(user, stream.conversation_id)
        heard = await asyncio.gather(*(reader.rest() for reader in readers))
    assert heard == [heard[0]] * 20


async def test_a_join_while_a_tool_runs_gets_its_call(user: httpx2.AsyncClient) -> None:
    async with posting(user, "paint slowly: joined") as stream:
        called = await stream.until("9")
        async with joining(user, stream.conversation_id) as joined:
            assert await joined.until("9") == called
            await stop(user, stream.conversation_id)
            assert (await joined.until("a"))["toolCallId"] == called["toolCallId"]


async def test_ai_sdk_4_joins_by_query(user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: by query") as stream:
        await stream.until("0")
        async with user.stream("GET", "/chat", params={"chatId": stream.conversation_id}) as response:
            assert response.headers["x-vercel-ai-data-stream"] == "v1"
            reader = lines(response)
            assert [(await anext(reader))[0] for _ in range(2)] == ["f", "0"]
        await stop(user, stream.conversation_id)


async def test_the_head_of_a_join_does_not_wait_for_the_answer(world: World, user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: its head") as stream:
        await stream.until("0")
        async with world.server.client(user.headers["userid"], connections=1) as one:
            head = await one.head(f"/chat/{stream.conversation_id}/stream")
            assert head.headers["x-vercel-ai-data-stream"] == "v1"
            # On the same connection.
            assert (await one.get("/health")).json()["running_turns"] == 1
        await stream.until("0")
        await stop(user, stream.conversation_id)


async def test_where_nothing_runs_there_is_nothing_to_join(user: httpx2.AsyncClient) -> None:
    answer = await chat(user, {"message": "over soon"})
    for conversation_id in (answer.conversation_id, "never-begun"):
        response = await user.get(f"/chat/{conversation_id}/stream")
        assert (response.status_code, response.content) == (204, b"")
        response = await user.get("/chat", params={"chatId": conversation_id})
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"


async def test_a_join_right_after_the_end_finds_the_answer_stored(user: httpx2.AsyncClient) -> None:
    for number in range(examples(10)):
        answer = await chat(user, {"id": "conversation-at-its-end", "message": f"number {number}"})
        assert (await user.get(f"/chat/{answer.conversation_id}/stream")).status_code == 204
        read = (await user.get(f"/conversations/{answer.conversation_id}")).json()
        assert read["messages"][-1]["content"] == answer.text
        assert read["message_count"] == len(read["messages"]) == 2 * number + 2


async def test_another_owner_joins_nothing(world: World, user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: private") as stream, world.server.client("somebody else") as other:
        await stream.until("0")
        response = await other.get(f"/chat/{stream.conversation_id}/stream")
        assert (response.status_code, response.content) == (204, b"")
        response = await other.get("/chat", params={"chatId": stream.conversation_id})
        assert (response.status_code, response.content) == (200, b"")
        response = await other.post("/chat", json={"id": stream.conversation_id, "message": "mine?"})
        assert response.status_code == 404


@pytest.mark.parametrize("began_as", ["data", "ui"])
async def test_a_join_is_framed_as_the_turn_began(user: httpx2.AsyncClient, began_as: str) -> None:
    body = {"message": f"speak slowly: as {began_as}"}
    async with user.stream("POST", "/chat", params={"protocol": began_as}, json=body) as response:
        conversation_id = response.headers["x-conversation-id"]
        async with user.stream("GET", f"/chat/{conversation_id}/stream") as joined:
            assert ("x-vercel-ai-ui-message-stream" in joined.headers) == (began_as == "ui")
            opening = await anext(joined.aiter_bytes())
            assert opening.startswith(b"data: " if began_as == "ui" else b"f:")
        async with user.stream("GET", f"/chat/{conversation_id}/stream", params={"protocol": "data"}) as joined:
            assert (await anext(joined.aiter_bytes())).startswith(b"f:")
    await idle(user)


@pytest.mark.slow
async def test_joins_of_a_user_are_limited_here_and_in_another_process(new_world: NewWorld) -> None:
    limit = {"MAX_JOINS_PER_USER": "3"}
    here = new_world(limit)
    there = new_world(limit, here.server.data_dir)
    async with (
        here.server.client() as owner,
        here.server.client("another") as another,
        posting(owner, "speak slowly: joined often", id="a") as stream,
        posting(owner, "speak slowly: joined too", id="b"),
        posting(another, "speak slowly: another's", id="c"),
    ):
        await stream.until("0")
        for world in (here, there):
            async with world.server.client() as client, AsyncExitStack() as stack:
                readers = [await stack.enter_async_context(joining(client, each)) for each in ("a", "a", "b")]
                for reader in readers:
                    await reader.until("0")
                for path in ("/chat/a/stream", "/chat?chatId=b"):
                    refused = await client.get(path)
                    error = error_of(refused, 429)
                    assert error["code"] == "too_many_joins"
                    assert "3 connections follow your running answers already (MAX_JOINS_PER_USER)" in error["message"]
                    assert int(refused.headers["retry-after"]) > 0
                # Where nothing runs there is nothing to limit, and others have their own.
                assert (await client.get("/chat/none/stream")).status_code == 204
                async with world.server.client("another") as other, joining(other, "c") as joined:
                    await joined.until("0")
                await readers[0].response.aclose()

                async def is_let_in(client: httpx2.AsyncClient = client) -> bool:
                    async with client.stream("GET", "/chat/b/stream") as response:
                        return response.status_code == 200

                await until(is_let_in)
        for client, conversation_id in ((owner, "a"), (owner, "b"), (another, "c")):
            await stop(client, conversation_id)
