"""Front ends on another origin: preflights, errors, and what they may read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest

from mockbackend.routes import API
from tests.conftest import StartServer
from tests.harness.api import filled
from tests.harness.http_client import PLAIN
from tests.harness.service import Server

FRONT_END = "http://localhost:5173"
EXPOSED = {"x-conversation-id", "x-vercel-ai-data-stream", "link", "retry-after", "x-request-id"}
PATHS = sorted({route.path for route in API})


@pytest.fixture
def stranger(server: Server) -> Iterator[httpx2.Client]:
    """A client without login."""
    with httpx2.Client(base_url=server.url, timeout=30, **PLAIN) as client:
        yield client


def allowed(response: httpx2.Response, origin: str = FRONT_END) -> None:
    assert response.headers["access-control-allow-origin"] == origin
    assert "origin" in response.headers["vary"].lower()
    exposed = {name.strip().lower() for name in response.headers["access-control-expose-headers"].split(",")}
    assert exposed >= EXPOSED


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_is_answered_without_a_login(stranger: httpx2.Client, path: str) -> None:
    response = stranger.options(
        filled(path),
        headers={
            "origin": FRONT_END,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, content-type, userid",
        },
    )
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == FRONT_END
    assert response.headers["access-control-allow-credentials"] == "true"
    named = {name.strip().lower() for name in response.headers["access-control-allow-headers"].split(",")}
    assert named >= {"authorization", "content-type", "userid"}
    assert {"GET", "POST", "PATCH", "DELETE"} <= set(response.headers["access-control-allow-methods"].split(", "))


def test_a_preflight_from_a_foreign_origin_is_refused(stranger: httpx2.Client) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    response = stranger.options("/chat", headers=headers)
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers


def test_a_foreign_origin_may_not_read_an_answer(stranger: httpx2.Client) -> None:
    response = stranger.get("/livez", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in response.headers


async def test_a_stream_may_be_read(server: Server) -> None:
    async with server.client() as client:
        response = await client.post("/chat", json={"message": "Hello"}, headers={"origin": FRONT_END})
    assert response.status_code == 200
    allowed(response)


ERRORS = {
    "400": ("POST", "/chat", b"{", 400),
    "404 of the API": ("GET", "/conversations/none", b"", 404),
    "404 of no path": ("GET", "/none", b"", 404),
    "405": ("PUT", "/chat", b"", 405),
    "422": ("POST", "/chat", b'{"messages": [{"role": "assistant", "content": "a"}]}', 422),
}


@pytest.mark.parametrize("case", ERRORS)
async def test_an_error_may_be_read(server: Server, case: str) -> None:
    method, path, body, status = ERRORS[case]
    async with server.client() as client:
        response = await client.request(method, path, content=body, headers={"origin": FRONT_END})
    assert response.status_code == status
    allowed(response)


def test_a_failed_login_may_be_read(stranger: httpx2.Client) -> None:
    response = stranger.get("/conversations", headers={"origin": FRONT_END})
    assert response.status_code == 401
    allowed(response)


async def test_an_internal_error_may_be_read_and_reveals_nothing(start_server: StartServer) -> None:
    server = start_server()
    # What no disk does: the statements of the service no longer fit its tables.
    with closing(sqlite3.connect(server.data_dir / "conversation_metadata.db")) as database:
        database.execute("ALTER TABLE conversations RENAME COLUMN is_pinned TO gone")
    async with server.client() as client:
        response = await client.get("/conversations", headers={"origin": FRONT_END})
    assert response.status_code == 500
    allowed(response)
    assert response.json() == {
        "error": {"code": "internal", "message": "Something went wrong on our side. Please try again."}
    }
    # The operator finds the rest by the id that the answer has.
    assert response.headers["x-request-id"] in server.log
    assert "Traceback" in server.log


async def test_the_allowed_origins_are_a_setting(start_server: StartServer) -> None:
    server = start_server({"CORS_ALLOW_ORIGINS": "https://app.example, https://other.example"})
    async with server.client() as client:
        for origin in ("https://app.example", "https://other.example"):
            allowed(await client.get("/conversations", headers={"origin": origin}), origin)
        response = await client.get("/conversations", headers={"origin": FRONT_END})
        assert "access-control-allow-origin" not in response.headers


async def test_a_star_allows_any_origin_but_no_cookies(start_server: StartServer) -> None:
    server = start_server({"CORS_ALLOW_ORIGINS": "*"})
    async with server.client() as client:
        response = await client.get("/conversations", headers={"origin": "https://any.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
