"""kill -9 of the real server at random points under load; after each restart everything is valid and goes on."""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path

import httpx2

from tests.running import Server, chat
from tests.turn.conftest import emulating
from tests.turn.crashing import SCRIPT, Chatter, check_nothing_left, leftovers, pictures_of
from tests.turn.valid import is_incomplete
from tests.turn.world import azure, rows, until

KILLS = 20
CONVERSATIONS = 6


async def test_after_each_of_twenty_kills_everything_is_valid_and_goes_on(tmp_path: Path) -> None:
    chance = random.Random(20)
    cut = 0
    with emulating(tmp_path, SCRIPT) as emulator:
        server = Server(tmp_path, azure(emulator))
        try:
            server.start()
            for number in range(KILLS):
                chatters = [Chatter(f"c{number}-{one}", chance.randrange(2**32)) for one in range(CONVERSATIONS)]
                killed_at = await under_load(server, chatters, chance.uniform(0.1, 2.0))
                server.start()
                cut += await check(server, chatters, killed_at, number)
        finally:
            server.close()
        assert cut > KILLS, "the kills met too few running answers"
        journal = (await emulator.journal())["requests"]
        assert not [call for call in journal if call["status"] == 400], "the model refused a history"


async def under_load(server: Server, chatters: list[Chatter], seconds: float) -> float:
    """Kill the server after so long under load; the time of it."""
    async with server.client("crash") as client:
        tasks = [asyncio.create_task(chatter.talk(client)) for chatter in chatters]
        await asyncio.sleep(seconds)
        failed = [task.exception() for task in tasks if task.done()]
        assert failed == [None] * len(failed)
        killed_at = asyncio.get_running_loop().time()
        server.kill()
        for task in tasks:
            with contextlib.suppress(httpx2.TransportError):
                await task
    return killed_at


async def check(server: Server, chatters: list[Chatter], killed_at: float, number: int) -> int:
    """What must be true after a restart; gives the number of answers that were cut."""
    cut = 0
    check_nothing_left(server)
    assert leftovers(server.data_dir) == []
    async with server.client("crash") as client:
        for chatter in chatters:
            response = await client.get(f"/conversations/{chatter.id}")
            if chatter.deleted and response.status_code == 404:
                continue
            assert response.status_code == 200 or not chatter.asked
            if response.status_code == 404:
                continue
            read = response.json()
            if read["messages"]:
                chatter.check(read, killed_at)
                cut += is_incomplete(read["messages"][-1])
            known = {
                token
                for (token,) in rows(
                    server.data_dir, "SELECT token FROM pictures WHERE conversation_id = ?", chatter.id
                )
            }
            assert pictures_of(read) == known
            for token in known:
                assert (await client.get(f"/images/{token}")).status_code == 200
            answer = await chat(client, {"id": chatter.id, "message": f"continue {number}"})
            assert answer.errors == []
            assert answer.text == "Continued."

        async def none() -> bool:
            return rows(server.data_dir, "SELECT count(*) FROM turns") == [(0,)]

        if number == KILLS - 1:
            await until(none)
    return cut
