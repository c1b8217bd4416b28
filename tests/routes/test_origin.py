"""The origin of absolute URLs, wherever the service has moved to."""

from __future__ import annotations

import socket

import httpx2
import pytest

from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.service import Server
from tests.routes.attaching import KINDS, attached, shown


async def test_urls_have_the_origin_of_the_request(server: Server) -> None:
    async with server.client("origin") as client:
        token = (await attached(client, conversation_id="origin")).rpartition("/")[2]
        assert await shown(client, "origin") == f"{server.url}/images/{token}"
        assert await shown(client, "origin", host="chat.local:81") == f"http://chat.local:81/images/{token}"
        forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "chat.example"}
        # The tests' own address is a trusted proxy by default.
        assert await shown(client, "origin", **forwarded) == f"https://chat.example/images/{token}"
        several = {"x-forwarded-proto": "https, http", "x-forwarded-host": "chat.example, inner"}
        assert await shown(client, "origin", **several) == f"https://chat.example/images/{token}"
        strange = {"x-forwarded-proto": "javascript"}
        assert await shown(client, "origin", **strange) == f"{server.url}/images/{token}"


BAD_HOSTS = [
    'chat.example/"onerror="x',
    "a b",
    "chat.example/path",
    "user@chat.example",
    "a)b",
    "[::1",
    "a\\b",
    "a?b",
    "a#b",
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("host", BAD_HOSTS)
async def test_an_invalid_host_is_ignored(server: Server, host: str) -> None:
    async with server.client("hosts") as client:
        if (await client.get("/conversations/more")).status_code == 404:
            await attached(client, conversation_id="hosts")
        for header in ("x-forwarded-host", "host"):
            url = await shown(client, "hosts", **{header: host})
            assert url.startswith(f"{server.url}/images/")
            listed = await client.get("/conversations?limit=1", headers={header: host})
            assert listed.status_code == 200


async def test_generated_images_have_the_origin_of_the_request_too(client: httpx2.AsyncClient) -> None:
    forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "chat.example"}
    response = await client.post("/chat", json={"message": "A fox", "mode": "image"}, headers=forwarded)
    assert "![Generated Image](https://chat.example/images/" in response.text


async def test_the_headers_of_an_untrusted_proxy_are_ignored(start_server: StartServer) -> None:
    server = start_server({"TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1"})
    async with server.client() as client:
        await attached(client)
        forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "evil.example"}
        assert (await shown(client, **forwarded)).startswith(f"{server.url}/images/")


@pytest.mark.slow
async def test_images_stay_reachable_under_a_new_origin(start_server: StartServer) -> None:
    server = start_server()
    async with server.client() as client:
        old = await attached(client)
        made = await chat(client, {"id": "made", "message": "A fox", "mode": "image"})
    assert server.url in made.text
    server.stop()
    moved = start_server({"PUBLIC_URL": "https://chat.example/"}, data_dir=server.data_dir)
    token = old.rpartition("/")[2]
    async with moved.client() as client:
        # PUBLIC_URL is above what any header says.
        assert await shown(client, **{"x-forwarded-host": "other.example"}) == f"https://chat.example/images/{token}"
        content = (await client.get("/conversations/made")).json()["messages"][1]["content"]
        assert content == made.text.replace(server.url, "https://chat.example")
        assert (await client.get(f"/images/{token}")).content == KINDS["image/png"]


async def test_a_request_without_a_host_is_answered(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.")
