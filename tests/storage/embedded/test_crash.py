"""A process that is killed: what was said stays, what was being deleted goes, and the next turn works."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

import httpx2
import pytest

from tests.conftest import StartServer
from tests.harness.answers import chat, lines, next_of
from tests.harness.api import data_url, error_of, png, say, texts
from tests.harness.model import Call, Upstream
from tests.harness.service import Server

pytestmark = pytest.mark.slow


def execute(server: Server, statement: str, *values: Any, name: str = "conversation_metadata.db") -> list[Any]:
    """One statement on a database of the server's folder, committed."""
    with closing(sqlite3.connect(server.data_dir / name, timeout=10)) as connection:
        rows = connection.execute(statement, values).fetchall()
        connection.commit()
        return rows


async def until_logged(server: Server, word: str, within: float = 10.0) -> float:
    """Wait until the running turn's log holds the word; the seconds that it took."""
    began = time.monotonic()
    while not execute(server, "SELECT 1 FROM turns WHERE instr(CAST(log AS TEXT), ?)", word):
        assert time.monotonic() < began + within, "never logged"
        time.sleep(0.02)  # noqa: ASYNC251
    return time.monotonic() - began


async def answered(upstream: Upstream, client: httpx2.AsyncClient, body: dict[str, Any]) -> Call:
    """Post it, let the model say OK, and give the call that the model got."""
    async with client.stream("POST", "/chat", json=body) as response:
        assert response.status_code == 200, await response.aread()
        call = await upstream.call()
        await call.answer("OK")
        assert (await next_of(lines(response), "d"))["finishReason"] == "stop"
    return call


async def test_a_killed_answer_keeps_its_words_and_the_next_turn_works(start_server: StartServer) -> None:
    async with Upstream() as upstream:
        server = start_server(upstream.settings)
        async with server.client() as client:
            await answered(upstream, client, {"id": "a", "message": "Before"})
            async with client.stream("POST", "/chat", json={"id": "a", "message": "Hello"}) as response:
                call = await upstream.call()
                await call.start()
                await call.delta("one ")
                await call.delta("two ")
                reader = lines(response)
                assert [await next_of(reader, "0"), await next_of(reader, "0")] == ["one ", "two "]
                # While words flow, what is older than a second is written.
                assert await until_logged(server, "two") < 3
                server.kill()
        call.cut()
        again = start_server(upstream.settings, data_dir=server.data_dir)
        async with again.client() as client:
            said = [("user", "Before"), ("assistant", "OK"), ("user", "Hello"), ("assistant", "one two ")]
            assert await texts(client, "a") == said
            read = (await client.get("/conversations/a")).json()
            assert read["message_count"] == 4
            assert read["messages"][3]["annotations"] == [{"type": "incomplete"}]
            assert "annotations" not in read["messages"][1]
            # It is found, and it is no longer running.
            assert [row["id"] for row in (await client.get("/conversations?q=two")).json()] == ["a"]
            assert (await client.get("/chat/a/stream")).status_code == 204
            following = await answered(upstream, client, {"id": "a", "message": "Go on"})
            asked = [(message["role"], message["content"]) for message in following.body["messages"]]
            assert asked == [*said, ("user", "Go on")]
            assert await texts(client, "a") == [*said, ("user", "Go on"), ("assistant", "OK")]
        assert "Traceback" not in again.log


async def test_a_question_is_stored_before_its_answer_begins(start_server: StartServer) -> None:
    async with Upstream() as upstream:
        server = start_server(upstream.settings)
        async with server.client() as client:
            attachment = {"name": "a.png", "url": data_url(png(), "image/png")}
            message = {"role": "user", "id": "mine", "content": "Look", "experimental_attachments": [attachment]}
            async with client.stream("POST", "/chat", json={"id": "a", "messages": [message]}):
                # The first line goes out before the model has said anything; by then the row is written.
                call = await upstream.call()
                server.kill()
        call.cut()
        again = start_server(upstream.settings, data_dir=server.data_dir)
        async with again.client() as client:
            read = (await client.get("/conversations/a")).json()
            user, assistant = read["messages"]
            assert (read["title"], user["id"], user["content"]) == ("Look", "mine", "Look")
            assert (await client.get(user["experimental_attachments"][0]["url"])).content == png()
            assert (assistant["content"], assistant["annotations"]) == ("", [{"type": "incomplete"}])
            following = await answered(upstream, client, {"id": "a", "message": "Go on"})
            # What has no words is filled in: a chat template takes users and assistants in turn.
            assert [message["role"] for message in following.body["messages"]] == ["user", "assistant", "user"]


async def test_a_call_that_was_killed_has_a_result_in_what_is_asked_next(start_server: StartServer) -> None:
    async with Upstream() as upstream:
        settings = {**upstream.settings, "OPENAI_IMAGE_MODEL": "image"}
        server = start_server(settings)
        function = {"name": "generate_image", "arguments": '{"prompt": "a fox"}'}
        calls = [{"index": 0, "id": "call-1", "type": "function", "function": function}]
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "model"}
        paint = {"id": "a", "message": "Paint"}
        async with server.client() as client, client.stream("POST", "/chat", json=paint) as response:
            call = await upstream.call()
            await call.start()
            await call.event({**chunk, "choices": [{"index": 0, "delta": {"tool_calls": calls}}]})
            await call.finish("tool_calls")
            reader = lines(response)
            assert (await next_of(reader, "9"))["toolCallId"] == "call-1"
            painting = await upstream.call()
            await until_logged(server, "ToolCalled")
            server.kill()
        painting.cut()
        again = start_server(settings, data_dir=server.data_dir)
        async with again.client() as client:
            (_, assistant) = (await client.get("/conversations/a")).json()["messages"]
            (invocation,) = assistant["toolInvocations"]
            assert (invocation["state"], invocation["toolCallId"]) == ("result", "call-1")
            following = await answered(upstream, client, {"id": "a", "message": "Go on"})
            _, called, returned, *_ = following.body["messages"]
            assert called["tool_calls"][0]["id"] == returned["tool_call_id"] == "call-1"
            assert returned["role"] == "tool"


async def test_a_kill_between_the_checkpoint_and_the_row_doubles_nothing(start_server: StartServer) -> None:
    server = start_server()
    async with server.client() as client:
        await say(client, "One", "a")
        await say(client, "Two", "a")
    server.kill()
    # The row of the last turn is still there: as if it did not know that the answer is in the checkpoint.
    execute(server, "UPDATE turns SET over_at = NULL")
    execute(server, "UPDATE conversations SET message_count = 2")
    execute(server, "DELETE FROM words WHERE key & ((1 << 20) - 1) >= 2")
    again = start_server(data_dir=server.data_dir)
    async with again.client() as client:
        expected = [("user", "One"), ("assistant", "You said: One"), ("user", "Two"), ("assistant", "You said: Two")]
        assert await texts(client, "a") == expected
        (row,) = (await client.get("/conversations?q=two")).json()
        assert row["message_count"] == 4
        read = (await client.get("/conversations/a")).json()
        assert not any("annotations" in message for message in read["messages"])


async def test_a_deletion_that_was_cut_is_finished_at_the_next_start(start_server: StartServer) -> None:
    server = start_server()
    async with server.client() as client:
        attachment = {"name": "a.png", "url": data_url(png(), "image/png")}
        message = {"role": "user", "content": "Walrus", "experimental_attachments": [attachment]}
        assert (await chat(client, {"id": "gone", "messages": [message]})).status == 200
        made = await chat(client, {"id": "gone", "message": "A fox", "mode": "image"})
        await say(client, "Kept", "kept")
    server.kill()
    execute(server, "UPDATE conversations SET deleted_at = 1 WHERE id = 'gone'")
    # One of its images is gone already.
    images = server.data_dir / "pictures"
    (images / made.text.partition("/images/")[2][:32]).unlink()
    again = start_server(data_dir=server.data_dir)
    async with again.client() as client:
        assert [row["id"] for row in (await client.get("/conversations")).json()] == ["kept"]
        error_of(await client.get("/conversations/gone"), 404)
    for table, column in (("conversations", "id"), ("said", "conversation_id"), ("turns", "conversation_id")):
        assert execute(again, f"SELECT * FROM {table} WHERE {column} = 'gone'") == []
    assert execute(again, "SELECT * FROM pictures") == []
    assert list(images.iterdir()) == []
    threads = execute(again, "SELECT DISTINCT thread_id FROM checkpoints", name="mock-langgraph-db.db")
    assert threads == [("kept",)]


async def test_an_image_outlives_a_kill_only_in_a_message(start_server: StartServer) -> None:
    server = start_server()
    async with server.client() as client:
        kept, left = [
            (await chat(client, {"message": "A fox", "mode": "image"})).text.partition("/images/")[2][:32]
            for _ in range(2)
        ]
    server.kill()
    # As if its turn had not come to its end; and a file that was being written.
    execute(server, "UPDATE pictures SET maker = 'a dead process' WHERE token = ?", left)
    images, alive = server.data_dir / "pictures", server.data_dir / "alive"
    (images / f"{'B' * 32}.{'0' * 32}.part").write_bytes(b"half")
    (dead,) = alive.iterdir()
    again = start_server(data_dir=server.data_dir)
    async with again.client() as client:
        assert (await client.get(f"/images/{kept}")).status_code == 200
        error_of(await client.get(f"/images/{left}"), 404)
    assert [path.name for path in images.iterdir()] == [kept]
    # What proved the dead one's life is gone too.
    (living,) = alive.iterdir()
    assert living != dead
