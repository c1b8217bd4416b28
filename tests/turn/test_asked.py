"""The response to a turn begins once the model has been asked, and never waits for its answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yarl

from mockbackend.storage import DayLimits, Turn
from mockbackend.turn import run as module
from mockbackend.turn.run import Run
from mockbackend.upstream.transport import PIECE_BYTES, Transport, request_written
from tests.harness.answers import posting
from tests.harness.model import Upstream
from tests.harness.raw_model import Unanswering
from tests.harness.service import Server
from tests.turn.test_stop import stop

# No turn of these tests is stored.
NO_STORE: Any = None


@pytest.fixture
async def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that is waited for as long as it takes."""
    monkeypatch.setattr(module, "ASKING_SECONDS", 3600)
    return Run(Turn("ann", "c", "t", "m", 1, "data", 0, []), "chat", NO_STORE, DayLimits(), resumable=True)


async def test_the_response_begins_while_the_model_thinks(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        with Server(tmp_path, upstream.settings) as server:
            async with server.client() as client, posting(client, "Hi") as stream:
                assert (await stream.until("f"))["messageId"].startswith("msg-")
                call = await upstream.call()
                await call.answer("Hello")
                assert [code for code, _ in await stream.rest()] == ["0", "e", "d"]


async def test_the_response_begins_while_no_connection_to_the_model_is_made(tmp_path: Path) -> None:
    with Unanswering() as upstream:
        settings = {
            "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream.port}/v1",
            "OPENAI_API_KEY": "k",
            "OPENAI_MODEL": "m",
        }
        with Server(tmp_path, settings) as server:
            async with server.client() as client, posting(client, "Hi") as stream:
                assert (await stream.until("f"))["messageId"].startswith("msg-")
                await stop(client, stream.conversation_id)
                assert [code for code, _ in await stream.rest()] == ["2", "e", "d"]


async def test_it_waits_for_a_model_that_is_about_to_be_asked(run: Run) -> None:
    waiting = asyncio.create_task(run.until_asked())
    run.answer.begin_step()
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    run.asked.set_result(None)
    await waiting


async def test_it_waits_no_longer_than_the_turn_runs(run: Run) -> None:
    waiting = asyncio.create_task(run.until_asked())
    await asyncio.sleep(0)
    run.end()
    async with asyncio.timeout(30):
        await waiting


async def test_it_does_not_wait_long(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASKING_SECONDS", 0.001)
    async with asyncio.timeout(30):
        await run.until_asked()
    # The model is asked after that, and the turn ends.
    run.end()


@pytest.mark.parametrize("size", [1000, 3 * PIECE_BYTES])
async def test_the_model_has_been_asked_before_it_answers(size: int) -> None:
    async with Upstream() as upstream:
        transport = Transport(upstream.settings["OPENAI_BASE_URL"], connect_seconds=15)
        request_written.set(written := asyncio.get_running_loop().create_future())
        body = b'{"messages": [], "model": "%b"}' % (b"m" * size)
        async with asyncio.TaskGroup() as group:
            url = yarl.URL(upstream.settings["OPENAI_BASE_URL"])
            sending = group.create_task(transport.send("POST", url, {"content-length": str(len(body))}, body))
            call = await upstream.call()
            async with asyncio.timeout(30):
                await written
            assert not sending.done()
            await call.answer("Hello")
        await sending.result().aclose()
        await transport.aclose()
