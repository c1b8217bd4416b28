"""Failed logins: they are logged with their address, and who guesses waits."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx2
import pytest

from mockbackend.routes.failed_logins import FREE, MAX_WAITING
from tests.conftest import StartServer
from tests.harness.api import error_of
from tests.harness.http_client import PLAIN
from tests.harness.service import AUTH, Server

WRONG = ("u", "wrong")


def seen_from(server: Server, forwarded: str) -> httpx2.AsyncClient:
    """A client that a trusted proxy says to have this address."""
    headers = {"userid": "user-1", "x-forwarded-for": forwarded}
    return httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=30, **PLAIN)


async def status(client: httpx2.AsyncClient, auth: tuple[str, str]) -> int:
    return (await client.get("/conversations", auth=auth)).status_code


@pytest.fixture(scope="module")
def server(alone: Server) -> Server:
    """One on which nobody else fails."""
    return alone


@pytest.fixture
async def guesser(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that has used up its free tries."""
    async with seen_from(server, f"198.51.100.{len(request.node.name)}") as client:
        for _ in range(FREE):
            assert await status(client, WRONG) == 401
        yield client


async def test_the_eleventh_wrong_login_waits_and_a_right_one_does_not(guesser: httpx2.AsyncClient) -> None:
    began = time.monotonic()
    assert await status(guesser, WRONG) == 401
    assert time.monotonic() - began >= 1
    began = time.monotonic()
    assert await status(guesser, AUTH) == 200
    assert time.monotonic() - began < 1


@pytest.mark.slow
async def test_while_ten_wait_nothing_of_that_address_is_looked_at(server: Server, guesser: httpx2.AsyncClient) -> None:
    waiting = [asyncio.create_task(status(guesser, WRONG)) for _ in range(MAX_WAITING)]
    async with asyncio.timeout(5):
        while (refused := await guesser.get("/conversations", auth=AUTH)).status_code == 200:
            # Not all of them had arrived.
            pass
    assert error_of(refused, 429)["code"] == "too_many_logins"
    assert refused.headers["retry-after"] == "1"
    async with seen_from(server, "203.0.113.7") as other:
        assert await status(other, AUTH) == 200
    assert await asyncio.gather(*waiting) == [401] * MAX_WAITING
    assert await status(guesser, AUTH) == 200


async def test_a_request_without_a_login_is_no_failed_one(server: Server) -> None:
    async with seen_from(server, "198.51.100.200") as client:
        began = time.monotonic()
        for _ in range(2 * FREE):
            assert (await client.get("/conversations")).status_code == 401
        assert time.monotonic() - began < 1


@pytest.mark.slow
async def test_hosts_of_one_ipv6_network_count_together(server: Server) -> None:
    for host in range(1, FREE + 1):
        async with seen_from(server, f"2001:db8:1:2::{host:x}") as client:
            assert await status(client, WRONG) == 401
    began = time.monotonic()
    async with seen_from(server, "2001:db8:1:2:3::") as client:
        assert await status(client, WRONG) == 401
    assert time.monotonic() - began >= 1


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.2:4711", "192.0.2.2"),
        ("[2001:db8::3]:4711", "2001:db8::3"),
        ("203.0.113.1, 192.0.2.4", "192.0.2.4"),
        ("192.0.2.5, 127.0.0.1", "192.0.2.5"),
        ("evil\x1b[2J", "127.0.0.1"),
    ],
)
async def test_a_failed_login_is_logged_with_the_clients_address(
    start_server: StartServer, forwarded: str, address: str
) -> None:
    server = start_server()
    async with seen_from(server, forwarded) as client:
        assert await status(client, WRONG) == 401
    (line,) = [line for line in server.log.splitlines() if "failed login" in line]
    assert line.endswith(f"failed login from {address}")
    assert " WARNING [" in line


@pytest.mark.slow
async def test_they_are_logged_once_a_second(start_server: StartServer) -> None:
    server = start_server()
    async with seen_from(server, "192.0.2.1") as client:
        # The first is logged, the eleventh comes a second later.
        for _ in range(FREE + 2):
            assert await status(client, WRONG) == 401
    lines = [line for line in server.log.splitlines() if "failed login" in line]
    at = [datetime.fromisoformat(line[:23].replace(",", ".")) for line in lines]
    assert len(at) > 1
    assert all(later - earlier >= timedelta(seconds=0.99) for earlier, later in itertools.pairwise(at))
    counted = [int(found[1]) for line in lines if (found := re.search(r"\((\d+) more since", line))]
    assert len(lines) + sum(counted) in (FREE + 1, FREE + 2)
    assert "wrong" not in server.log


async def test_a_client_cannot_name_itself_where_no_proxy_is_trusted(start_server: StartServer) -> None:
    server = start_server({"TRUSTED_PROXIES": "192.0.2.0/24"})
    async with seen_from(server, "203.0.113.1") as client:
        assert await status(client, WRONG) == 401
    assert "failed login from 127.0.0.1" in server.log
