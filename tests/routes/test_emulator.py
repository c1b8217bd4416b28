"""The emulator on the service's own port: who may use it, and that it opens no door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import pytest

from tests.conftest import StartServer
from tests.harness.emulator import VERSION, emulating
from tests.harness.http_client import PLAIN
from tests.harness.processes import free_port
from tests.harness.service import AUTH, Server

PASSWORD = AUTH[1]
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that listens on this machine alone, and knows it."""
    port = free_port()
    folder = tmp_path_factory.mktemp("local")
    server = Server(folder, {"MAX_BODY_BYTES": "5000"}, kind="serve", arguments=["--port", str(port)], port=port)
    with server as running:
        yield running


def client_of(server: Server, key: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=f"{server.url}/__mock__/azure", headers={"api-key": key}, timeout=20, **PLAIN)


async def test_azures_client_is_answered_there(local: Server) -> None:
    azure = openai.AsyncAzureOpenAI(
        azure_endpoint=f"{local.url}/__mock__/azure",
        api_version=VERSION,
        api_key="any",
        max_retries=0,
        http_client=openai.DefaultAsyncHttpx2Client(**PLAIN),
    )
    async with azure as client:
        whole = await client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
        assert whole.choices[0].message.content == "You said: Hello"
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Hello"}], stream=True
        )
        words = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert "".join(words) == "You said: Hello"


async def test_an_answer_has_one_request_id(local: Server) -> None:
    async with client_of(local, "any") as client:
        answer = await client.post("/v1/chat/completions", json=CHAT)
    assert len(answer.headers.get_list("x-request-id")) == 1


async def test_an_image_is_found_at_the_address_that_it_was_given(local: Server) -> None:
    async with client_of(local, "any") as client:
        path = f"/openai/deployments/dall-e-3/images/generations?api-version={VERSION}"
        (made,) = (await client.post(path, json={"prompt": "a fox"})).json()["data"]
        assert made["url"].startswith(f"{local.url}/__mock__/azure/generated/")
        assert (await client.get(made["url"])).content.startswith(b"\x89PNG")


async def test_a_call_without_a_key_is_refused_as_azure_refuses_it(local: Server) -> None:
    async with httpx2.AsyncClient(base_url=local.url, **PLAIN) as client:
        response = await client.post("/__mock__/azure/v1/chat/completions", json=CHAT)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "401")


async def test_the_limit_of_bodies_is_the_services(local: Server) -> None:
    async with client_of(local, "any") as client:
        response = await client.post("/v1/chat/completions", json={**CHAT, "user": "x" * 5000})
    assert response.status_code == 413
    assert "MAX_BODY_BYTES" in response.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/emulator/requests", "/emulator%2Frequests"])
async def test_what_others_have_sent_is_not_shown(local: Server, path: str) -> None:
    async with client_of(local, "any") as client:
        assert (await client.get(path)).status_code == 404
        assert (await client.delete(path)).status_code == 404


@pytest.mark.parametrize("kind", ["serve", "hypercorn"])
async def test_where_others_can_reach_it_only_the_password_is_taken(start_server: StartServer, kind: str) -> None:
    server = start_server(kind="serve" if kind == "serve" else "hypercorn")
    statuses = []
    for key in (PASSWORD, "any", ""):
        async with client_of(server, key) as client:
            statuses.append((await client.post("/v1/chat/completions", json=CHAT)).status_code)
    async with httpx2.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {PASSWORD}"}, **PLAIN) as own:
        statuses.append((await own.post("/__mock__/azure/v1/chat/completions", json=CHAT)).status_code)
    assert statuses == [200, 401, 401, 200]
    assert "wrong login" in server.log or "failed login" in server.log


async def test_who_comes_through_a_proxy_needs_the_password(local: Server) -> None:
    statuses = []
    for key, client in (("any", "203.0.113.7"), (PASSWORD, "203.0.113.7"), ("any", "127.0.0.1, 203.0.113.7")):
        headers = {"x-forwarded-for": client}
        async with client_of(local, key) as one:
            statuses.append((await one.post("/v1/chat/completions", json=CHAT, headers=headers)).status_code)
    assert statuses == [401, 200, 401]


async def test_with_a_real_engine_there_is_none(start_server: StartServer, tmp_path: Path) -> None:
    with emulating(tmp_path, []) as engine:
        server = start_server({"OPENAI_BASE_URL": f"{engine.url}/v1", "OPENAI_API_KEY": "k", "OPENAI_MODEL": "m"})
        async with client_of(server, PASSWORD) as client:
            assert (await client.post("/v1/chat/completions", json=CHAT)).status_code == 404
