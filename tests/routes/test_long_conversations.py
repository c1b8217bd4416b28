"""Conversations of ten thousand messages, or of much text: reading and posting them holds nobody else up."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx2
import orjson
import pytest

from tests.harness.model import Call, Upstream
from tests.harness.postgres import postgres
from tests.harness.service import Server

MESSAGES = 9_990
# The goal is 0.05; a test on a busy or slow machine needs room. It was 1.8 for twelve.
MOST_SECONDS = 0.25
Work = Callable[[httpx2.AsyncClient], Awaitable[list[httpx2.Response]]]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lagging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), app="tests.routes.lagging_app:app") as server:
        yield server


def body(conversation_id: str) -> bytes:
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": f"message {n} " + "word " * 140} for n in range(MESSAGES + 1)]
    return orjson.dumps({"id": conversation_id, "messages": messages})


async def lag_of(server: Server, work: Work) -> float:
    """The longest that the server's loop was held up while a user did this."""
    async with server.client("other") as other, server.client("user") as client:
        await other.get("/lag")
        for answer in await work(client):
            assert answer.status_code == 200, answer.text[:300]
        return float((await other.get("/lag")).text)


async def test_posting_and_reading_it_holds_nobody_up(lagging: Server) -> None:
    whole = body("long")

    async def post(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        return [await client.post("/chat", content=whole)]

    async def get(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        return [await client.get("/conversations/long")]

    assert await lag_of(lagging, post) < MOST_SECONDS
    assert await lag_of(lagging, get) < MOST_SECONDS
    async with lagging.client("user") as client:
        read = (await client.get("/conversations/long")).json()
    assert read["message_count"] == len(read["messages"]) == MESSAGES + 2
    assert read["messages"][MESSAGES]["content"].startswith(f"message {MESSAGES} ")


async def test_twelve_at_once_hold_nobody_up(lagging: Server) -> None:
    bodies = [body(f"long-{n}") for n in range(4)]

    async def post(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        return await asyncio.gather(*(client.post("/chat", content=one) for one in bodies))

    async def read(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        return await asyncio.gather(*(client.get(f"/conversations/long-{n % 4}") for n in range(12)))

    assert await lag_of(lagging, post) < MOST_SECONDS
    assert await lag_of(lagging, read) < MOST_SECONDS


async def test_a_dense_body_holds_nobody_up(lagging: Server) -> None:
    dense = b'{"messages":[' + b"{}," * 3_300_000 + b"1]}"

    async def post(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        assert (await client.post("/chat", content=dense)).status_code == 422
        return []

    assert await lag_of(lagging, post) < MOST_SECONDS


async def test_files_of_which_the_encoding_has_to_be_found_hold_nobody_up(lagging: Server) -> None:
    url = "data:text/plain;base64," + base64.b64encode(("あい漢字" * 125).encode("cp932")).decode()
    message = {"role": "user", "content": "x", "experimental_attachments": [{"url": url, "name": "a.txt"}] * 15}

    async def post(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        return [await client.post("/chat", json={"message": message})]

    assert await lag_of(lagging, post) < MOST_SECONDS


def much_text(count: int) -> list[dict[str, str]]:
    roles, text = ("user", "assistant"), "wörd " * 40_000
    return [{"role": roles[n % 2], "content": f"message {n} {text}"} for n in range(count)]


def posting(
    upstream: Upstream, messages: list[dict[str, str]], answer: Callable[[Call], Awaitable[None]]
) -> tuple[Work, list[Call]]:
    """What posts these messages to `wide`, where `answer` answers, and the calls that it has made."""
    calls: list[Call] = []

    async def post(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        asking = asyncio.create_task(client.post("/chat", json={"id": "wide", "messages": messages}))
        calls.append(await upstream.call())
        await answer(calls[-1])
        return [await asking]

    return post, calls


async def test_few_messages_of_much_text_are_taken_in_pieces_and_arrive_whole(tmp_path: Path) -> None:
    messages = much_text(17)

    async def answer(call: Call) -> None:
        # Of what is long a running turn has a file.
        assert len(list((server.data_dir / "turns").iterdir())) == 1
        await call.answer("Yes")

    async with Upstream() as upstream:
        post, calls = posting(upstream, messages, answer)
        with Server(tmp_path, upstream.settings, app="tests.routes.lagging_app:app") as server:
            assert await lag_of(server, post) < MOST_SECONDS
            async with server.client("user") as client:
                read = (await client.get("/conversations/wide")).json()
                found = (await client.get("/conversations", params={"q": "message 16 wörd"})).json()
    assert calls[0].body["messages"] == messages
    assert "transfer-encoding" not in calls[0].headers
    assert [one["content"] for one in read["messages"]] == [*(one["content"] for one in messages), "Yes"]
    assert [row["id"] for row in found] == ["wide"]


async def test_on_postgresql_and_over_the_responses_wire_much_text_holds_nobody_up(tmp_path: Path) -> None:
    database, messages = postgres(), much_text(35)

    async def read(client: httpx2.AsyncClient) -> list[httpx2.Response]:
        return await asyncio.gather(*(client.get("/conversations/wide") for _ in range(3)))

    async with Upstream() as upstream:
        post, calls = posting(upstream, messages, lambda call: call.refuse(401, b"{}"))
        env = {**upstream.settings, "OPENAI_API": "responses", "DATABASE_URL": database.url(database.new_schema())}
        with Server(tmp_path, env, app="tests.routes.lagging_app:app") as server:
            assert await lag_of(server, post) < MOST_SECONDS
            assert await lag_of(server, read) < MOST_SECONDS
            async with server.client("user") as client:
                stored = (await client.get("/conversations/wide")).json()["messages"]
                found = (await client.get("/conversations", params={"q": "message 34 wörd"})).json()
    assert [one["content"][0]["text"] for one in calls[0].body["input"]] == [one["content"] for one in messages]
    assert [one["content"] for one in stored[:-1]] == [one["content"] for one in messages]
    assert [row["id"] for row in found] == ["wide"]


def test_the_files_of_its_turns_are_gone(lagging: Server) -> None:
    assert list((Path(lagging.data_dir) / "turns").iterdir()) == []
