"""POST /chat: what is refused before a turn begins. Joining: the framing of the running answer."""

from __future__ import annotations

import asyncio
import sqlite3

from tests.conftest import StartServer
from tests.harness.answers import chat, lines, next_of
from tests.harness.api import error_of, say
from tests.harness.model import Upstream
from tests.harness.service import Server


async def test_too_many_running_answers_are_a_429(start_server: StartServer) -> None:
    async with Upstream() as upstream:
        limits = {"MAX_RUNNING_TURNS_PER_USER": "1", "MAX_RUNNING_TURNS": "2"}
        server = start_server({**upstream.settings, **limits})
        async with server.client("one") as one, server.client("two") as two, server.client("three") as three:
            async with (
                one.stream("POST", "/chat", json={"message": "Hello"}) as first,
                two.stream("POST", "/chat", json={"message": "Hello"}),
            ):
                calls = [await upstream.call(), await upstream.call()]
                for client in (one, three):
                    response = await client.post("/chat", json={"id": "refused", "message": "Hello"})
                    assert error_of(response, 429)["code"] == "too_many_turns"
                    assert int(response.headers["retry-after"]) > 0
                    assert (await client.get("/conversations/refused")).status_code == 404
                for call in calls:
                    await call.answer("Hi")
                await next_of(lines(first), "d")
            # There is room again once an answer has ended.
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                group.create_task(say(three, "Hello", "refused"))
                await (await upstream.call()).answer("Hi")


async def test_image_mode_without_an_image_model_is_a_422_that_names_the_setting(
    driven: tuple[Upstream, Server],
) -> None:
    _, server = driven
    async with server.client("draws") as client:
        answer = await chat(client, {"id": "image-refused", "mode": "image", "message": "A fox"})
        assert answer.status == 422
        assert answer.json()["error"]["message"].startswith("mode: ")
        assert "OPENAI_IMAGE_MODEL" in answer.json()["error"]["message"]
        assert (await client.get("/conversations")).json() == []


async def test_a_running_answer_of_an_unknown_framing_is_joined_in_one_that_is_named(
    driven: tuple[Upstream, Server],
) -> None:
    upstream, server = driven
    async with (
        server.client("joins") as client,
        client.stream("POST", "/chat", json={"id": "unknown-framing", "message": "Hello"}) as first,
    ):
        call = await upstream.call()
        with sqlite3.connect(server.data_dir / "conversation_metadata.db") as database:
            database.execute("UPDATE turns SET framing = 'none' WHERE conversation_id = 'unknown-framing'")
        database.close()
        assert "Name data or ui" in error_of(await client.get("/chat/unknown-framing/stream"), 422)["message"]
        async with client.stream("GET", "/chat/unknown-framing/stream", params={"protocol": "ui"}) as joined:
            assert joined.status_code == 200
            await call.answer("Hi")
            await next_of(lines(first), "d")
