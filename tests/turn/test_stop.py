"""POST /conversations/{id}/stop: the stream ends properly for every reader, and the words stay."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from tests.harness.answers import chat, codes_of, joining, posting, text_of
from tests.harness.waiting import idle, until
from tests.harness.world import World
from tests.turn.script import WORDS
from tests.turn.valid import check_conversation, is_incomplete


async def stop(client: httpx2.AsyncClient, conversation_id: str) -> Any:
    """Stop, and the row that it gives."""
    response = await client.post(f"/conversations/{conversation_id}/stop")
    assert response.status_code == 200, response.text
    return response.json()


async def stored(client: httpx2.AsyncClient, conversation_id: str) -> Any:
    """The conversation, checked."""
    read = (await client.get(f"/conversations/{conversation_id}")).raise_for_status().json()
    check_conversation(read)
    return read


async def aborted(world: World, last: str) -> None:
    """Wait until the emulator has seen its client leave; a second is what that may take."""

    async def gone() -> bool:
        return bool(world.emulator.call(last)["aborted"])

    await until(gone, within=1.0)


async def test_a_stop_ends_the_stream_and_keeps_the_words(world: World, user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: kept words") as stream:
        heard = [("0", await stream.until("0")) for _ in range(3)]
        row = await stop(user, stream.conversation_id)
        await aborted(world, "speak slowly: kept words")
        heard += await stream.rest()
    assert codes_of(heard) == "02ed"
    assert heard[-3][1] == [{"type": "incomplete", "reason": "stopped"}]
    assert heard[-1][1]["finishReason"] == "stop"
    assert row["message_count"] == 2
    read = await stored(user, row["id"])
    answer = read["messages"][1]
    assert answer["content"] == text_of(heard)
    assert "".join(WORDS).startswith(answer["content"])
    assert is_incomplete(answer)


async def test_a_stop_ends_the_stream_of_every_reader(user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: to all") as stream:
        await stream.until("0")
        async with joining(user, stream.conversation_id) as second, joining(user, stream.conversation_id) as third:
            await second.until("0")
            await third.until("0")
            await stop(user, stream.conversation_id)
            for reader in (stream, second, third):
                assert codes_of(await reader.rest()).endswith("2ed")


async def test_stopping_twice_is_no_error(user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: twice") as stream:
        await stream.until("0")
        rows = await asyncio.gather(*(stop(user, stream.conversation_id) for _ in range(3)))
        rows.append(await stop(user, stream.conversation_id))
    assert rows == [rows[0]] * 4


async def test_stopping_what_does_not_run_gives_the_row(user: httpx2.AsyncClient) -> None:
    answer = await chat(user, {"message": "at rest"})
    row = await stop(user, answer.conversation_id)
    assert (row["id"], row["message_count"]) == (answer.conversation_id, 2)
    assert not is_incomplete((await stored(user, row["id"]))["messages"][1])


async def test_an_answer_goes_on_after_a_stop(world: World, user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: before") as stream:
        await stream.until("0")
        row = await stop(user, stream.conversation_id)
        heard = text_of(await stream.rest())
    answer = await chat(user, {"id": row["id"], "message": "after the stop"})
    assert answer.text == "You said: after the stop"
    (body,) = world.emulator.asked("after the stop")
    (_, first), (role, partial), _ = [(one["role"], one["content"]) for one in body["messages"]]
    assert (first, role) == ("speak slowly: before", "assistant")
    assert partial.endswith(heard)


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("message", "code", "codes"),
    [
        ("paint slowly, while the tool runs", "9", "a2ed"),
        ("write arguments slowly", "c", "9a2ed"),
        ("busy for long", "2", "2ed"),
        ("never begin", "f", "2ed"),
        ("fall silent", "0", "2ed"),
        ("time, then slowly", "a", "2ed"),
    ],
)
async def test_a_stop_comes_through_wherever_the_turn_is(
    world: World, user: httpx2.AsyncClient, message: str, code: str, codes: str
) -> None:
    async with posting(user, message) as stream:
        await stream.until(code)
        async with asyncio.timeout(2):
            row = await stop(user, stream.conversation_id)
            heard = await stream.rest()
    assert codes_of(heard).endswith(codes)
    assert heard[-1][1]["finishReason"] == "stop"
    for call, value in heard:
        if call == "a":
            assert "interrupted" in value["result"]["error"]
    read = await stored(user, row["id"])
    assert is_incomplete(read["messages"][1])
    await idle(user)
    again = await chat(user, {"id": row["id"], "message": f"and now? {message[:4]}"})
    assert again.errors == []
    assert again.text


async def test_a_stop_ends_an_image(world: World, user: httpx2.AsyncClient) -> None:
    async with posting(user, "a slow picture to stop", mode="image") as stream:
        await stream.until("2")
        async with asyncio.timeout(2):
            row = await stop(user, stream.conversation_id)
            assert codes_of(await stream.rest()) == "2ed"
    read = await stored(user, row["id"])
    assert is_incomplete(read["messages"][1])
    assert world.rows("SELECT count(*) FROM pictures WHERE conversation_id = ?", row["id"]) == [(0,)]
    again = await chat(user, {"id": row["id"], "message": "a quick one", "mode": "image"})
    assert again.codes == "f20ed"


async def test_another_owner_cannot_stop(world: World, user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: mine") as stream, world.server.client("somebody else") as other:
        await stream.until("0")
        response = await other.post(f"/conversations/{stream.conversation_id}/stop")
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "not_found"
        await stream.until("0")


async def test_deleting_ends_a_running_answer(world: World, user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: to be deleted") as stream:
        await stream.until("0")
        conversation_id = stream.conversation_id
        assert (await user.delete(f"/conversations/{conversation_id}")).status_code == 204
        assert codes_of(await stream.rest()).endswith("2ed")
    assert (await user.get(f"/conversations/{conversation_id}")).status_code == 404
    assert (await user.delete(f"/conversations/{conversation_id}")).status_code == 404
    assert (await user.get(f"/chat/{conversation_id}/stream")).status_code == 204
    for table in ("turns", "said", "pictures"):
        assert world.rows(f"SELECT count(*) FROM {table} WHERE conversation_id = ?", conversation_id) == [(0,)]
    again = await chat(user, {"id": conversation_id, "message": "a new one"})
    assert (await stored(user, conversation_id))["message_count"] == 2
    assert again.text == "You said: a new one"
