"""An answer that is followed from another process: its words come soon, and nothing is done while nobody follows."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from mockbackend.turn.remote import POLL_SECONDS
from tests.harness.answers import Stream, joining, posting
from tests.harness.postgres import postgres
from tests.harness.postgres_proxy import Proxy
from tests.harness.waiting import idle, until
from tests.turn.conftest import NewWorld
from tests.turn.test_stop import stop

WORDS = 120
READERS = 20
# At the median.
MOST_SECONDS_LATE = 0.15


async def times(stream: Stream, words: int) -> list[float]:
    """When each of the first words was heard."""
    clock = asyncio.get_running_loop().time
    heard: list[float] = []
    text = ""
    while len(heard) < words:
        text += await stream.until("0")
        heard += [clock()] * (text.count(" ") - len(heard))
    return heard[:words]


def in_a_folder(folder: Path) -> dict[str, str]:
    return {"DATA_DIR": str(folder / "shared")}


def in_a_database(folder: Path) -> dict[str, str]:
    return {"DATABASE_URL": postgres().url(postgres().new_schema())}


@pytest.mark.slow
@pytest.mark.parametrize("place", [in_a_folder, in_a_database])
async def test_words_reach_another_process_soon(
    new_world: NewWorld, tmp_path: Path, place: Callable[[Path], dict[str, str]]
) -> None:
    env = place(tmp_path)
    first, second = new_world(env), new_world(env)
    async with (
        first.server.client() as one,
        second.server.client() as other,
        posting(one, "speak slowly: followed", id="a") as stream,
    ):
        await stream.until("f")
        async with joining(other, "a") as joined:
            there, here = await asyncio.gather(times(joined, WORDS), times(stream, WORDS))
        late = [second - first for first, second in zip(here, there, strict=True)]
        began = asyncio.get_running_loop().time()
        await stop(other, "a")
        assert asyncio.get_running_loop().time() - began < 1.5
    assert statistics.median(late) < MOST_SECONDS_LATE, late


@pytest.mark.slow
async def test_nothing_is_added_while_nobody_follows(new_world: NewWorld) -> None:
    schema = postgres().new_schema()
    with Proxy() as proxy:
        first = new_world({"DATABASE_URL": proxy.url(schema)})
        second = new_world({"DATABASE_URL": postgres().url(schema)})

        async with first.server.client() as one, second.server.client() as other:

            async def writes(stream: Stream) -> int:
                """How often the log is written while these words are heard, which takes three seconds."""
                proxy.statements.clear()
                await times(stream, WORDS)
                return sum("INTO turn_logs" in statement for statement in proxy.statements)

            async with posting(one, "speak slowly: alone", id="a") as stream:
                alone = await writes(stream)
                everything = len(proxy.statements)
                async with joining(other, "a") as joined:
                    await joined.until("0")
                    followed = await writes(stream)
            await idle(one)
    # Every 0.7 s; a few more where the machine is slow.
    assert alone <= 8
    # BEGIN, SET, the write and COMMIT; a beat; the lease every 3 s.
    assert everything <= 8 * 5 + 4
    assert followed > 2 * alone


@pytest.mark.slow
async def test_many_readers_look_no_more_often_than_one(new_world: NewWorld) -> None:
    schema = postgres().new_schema()
    with Proxy() as proxy:
        first = new_world({"DATABASE_URL": postgres().url(schema)})
        second = new_world({"DATABASE_URL": proxy.url(schema)})
        async with (
            first.server.client() as one,
            second.server.client() as other,
            posting(one, "speak slowly: many", id="a"),
            AsyncExitStack() as stack,
        ):
            joined = [await stack.enter_async_context(joining(other, "a")) for _ in range(READERS)]
            await asyncio.gather(*(reader.until("0") for reader in joined))
            proxy.statements.clear()
            clock = asyncio.get_running_loop().time
            began = clock()

            async def are_looks() -> bool:
                return sum("FROM turn_logs WHERE turn_id" in one for one in proxy.statements) >= READERS

            await until(are_looks)
            seconds = clock() - began
            await stop(one, "a")
            await idle(one)
    # Where each reader looks for itself, all of them do so in the time of one look.
    assert seconds > READERS / 2 * POLL_SECONDS
