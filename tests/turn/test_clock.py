"""A wall clock that jumps by an hour, forward and back, while the service runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import httpx2
import pytest

from tests.harness.answers import chat
from tests.harness.api import error_of, say, texts
from tests.harness.clock import HOUR, Clock
from tests.harness.data_folder import rows
from tests.harness.http_client import PLAIN
from tests.harness.model import Upstream
from tests.harness.service import Server
from tests.harness.waiting import idle, until

JUMPS = (HOUR, -HOUR)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def jumping(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture
def clock(jumping: Clock) -> Clock:
    """The clock of all servers here, which is right when a test begins."""
    jumping.jump_to(0)
    return jumping


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


@pytest.fixture
def server(tmp_path: Path, clock: Clock, upstream: Upstream) -> Iterator[Server]:
    limits = {"MAX_TURNS_PER_USER_PER_DAY": "1000"}
    with Server(tmp_path, {**upstream.settings, **clock.settings, **limits}) as running:
        yield running


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    async with server.client() as logged_in:
        yield logged_in


async def now(client: httpx2.AsyncClient) -> float:
    """What time it is there, in seconds from here."""
    timestamp = (await client.get("/health")).json()["timestamp"]
    return datetime.fromisoformat(timestamp).timestamp() - time.time()


async def answered(upstream: Upstream, text: str = "Hello") -> None:
    await (await upstream.call()).answer(text)


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_running_turn_goes_on_and_others_follow_it(
    server: Server, client: httpx2.AsyncClient, clock: Clock, upstream: Upstream, tmp_path: Path, jump: int
) -> None:
    asking = asyncio.create_task(say(client, "Hello", "c"))
    call = await upstream.call()
    await call.start()
    await call.delta("before, ")
    folder = tmp_path / "other"
    folder.mkdir()
    with Server(folder, {**upstream.settings, **clock.settings}, data_dir=server.data_dir) as second:
        async with second.client() as other:
            joining = asyncio.create_task(other.get("/chat/c/stream"))
            await asyncio.sleep(0)
            clock.jump_to(jump)
            assert abs(await now(client) - jump) < 60
            # The log is still written, and the other process still takes this one for alive.
            await call.delta("and after")
            conflict = await other.post("/chat", json={"id": "c", "message": "x"})
            assert error_of(conflict, 409)["code"] == "conflict"
            await call.finish()
            assert (await asking).text == "before, and after"
            joined = await asyncio.wait_for(joining, 30)
            assert joined.status_code == 200
            assert '"stop"' in joined.text.splitlines()[-1]
            assert [text for _, text in await texts(other, "c")] == ["Hello", "before, and after"]
            # The next turn begins in the process that did not have the first.
            asking = asyncio.create_task(say(other, "And?", "c"))
            await answered(upstream, "Yes")
            assert (await asking).text == "Yes"
        await idle(client)
    assert "Traceback" not in server.log + second.log


@pytest.mark.parametrize("jump", JUMPS)
async def test_conversations_stay_whole_and_the_newest_of_an_hour_is_first(
    client: httpx2.AsyncClient, clock: Clock, upstream: Upstream, jump: int
) -> None:
    for turn, offset in enumerate((0, jump, 0, jump)):
        clock.jump_to(offset)
        asking = asyncio.create_task(say(client, f"turn {turn}", "c"))
        await answered(upstream)
        await asking
    clock.jump_to(jump)
    asking = asyncio.create_task(say(client, "later", "d"))
    await answered(upstream)
    await asking
    assert [text for role, text in await texts(client, "c") if role == "user"] == [f"turn {n}" for n in range(4)]
    listed = {row["id"]: row for row in (await client.get("/conversations")).json()}
    assert listed["c"]["message_count"] == 8
    # What was changed last was never changed before that.
    assert listed["c"]["updated_at"] >= listed["c"]["created_at"]
    if jump > 0:
        assert list(listed) == ["d", "c"]
    read = (await client.get("/conversations/c")).json()
    assert len({message["id"] for message in read["messages"]}) == 8


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_refusal_by_the_day_names_the_time_to_midnight_there(
    tmp_path: Path, clock: Clock, upstream: Upstream, jump: int
) -> None:
    settings = {**upstream.settings, **clock.settings, "MAX_TURNS_PER_USER_PER_DAY": "1"}
    with Server(tmp_path, settings) as limited:
        clock.jump_to(jump)
        async with limited.client() as client:
            asking = asyncio.create_task(say(client, "Hello"))
            await answered(upstream)
            await asking
            refused = await client.post("/chat", json={"message": "again"})
            assert error_of(refused, 429)["code"] == "daily_limit"
            left = 86_400 - (time.time() + jump) % 86_400
            assert abs(int(refused.headers["retry-after"]) - left) < 30


@pytest.mark.parametrize("jump", JUMPS)
async def test_failed_logins_are_slowed_down_all_the_same(server: Server, clock: Clock, jump: int) -> None:
    async with httpx2.AsyncClient(base_url=server.url, auth=("u", "wrong"), **PLAIN) as guessing:
        for _ in range(10):
            assert (await guessing.get("/health")).status_code == 401
        clock.jump_to(jump)
        began = time.monotonic()
        assert (await guessing.get("/health")).status_code == 401
        assert time.monotonic() - began >= 1


@pytest.mark.parametrize("jump", JUMPS)
async def test_what_a_crash_left_is_recovered_after_it(
    server: Server, client: httpx2.AsyncClient, clock: Clock, upstream: Upstream, jump: int
) -> None:
    asking = asyncio.create_task(chat(client, {"id": "c", "message": "Hello"}))
    call = await upstream.call()
    await call.start()
    await call.delta("said")

    async def is_written() -> bool:
        return "said" in str(rows(server.data_dir, "SELECT CAST(log AS TEXT) FROM turns"))

    await until(is_written)
    server.kill()
    with pytest.raises(httpx2.TransportError):
        await asking
    call.cut()
    clock.jump_to(jump)
    server.start()
    async with server.client() as again:
        assert [text for _, text in await texts(again, "c")] == ["Hello", "said"]
