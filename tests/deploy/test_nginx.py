"""The service behind Debian's nginx with the repository's own deploy/nginx.conf."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import orjson
import pytest

from mockbackend.settings import Settings
from tests.conftest import StartServer
from tests.deploy.nginx import nginx
from tests.harness.answers import chat, lines, next_of
from tests.harness.model import Upstream
from tests.harness.service import Server
from tests.routes.uploads import MULTIPART, Sending, part, until_there

HELLO = {"message": {"role": "user", "content": "Hello"}}
# Root may do whatever nobody may.
USERS = [pytest.param("itself", marks=pytest.mark.slow), "nobody"] if os.geteuid() == 0 else ["itself"]

InFront = Callable[[Server], Server]


@pytest.fixture(scope="module", params=USERS)
def as_nobody(request: pytest.FixtureRequest) -> bool:
    """nginx runs as this user and, where this is root, as nobody."""
    return bool(request.param == "nobody")


@pytest.fixture
def in_front(as_nobody: bool) -> Iterator[InFront]:
    """`in_front(server)` starts nginx before it."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(before(server, as_nobody))


@pytest.fixture(scope="module")
def behind(as_nobody: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """A service, and nginx before it."""
    with Server(tmp_path_factory.mktemp("server")) as server, before(server, as_nobody) as proxy:
        yield server, proxy


def before(server: Server, as_nobody: bool) -> AbstractContextManager[Server]:
    return nginx("nginx.conf", {"127.0.0.1:8000": server.port}, as_nobody=as_nobody)


async def test_the_first_delta_passes_while_the_second_is_held_back(
    start_server: StartServer, in_front: InFront
) -> None:
    async with Upstream() as upstream:
        proxy = in_front(start_server(upstream.settings))
        async with proxy.client() as client, client.stream("POST", "/chat", json=HELLO) as response:
            assert response.status_code == 200
            assert response.request.headers["accept-encoding"]
            assert "content-encoding" not in response.headers
            call = await upstream.call()
            await call.start()
            await call.delta("first")
            reader = lines(response)
            assert await next_of(reader, "0") == "first"
            await call.delta("second")
            await call.finish()
            assert await next_of(reader, "0") == "second"
            assert (await next_of(reader, "d"))["finishReason"] == "stop"


@pytest.mark.slow
async def test_a_client_that_goes_away_ends_the_upstream_call(start_server: StartServer, in_front: InFront) -> None:
    async with Upstream() as upstream:
        proxy = in_front(start_server(upstream.settings))
        async with proxy.client() as client, client.stream("POST", "/chat", json=HELLO) as response:
            call = await upstream.call()
            await call.start()
            await call.delta("first")
            assert await next_of(lines(response), "0") == "first"
        await call.gone()


async def test_an_image_is_served_under_the_address_that_the_client_used(behind: tuple[Server, Server]) -> None:
    _, proxy = behind
    async with proxy.client() as client:
        answer = await chat(client, {**HELLO, "mode": "image"})
        found = re.search(r"!\[Generated Image\]\((\S+)\)", answer.text)
        assert found, answer
        assert found[1].startswith(f"{proxy.url}/images/")
        image = await client.get(found[1])
    assert image.status_code == 200
    assert image.headers["content-type"].startswith("image/")


async def test_a_body_is_taken_up_to_the_limit_of_the_service_and_refused_above_it_in_json(
    behind: tuple[Server, Server],
) -> None:
    _, proxy = behind
    most = orjson.dumps({**HELLO, "ignored": ""})
    most = most.replace(b'""', b'"' + b"x" * (Settings().max_body_bytes - len(most)) + b'"')
    async with proxy.client() as client:
        taken = await client.post("/chat", content=most)
        refused = await client.post("/chat", content=most + b" ", headers={"origin": "http://localhost:3000"})
        foreign = await client.post("/chat", content=most + b" ", headers={"origin": "http://evil.example"})
    assert (taken.status_code, refused.status_code) == (200, 413)
    assert refused.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert refused.headers["access-control-allow-credentials"] == "true"
    assert foreign.status_code == 413
    assert [name for name in foreign.headers if name.startswith("access-control-")] == []
    assert refused.json()["error"]["code"] == "too_large"
    assert str(Settings().max_body_bytes) in refused.json()["error"]["message"]


@pytest.mark.slow
async def test_an_upload_larger_than_other_bodies_passes_as_it_comes(behind: tuple[Server, Server]) -> None:
    server, proxy = behind

    async def pieces() -> AsyncIterator[bytes]:
        yield b"--B\r\n" + part(b'; name=f; filename="a.txt"', b"Through nginx")[:-2]
        # The service has it while the rest is still to be sent.
        await asyncio.to_thread(until_there, server, b"Through nginx")
        for _ in range(Settings().max_body_bytes // 65536 + 1):
            yield b"x" * 65535 + b"\n"
        yield b"\r\n--B--\r\n"

    async with proxy.client() as client:
        response = await client.post("/files", content=pieces(), headers=MULTIPART)
        (row,) = response.json()
        assert row["size"] > Settings().max_body_bytes
        assert (await client.delete(f"/files/{row['id']}")).status_code == 204
    async with Sending(proxy, "user-1", 10**10) as sending:
        assert b"HTTP/1.1 413 " in await sending.answer()


async def test_refusals_go_to_the_systems_log(behind: tuple[Server, Server]) -> None:
    _, proxy = behind
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system_log:
        path = proxy.log_path.parent / "log"
        system_log.bind(str(path))
        path.chmod(0o777)
        system_log.settimeout(10)
        async with proxy.client() as client:
            assert (await client.get("/conversations")).status_code == 200
            assert (await client.get("/conversations", auth=("u", "wrong"))).status_code == 401
        line = system_log.recv(4096).decode()
    assert re.search(r"mockbackend: 127\.0\.0\.1 401 GET /conversations [\d.]+$", line), line
