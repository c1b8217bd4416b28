"""Requests after the first: with the same head, and with the client's own errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import orjson
import pytest

from tests.conftest import StartServer
from tests.harness.answers import Answer, chat
from tests.harness.model import Call, Upstream
from tests.harness.service import Server

AZURE = {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "chat"}
ENGINES: dict[str, Callable[[Upstream], dict[str, str]]] = {
    "openai": lambda upstream: {**upstream.settings, "UPSTREAM_MAX_TRIES": "1"},
    "azure": lambda upstream: {**AZURE, "AZURE_OPENAI_ENDPOINT": upstream.address, "UPSTREAM_MAX_TRIES": "1"},
    "azure, dated": lambda upstream: {**ENGINES["azure"](upstream), "AZURE_OPENAI_API_VERSION": "2024-10-21"},
}


async def asked(server: Server, upstream: Upstream, *, refused: tuple[int, bytes] | None = None) -> tuple[Answer, Call]:
    """A question in a conversation of its own, and the call of it, which is answered or refused so."""
    async with server.client() as client, asyncio.TaskGroup() as group:
        answer = group.create_task(chat(client, {"message": "Hi"}))
        call = await upstream.call()
        if refused:
            await call.refuse(*refused)
        else:
            await call.answer("Hello")
    return answer.result(), call


@pytest.mark.parametrize("engine", ENGINES)
async def test_later_requests_are_sent_as_the_first(start_server: StartServer, engine: str) -> None:
    async with Upstream() as upstream:
        server = start_server(ENGINES[engine](upstream))
        calls = [(await asked(server, upstream))[1] for _ in range(3)]
    first, *later = [(call.target, call.headers, call.body) for call in calls]
    assert later == [first, first]
    assert {"authorization", "api-key"} & set(first[1])
    assert int(first[1]["content-length"]) == len(orjson.dumps(first[2]))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b'{"error": {"message": "no such key", "code": "invalid_api_key"}}'),
        (404, b'{"error": {"code": "DeploymentNotFound"}}'),
        (429, b'{"error": {"message": "slow down"}}'),
        (500, b"<html>oops</html>"),
        (307, b""),
        (400, b'{"error": {"code": "content_filter", "message": "The response was filtered"}}'),
    ],
)
async def test_a_later_refusal_says_what_a_first_one_says(start_server: StartServer, status: int, body: bytes) -> None:
    async with Upstream() as upstream:
        server = start_server(ENGINES["azure"](upstream))
        first, _ = await asked(server, upstream, refused=(status, body))
        assert (await asked(server, upstream))[0].text == "Hello"
        later, _ = await asked(server, upstream, refused=(status, body))
        assert first.errors
        assert later.errors == first.errors
        assert (await asked(server, upstream))[0].text == "Hello"
