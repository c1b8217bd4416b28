"""Access to the routes: the login, the userid, and the open routes."""

from __future__ import annotations

import ast
import base64
import inspect
import os
import re

import httpx2
import pytest

from mockbackend.routes import API, login
from tests.conftest import StartServer
from tests.harness.api import error_of, filled
from tests.harness.http_client import PLAIN
from tests.harness.service import Server

ACCESS = [(route.method, route.path, route.access) for route in API]
GUARDED = [(method, path) for method, path, access in ACCESS if access != "open"]
OWNED = [(method, path) for method, path, access in ACCESS if access == "owner"]
OPEN = [(method, path) for method, path, access in ACCESS if access == "open"]


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


def plain(server: Server) -> httpx2.AsyncClient:
    """A client that has no login."""
    return httpx2.AsyncClient(base_url=server.url, timeout=30, **PLAIN)


WRONG = {
    "no login": None,
    "another password": basic(b"u:q"),
    "another name": basic(b"v:p"),
    "no password": basic(b"u:"),
    "a longer password": basic(b"u:pp"),
    "no colon": basic(b"up"),
    "what is not base64": "Basic u:p",
    "what is not UTF-8": basic(b"\xff:\xfe"),
    "letters beyond ASCII": basic("ü:ß".encode()),
    "another scheme": "Bearer dTpw",
    "the scheme alone": "Basic",
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_wrong_login_is_challenged(server: Server, case: str) -> None:
    value = WRONG[case]
    headers = {"userid": "user-1", **({} if value is None else {"authorization": value})}
    async with plain(server) as client:
        response = await client.get("/conversations", headers=headers)
    assert error_of(response, 401)["code"] == "unauthorized"
    assert response.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_every_guarded_route_requires_a_login(server: Server, method: str, path: str) -> None:
    async with plain(server) as client:
        response = await client.request(method, filled(path), headers={"userid": "user-1"})
    error_of(response, 401)


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "Basic"])
async def test_the_scheme_is_case_insensitive(server: Server, scheme: str) -> None:
    async with plain(server) as client:
        response = await client.get(
            "/health", headers={"authorization": f"{scheme} {base64.b64encode(b'u:p').decode()}"}
        )
    assert response.status_code == 200


@pytest.mark.parametrize(("method", "path"), OWNED)
async def test_every_route_of_an_owner_requires_a_userid(server: Server, method: str, path: str) -> None:
    async with server.client(userid=None) as client:
        error = error_of(await client.request(method, filled(path)), 400)
    assert error["message"].startswith("userid:")


@pytest.mark.parametrize("userid", ["", "x" * 257, "a\tb", "a\x7fb", "a\u0080b", "a\u200bb", "\u2028"])
async def test_a_userid_is_1_to_256_printable_characters(server: Server, userid: str) -> None:
    async with server.client(userid=None) as client:
        error = error_of(await client.get("/conversations", headers=[(b"userid", userid.encode())]), 400)
    assert error["message"].startswith("userid:")


async def test_a_userid_that_is_not_utf8_is_refused(server: Server) -> None:
    async with server.client(userid=None) as client:
        error_of(await client.get("/conversations", headers=[(b"userid", b"\xff\xfe")]), 400)


@pytest.mark.parametrize("userid", ["x", "x" * 256, "jörg@example.org", "利用者", "a b", "ü" * 256])
async def test_these_userids_are_accepted(server: Server, userid: str) -> None:
    async with server.client(userid=None) as client:
        response = await client.get("/conversations", headers=[(b"userid", userid.encode())])
    assert (response.status_code, response.json()) == (200, [])


async def test_health_needs_a_login_and_no_userid(server: Server) -> None:
    async with server.client(userid=None) as client:
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize(("method", "path"), OPEN)
async def test_open_routes_need_no_login(server: Server, method: str, path: str) -> None:
    async with plain(server) as client:
        response = await client.request(method, filled(path))
    assert response.status_code in (200, 404)
    assert "www-authenticate" not in response.headers


async def test_the_login_is_checked_before_the_body(server: Server) -> None:
    async with plain(server) as client:
        error_of(await client.post("/chat", content=b"{"), 401)


def test_the_login_is_compared_in_constant_time() -> None:
    names = {node.attr for node in ast.walk(ast.parse(inspect.getsource(login))) if isinstance(node, ast.Attribute)}
    assert "compare_digest" in names
    admits = ast.parse(inspect.getsource(login.Login.admits).lstrip().replace("\n    ", "\n"))
    assert not [node for node in ast.walk(admits) if isinstance(node, ast.Compare)]


async def test_a_login_is_generated_if_none_is_configured(start_server: StartServer) -> None:
    nobody = {"BACKEND_AUTH_USERNAME": "", "BACKEND_AUTH_PASSWORD": ""}
    server = start_server(nobody)
    path = server.data_dir / "login"
    assert path.stat().st_mode & 0o777 == 0o600
    name, _, password = path.read_text().strip().partition(":")
    assert len(password) >= 16
    async with plain(server) as client:
        assert (await client.get("/health", auth=(name, password))).status_code == 200
        error_of(await client.get("/health", auth=("u", "p")), 401)
    # The call that it prints is one that works.
    printed = re.search(r"curl -N -u '([^']+)' -H 'userid: me' http://\S+/chat -d '([^']+)'", server.log)
    assert printed is not None, server.log
    assert printed[1] == f"{name}:{password}"
    async with plain(server) as client:
        response = await client.post("/chat", content=printed[2], auth=(name, password), headers={"userid": "me"})
    assert response.status_code == 200
    server.stop()
    again = start_server(nobody, data_dir=server.data_dir)
    async with plain(again) as client:
        assert (await client.get("/health", auth=(name, password))).status_code == 200
    assert os.listdir(server.data_dir).count("login") == 1
