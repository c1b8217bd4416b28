"""Images as they are served, and the absolute URL that they are shown under, wherever the service has moved to."""

from __future__ import annotations

import re
import socket

import httpx2
import pytest

from tests.conftest import StartServer
from tests.harness.http_client import PLAIN
from tests.routes.api import data_url, error_of, png
from tests.running import Server, chat

KINDS = {
    "image/png": png(),
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"x" * 20,
    "image/gif": b"GIF89a" + b"x" * 20,
    "image/webp": b"RIFF\x10\0\0\0WEBP" + b"x" * 20,
}


async def attached(client: httpx2.AsyncClient, content: bytes = KINDS["image/png"], conversation_id: str = "a") -> str:
    """The URL of an image that is attached to a message."""
    attachment = {"name": "a", "url": data_url(content, "image/png")}
    body = {
        "id": conversation_id,
        "messages": [{"role": "user", "content": "a", "experimental_attachments": [attachment]}],
    }
    assert (await chat(client, body)).status == 200
    return await shown(client, conversation_id)


async def shown(client: httpx2.AsyncClient, conversation_id: str = "a", **headers: str) -> str:
    """The URL under which the conversation's image is shown to this request."""
    response = await client.get(f"/conversations/{conversation_id}", headers=headers)
    url: str = response.json()["messages"][0]["experimental_attachments"][0]["url"]
    return url


@pytest.mark.parametrize("media_type", KINDS)
async def test_an_image_is_served_to_whoever_has_its_address(server: Server, media_type: str) -> None:
    async with server.client(media_type) as client:
        url = await attached(client, KINDS[media_type], media_type.replace("/", "-"))
    async with httpx2.AsyncClient(**PLAIN) as stranger:
        response = await stranger.get(url)
    assert (response.status_code, response.content) == (200, KINDS[media_type])
    # By what it is, not by what it was called.
    assert response.headers["content-type"] == media_type
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in response.headers["cache-control"]
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"


async def test_a_token_cannot_be_guessed(server: Server) -> None:
    async with server.client("guess") as client:
        urls = {await attached(client, conversation_id=f"guess-{number}") for number in range(3)}
    tokens = {url.rpartition("/")[2] for url in urls}
    assert len(tokens) == 3
    # 32 characters of 6 bits each.
    assert all(re.fullmatch(r"[\w-]{32}", token) for token in tokens)


@pytest.mark.parametrize("token", ["x", "a" * 32, "a" * 5000, "%00", "..%2f..%2flogin", "%FF", ".", "a.part"])
async def test_a_token_that_is_none_is_a_404(client: httpx2.AsyncClient, token: str) -> None:
    error_of(await client.get(f"/images/{token}"), 404)


async def test_the_address_is_the_one_that_the_request_used(server: Server) -> None:
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


@pytest.mark.parametrize("host", BAD_HOSTS)
async def test_a_host_that_is_none_is_not_believed(server: Server, host: str) -> None:
    async with server.client("hosts") as client:
        if (await client.get("/conversations/more")).status_code == 404:
            await attached(client, conversation_id="hosts")
        for header in ("x-forwarded-host", "host"):
            url = await shown(client, "hosts", **{header: host})
            assert url.startswith(f"{server.url}/images/")
            listed = await client.get("/conversations?limit=1", headers={header: host})
            assert listed.status_code == 200


async def test_images_that_are_made_follow_the_request_too(client: httpx2.AsyncClient) -> None:
    forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "chat.example"}
    response = await client.post("/chat", json={"message": "A fox", "mode": "image"}, headers=forwarded)
    assert "![Generated Image](https://chat.example/images/" in response.text


async def test_a_peer_that_is_no_trusted_proxy_is_not_believed(start_server: StartServer) -> None:
    server = start_server({"TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1"})
    async with server.client() as client:
        await attached(client)
        forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "evil.example"}
        assert (await shown(client, **forwarded)).startswith(f"{server.url}/images/")


async def test_a_host_that_has_moved_keeps_its_images(start_server: StartServer) -> None:
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


async def test_an_image_that_is_sent_back_is_not_stored_again(server: Server) -> None:
    async with server.client("back") as client:
        url = await attached(client, conversation_id="back")
        before = len(list((server.data_dir / "pictures").iterdir()))
        part = {"type": "image_url", "image_url": {"url": url}}
        message = {"role": "user", "content": [{"type": "text", "text": "Again"}, part]}
        answer = await chat(client, {"id": "back", "message": message})
        assert answer.status == 200, answer.body
        assert "I see 1 image" in answer.text
        assert len(list((server.data_dir / "pictures").iterdir())) == before


async def test_a_request_without_a_host_is_answered(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.")
