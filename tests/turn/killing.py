"""Killing a server under load, again and again, and checking all that is left after each restart."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass

import httpx2

from tests.harness.answers import chat
from tests.harness.data_folder import rows
from tests.harness.emulator import Emulator
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.turn.crashing import Chatter, check_nothing_left, images_of, leftovers
from tests.turn.valid import is_incomplete

CONVERSATIONS = 6


@dataclass
class Tally:
    """What the kills met."""

    kills: int = 0
    answers: int = 0
    cut: int = 0
    images: int = 0


async def kill_again_and_again(server: Server, emulator: Emulator, kills: int, seed: int) -> Tally:
    """Start, load, kill and check so often. AssertionError where something is not as it must be."""
    chance = random.Random(seed)
    tally = Tally()
    server.start()
    for number in range(kills):
        chatters = [Chatter(f"c{number}-{one}", chance.randrange(2**32)) for one in range(CONVERSATIONS)]
        killed_at = await under_load(server, chatters, chance.uniform(0.1, 3.0))
        server.start()
        await check(server, chatters, killed_at, tally)
        refused = [call for call in (await emulator.journal())["requests"] if call["status"] == 400]
        assert refused == [], "the model refused a history"
        tally.kills += 1

    async def none() -> bool:
        return rows(server.data_dir, "SELECT count(*) FROM turns") == [(0,)]

    await until(none)
    return tally


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


async def check(server: Server, chatters: list[Chatter], killed_at: float, tally: Tally) -> None:
    """What must be true after a restart."""
    check_nothing_left(server)
    assert leftovers(server.data_dir) == []
    async with server.client("crash") as client:
        for chatter in chatters:
            response = await client.get(f"/conversations/{chatter.id}")
            if response.status_code == 404:
                assert chatter.deleted or not chatter.asked, f"{chatter.id} is gone"
                continue
            read = response.json()
            if read["messages"]:
                chatter.check(read, killed_at)
                tally.answers += len(read["messages"]) // 2
                tally.cut += is_incomplete(read["messages"][-1])
            found = rows(server.data_dir, "SELECT token FROM pictures WHERE conversation_id = ?", chatter.id)
            assert images_of(read) == {token for (token,) in found}
            tally.images += len(found)
            for (token,) in found:
                assert (await client.get(f"/images/{token}")).status_code == 200
            answer = await chat(client, {"id": chatter.id, "message": f"continue {chatter.id}"})
            assert answer.errors == []
            assert answer.text == "Continued."
