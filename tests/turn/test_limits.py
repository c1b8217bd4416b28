"""Limits of turns: how many run, how long, how large messages and conversations may be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.harness.answers import chat, codes_of, posting, text_of
from tests.harness.emulator import Emulator
from tests.harness.model import Upstream
from tests.harness.service import Server
from tests.harness.waiting import idle
from tests.harness.world import World
from tests.turn.conftest import NewWorld
from tests.turn.script import WORDS
from tests.turn.test_stop import aborted, stop, stored
from tests.turn.valid import is_incomplete

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def limited(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service with small limits that do not meet."""
    limits = {
        "MAX_RUNNING_TURNS_PER_USER": "2",
        "MAX_RUNNING_TURNS": "3",
        "MAX_MESSAGE_CHARACTERS": "100",
        "MAX_CONVERSATION_MESSAGES": "4",
    }
    with Server(tmp_path_factory.mktemp("limited"), {**emulator.settings(), **limits}) as server:
        yield World(emulator, server)


async def test_running_answers_are_limited_for_a_user_and_in_all(limited: World) -> None:
    async with AsyncExitStack() as stack:
        one, other, third = [await stack.enter_async_context(limited.server.client(f"user-{n}")) for n in range(3)]
        streams = [
            await stack.enter_async_context(posting(client, "speak slowly: limited")) for client in (one, one, other)
        ]
        for client, limit, setting in ((one, 2, "MAX_RUNNING_TURNS_PER_USER"), (third, 3, "MAX_RUNNING_TURNS")):
            refused = await chat(client, {"message": "one too many"})
            assert refused.status == 429
            assert int(refused.headers["retry-after"]) > 0
            assert refused.json()["error"]["code"] == "too_many_turns"
            assert f"{limit} answers are running already ({setting})." in refused.json()["error"]["message"]
        assert (await one.get("/conversations")).status_code == 200
        await stop(one, streams[0].conversation_id)
        answer = await chat(third, {"message": "now there is room"})
        assert answer.text == "You said: now there is room"
        # What was refused has left nothing.
        assert len((await third.get("/conversations")).json()) == 1


@pytest.mark.slow
async def test_no_answer_waits_for_another_ones_connection_to_the_model(tmp_path: Path) -> None:
    many = 150
    async with Upstream() as upstream:
        with Server(tmp_path, {**upstream.settings, "MAX_RUNNING_TURNS_PER_USER": str(many)}) as server:
            async with server.client(connections=many) as client, asyncio.TaskGroup() as group:
                asked = [group.create_task(chat(client, {"message": "Hi"})) for _ in range(many)]
                # All of them have asked the model before it answers any.
                calls = [await upstream.call() for _ in range(many)]
                for call in calls:
                    group.create_task(call.answer("Hello"))
    assert [task.result().text for task in asked] == ["Hello"] * many


@pytest.mark.slow
async def test_requests_that_wait_count_and_are_released(new_world: NewWorld) -> None:
    world = new_world({"MAX_RUNNING_TURNS_PER_USER": "3"})
    async with world.server.client() as client:
        async with posting(client, "speak slowly: waited for", id="busy") as stream:
            await stream.until("0")
            waiting = [chat(client, {"id": "busy", "message": f"{number}"}) for number in range(6)]
            statuses = sorted(answer.status for answer in await asyncio.gather(*waiting))
            assert statuses == [409, 409, 429, 429, 429, 429]
        await idle(client)
        answers = await asyncio.gather(*(chat(client, {"message": f"free {number}"}) for number in range(3)))
        assert [answer.status for answer in answers] == [200] * 3


@pytest.mark.slow
async def test_an_answer_that_takes_too_long_is_ended_with_a_reason(new_world: NewWorld) -> None:
    world = new_world({"MAX_TURN_SECONDS": "0.7"})
    async with world.server.client() as client:
        for message in ("speak slowly: too long", "paint slowly: too long", "never begin: too long"):
            async with posting(client, message) as stream:
                heard = await stream.rest()
            assert codes_of(heard).endswith("3ed")
            assert heard[-3] == ("3", "The answer took too long and was stopped (MAX_TURN_SECONDS).")
            assert heard[-1][1]["finishReason"] == "error"
            if "paint" not in message:
                await aborted(world, message)
            answer = (await stored(client, stream.conversation_id))["messages"][1]
            assert is_incomplete(answer)
            assert answer["content"] == text_of(heard)
            if "speak" in message:
                assert "".join(WORDS).startswith(answer["content"])
            again = await chat(client, {"id": stream.conversation_id, "message": "and a short one?"})
            assert again.text == "You said: and a short one?"
        image = await chat(client, {"message": "a slow picture, too slow", "mode": "image"})
    assert image.codes == "f23ed"
    assert image.errors == ["The answer took too long and was stopped (MAX_TURN_SECONDS)."]


async def test_a_message_may_be_so_long_and_no_longer(limited: World) -> None:
    async with limited.server.client("long") as client:
        for length, status in ((90, 200), (120, 422)):
            text = "x" * length
            attachment = {"name": "a.txt", "contentType": "text/plain", "url": f"data:text/plain,{text}"}
            attached = {"role": "user", "content": "short", "experimental_attachments": [attachment]}
            for message in (text, attached):
                assert (await chat(client, {"message": message})).status == status
        assert len((await client.get("/conversations")).json()) == 2


async def test_a_conversation_has_a_limit_of_messages(limited: World) -> None:
    async with limited.server.client("many") as client:
        for number, status in ((1, 200), (2, 200), (3, 422)):
            answer = await chat(client, {"id": "full", "message": f"number {number}"})
            assert answer.status == status
        assert (
            answer.json()["error"]["message"]
            == "This conversation has reached its limit of 4 messages (MAX_CONVERSATION_MESSAGES). "
            "Please start a new one."
        )
        assert (await stored(client, "full"))["message_count"] == 4
        # One that takes another's place fits.
        text = {"type": "text", "text": "from the start"}
        again = await chat(client, {"id": "full", "messages": [{"role": "user", "content": "", "parts": [text]}]})
        assert again.text == "You said: from the start"
        # A list that is longer leaves no empty conversation behind.
        long = [{"role": role, "content": role} for role in ("user", "assistant") * 3][:5]
        assert (await chat(client, {"id": "longer", "messages": long})).status == 422
        assert [row["id"] for row in (await client.get("/conversations")).json()] == ["full"]


async def test_an_image_of_a_refused_request_is_not_kept(limited: World) -> None:
    attachment = {"contentType": "image/png", "url": f"data:image/png;base64,{PIXEL}"}
    message = {"role": "user", "content": "look", "experimental_attachments": [attachment]}
    async with limited.server.client("pictured") as client:
        assert (await chat(client, {"id": "pictured", "message": "First"})).status == 200
        assert (await chat(client, {"id": "pictured", "message": message})).status == 200
        assert (await chat(client, {"id": "pictured", "message": message})).status == 422
    assert limited.rows("SELECT count(*), count(maker) FROM pictures") == [(1, 0)]
    assert len(list((limited.server.data_dir / "pictures").iterdir())) == 1
