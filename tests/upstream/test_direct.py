"""Requests after the first: with the same head, and with the client's own errors."""

from __future__ import annotations

import asyncio

import httpx2
import openai
import orjson
import pytest

from mockbackend.upstream.direct import Direct
from mockbackend.upstream.transport import Transport
from tests.harness.answers import Answer, chat
from tests.harness.model import Call, Upstream
from tests.harness.service import Server
from tests.upstream.conftest import OPENAI, Driven

AZURE = {
    "AZURE_OPENAI_ENDPOINT": "{address}",
    "AZURE_OPENAI_API_KEY": "k",
    "AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "chat",
    "UPSTREAM_MAX_TRIES": "1",
}
ENGINES = {
    "openai": {**OPENAI, "UPSTREAM_MAX_TRIES": "1"},
    "azure": AZURE,
    "azure, dated": {**AZURE, "AZURE_OPENAI_API_VERSION": "2024-10-21"},
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
async def test_later_requests_are_sent_as_the_first(driven: Driven, engine: str) -> None:
    async with driven(ENGINES[engine]) as (upstream, server):
        calls = [(await asked(server, upstream))[1] for _ in range(3)]
    first, *later = [(call.target, call.headers, call.body) for call in calls]
    assert later == [first, first]
    assert {"authorization", "api-key"} & set(first[1])
    assert int(first[1]["content-length"]) == len(orjson.dumps(first[2]))


@pytest.mark.sampled(2)
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
async def test_a_later_refusal_says_what_a_first_one_says(driven: Driven, status: int, body: bytes) -> None:
    async with driven(AZURE) as (upstream, server):
        first, _ = await asked(server, upstream, refused=(status, body))
        assert (await asked(server, upstream))[0].text == "Hello"
        later, _ = await asked(server, upstream, refused=(status, body))
        assert first.errors
        assert later.errors == first.errors
        assert (await asked(server, upstream))[0].text == "Hello"


async def test_a_refusal_that_the_client_fails_to_take_gives_its_connection_back() -> None:
    left, keys = asyncio.Event(), ["k"]

    async def serve(reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        for head in (b"200 OK\r\ncontent-length: 2", b"429 No\r\ncontent-length: 20"):
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            out.write(b"HTTP/1.1 %b\r\n\r\n{}" % head)
        # The rest of the refusal does not come.
        assert await reader.read() == b""
        left.set()
        out.close()

    async def key() -> str:
        # There is none for the second call of the client.
        return keys.pop()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as engine:
        address = f"http://127.0.0.1:{engine.sockets[0].getsockname()[1]}"
        transport = Transport(address, connect_seconds=15)
        http = httpx2.AsyncClient(transport=transport)
        direct = Direct(openai.AsyncOpenAI(api_key=key, base_url=address, http_client=http, max_retries=0), transport)
        await (await direct.post("/chat", b"{}", {}, "k")).aclose()
        with pytest.raises(IndexError):
            await direct.post("/chat", b"{}", {}, "k")
        async with asyncio.timeout(10):
            await left.wait()
        await transport.aclose()
