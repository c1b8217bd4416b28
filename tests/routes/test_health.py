"""Health checks, for people and for load balancers."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.conftest import StartServer
from tests.harness.answers import lines, next_of
from tests.harness.api import error_of
from tests.harness.http_client import PLAIN
from tests.harness.model import Upstream
from tests.harness.service import Server
from tests.harness.waiting import until


async def test_health_names_the_engine_and_the_time(client: httpx2.AsyncClient) -> None:
    response = await client.get("/health")
    health = response.json()
    assert health["status"] == "healthy"
    timestamp = datetime.fromisoformat(health["timestamp"])
    assert timestamp.utcoffset() == timedelta()
    assert abs(datetime.now(UTC) - timestamp) < timedelta(seconds=10)
    assert (health["engine"], health["emulated"], health["pictures"]) == ("emulator", True, True)
    assert health["deployment"] == "mock-gpt"


async def test_health_counts_the_running_turns(driven: tuple[Upstream, Server]) -> None:
    upstream, server = driven
    async with server.client("healthy") as client:
        assert (await client.get("/health")).json()["running_turns"] == 0
        async with client.stream("POST", "/chat", json={"message": "Hello"}) as response:
            call = await upstream.call()
            health = (await client.get("/health")).json()
            assert (health["running_turns"], health["engine"], health["emulated"]) == (1, "openai", False)
            assert (health["pictures"], health["deployment"]) == (False, "model")
            await call.answer("Hi")
            await next_of(lines(response), "d")
        assert (await client.get("/health")).json()["running_turns"] == 0


def test_load_balancers_need_no_login(server: Server) -> None:
    with httpx2.Client(base_url=server.url, **PLAIN) as stranger:
        assert stranger.get("/livez").json() == {"status": "live"}
        assert stranger.get("/readyz").json() == {"status": "ready"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["conversation_metadata.db", "mock-langgraph-db.db"])
async def test_a_process_that_lost_a_database_is_live_but_not_ready(start_server: StartServer, name: str) -> None:
    server = start_server()
    async with server.client() as client:
        assert (await client.get("/readyz")).status_code == 200
        for path in server.data_dir.glob(f"{name}*"):
            path.write_bytes(b"this is no database" * 1000)

        async def is_unready() -> bool:
            return (await client.get("/readyz")).status_code == 503

        await until(is_unready)
        assert error_of(await client.get("/readyz"), 503)["code"] == "storage"
        assert (await client.get("/livez")).status_code == 200


@pytest.mark.slow
async def test_a_database_that_others_hold_is_not_waited_for(start_server: StartServer) -> None:
    server = start_server()
    async with server.client() as client:
        with closing(sqlite3.connect(server.data_dir / "conversation_metadata.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(8):
                assert error_of(await client.get("/readyz"), 503)["code"] == "storage"

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(is_ready)
    assert "the storage has not answered for 2 s" in server.log
