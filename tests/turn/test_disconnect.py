"""A client that goes away, one that reads slowly, and one that comes back at once."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import orjson
import pytest

from tests.harness.answers import chat, joining, posting
from tests.harness.examples import examples
from tests.harness.service import AUTH, Server
from tests.harness.waiting import idle, until
from tests.harness.world import World
from tests.turn.conftest import NewWorld
from tests.turn.script import WORDS
from tests.turn.test_stop import aborted, stop, stored
from tests.turn.valid import is_incomplete

FLOOD = f"""
rules:
  - when: "a flood"
    text: {[f"{number:04}" + "x" * 4092 for number in range(2300)]}
"""
FLOOD_BYTES = 2300 * 4096


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("speak slowly: gone", "0"),
        ("fall silent, and the client goes", "0"),
        ("never begin, and the client goes", "f"),
    ],
)
async def test_a_client_that_goes_away_ends_the_call_within_a_second(
    world: World, user: httpx2.AsyncClient, message: str, code: str
) -> None:
    heard = ""
    async with posting(user, message) as stream:
        conversation_id = stream.conversation_id
        value = await stream.until(code)
        heard = value if code == "0" else ""

        async def asked() -> bool:
            return bool(world.emulator.asked(message))

        await until(asked)
    await aborted(world, message)
    await idle(user)
    answer = (await stored(user, conversation_id))["messages"][1]
    assert is_incomplete(answer)
    assert answer["content"].startswith(heard)
    again = await chat(user, {"id": conversation_id, "message": "back again"})
    assert again.text == "You said: back again"


async def test_a_client_that_goes_away_ends_an_image(world: World, user: httpx2.AsyncClient) -> None:
    async with posting(user, "a slow picture, left", mode="image") as stream:
        await stream.until("2")
        conversation_id = stream.conversation_id

        async def asked() -> bool:
            return bool(world.emulator.open)

        await until(asked)
    await idle(user)
    assert is_incomplete((await stored(user, conversation_id))["messages"][1])

    async def over() -> bool:
        return not world.emulator.open

    await until(over)


async def test_another_reader_keeps_the_answer_going(user: httpx2.AsyncClient) -> None:
    async with posting(user, "speak slowly: two tabs") as stream:
        await stream.until("0")
        async with joining(user, stream.conversation_id) as joined:
            await joined.until("0")
            await stream.response.aclose()
            for _ in range(20):
                assert await joined.until("0")
    await idle(user)


async def test_a_clients_abort_and_its_next_message_may_cross(user: httpx2.AsyncClient) -> None:
    conversation_id = "crossing"
    for number in range(times := examples(15)):
        async with posting(user, f"speak slowly: {number}", id=conversation_id) as stream:
            await stream.until("0")
            following = asyncio.create_task(chat(user, {"id": conversation_id, "message": f"instead of {number}"}))
            await asyncio.sleep(0.005 * number)
        answer = await following
        assert (answer.status, answer.text) == (200, f"You said: instead of {number}")
    read = await stored(user, conversation_id)
    assert read["message_count"] == 4 * times


@pytest.mark.slow
async def test_a_slow_reader_slows_neither_the_others_nor_the_model(new_world: NewWorld) -> None:
    world = new_world(script=FLOOD, fresh=True)
    server = world.server
    async with server.client() as client:
        # Warm, so that what is measured is this answer's.
        await chat(client, {"message": "warm up"})
        before = resident(server)
        with closed_ear(server, {"id": "flood", "message": "a flood"}):
            async with asyncio.timeout(20):
                async with joining_when_there(client, "flood") as response:
                    received = sum([len(chunk) async for chunk in response.aiter_bytes()])
            assert received > FLOOD_BYTES
            # The model's stream was read to its end, and the answer is stored, while one reader has read nothing.
            assert world.emulator.open == 0
            assert len((await stored(client, "flood"))["messages"][1]["content"]) == FLOOD_BYTES
            # The answer in what is stored and in each statement that stored it; not once more for each time that a
            # reader was offered it, nor what was read and sent, which goes back to the system.
            assert resident(server) - before < 10 * FLOOD_BYTES
        assert (await chat(client, {"message": "and on"})).text == "You said: and on"


async def test_a_slow_reader_that_leaves_ends_the_model_call(world: World, user: httpx2.AsyncClient) -> None:
    userid = user.headers["userid"]
    with closed_ear(world.server, {"id": "ear", "message": "speak slowly: to a closed ear"}, userid):

        async def asked() -> bool:
            return bool(world.emulator.asked("speak slowly: to a closed ear"))

        await until(asked)
    await aborted(world, "speak slowly: to a closed ear")
    await idle(user)
    answer = (await stored(user, "ear"))["messages"][1]
    assert is_incomplete(answer)
    assert "".join(WORDS).startswith(answer["content"])


async def test_a_request_cut_in_its_body_leaves_nothing(world: World, user: httpx2.AsyncClient) -> None:
    with socket.create_connection(("127.0.0.1", world.server.port)) as sock:
        sock.sendall(request(user.headers["userid"], b'{"id": "cut-body", "message": "hal', length=100))
    await asyncio.sleep(0)
    assert (await user.get("/conversations/cut-body")).status_code == 404
    assert (await user.get("/conversations")).json() == []


@pytest.mark.slow
async def test_hundreds_of_aborted_answers_leave_no_file_open(world: World, user: httpx2.AsyncClient) -> None:
    async def leave(number: int) -> None:
        async with posting(user, f"speak slowly: abort {number}") as stream:
            await stream.until("0")

    for start in (0, 1):
        for batch in range(10):
            await asyncio.gather(*(leave(100 * batch + number) for number in range(10)))
            # Those that were left are still being stored, and a user's answers are limited.
            await idle(user)
        if start == 0:
            before = open_files(world.server)

    async def back() -> bool:
        return open_files(world.server) <= before + 12

    await until(back)
    await stop(user, (await user.get("/conversations")).json()[0]["id"])


def request(userid: str, body: bytes, length: int | None = None) -> bytes:
    """A POST /chat as bytes."""
    login = base64.b64encode(":".join(AUTH).encode()).decode()
    head = (
        "POST /chat HTTP/1.1",
        "host: localhost",
        f"authorization: Basic {login}",
        f"userid: {userid}",
        f"content-length: {length or len(body)}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def closed_ear(server: Server, body: object, userid: str = "user-1") -> socket.socket:
    """A connection that has sent this request and reads nothing of its answer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    sock.sendall(request(userid, orjson.dumps(body)))
    return sock


@asynccontextmanager
async def joining_when_there(client: httpx2.AsyncClient, conversation_id: str) -> AsyncIterator[httpx2.Response]:
    """Join once the turn has begun."""
    while True:
        async with client.stream("GET", f"/chat/{conversation_id}/stream") as response:
            if response.status_code == 200:
                yield response
                return


def resident(server: Server) -> int:
    """Resident memory of the server, in bytes."""
    fields = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in fields if line.startswith("VmRSS:"))


def open_files(server: Server) -> int:
    """How many descriptors the server has open."""
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
