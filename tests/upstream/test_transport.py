"""The transport to the model API: TLS, the system's proxy, and connections that are kept."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import socket
import ssl
import struct
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
import yarl
from aiohttp.client_proto import ResponseHandler

from mockbackend.upstream.delivery import Take
from mockbackend.upstream.transport import BODY, Body, Transport
from tests.harness.answers import Answer, chat
from tests.harness.model import Call, Upstream
from tests.harness.processes import free_port, run
from tests.harness.raw_model import CHUNKED, DONE, STOP, STREAM, RawUpstream, words
from tests.harness.service import Server
from tests.harness.waiting import until

ANYWHERE = {"OPENAI_BASE_URL": "http://model.example/v1", "OPENAI_API_KEY": "k", "OPENAI_MODEL": "model"}

SECRET = "s3cret"
LOGIN = base64.b64encode(f"user:{SECRET}".encode()).decode()
ANSWER = b"""data: {"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": "stop"}]}

data: [DONE]

"""


async def asked(folder: Path, upstream: Upstream, settings: Mapping[str, str]) -> tuple[Answer, Call]:
    """One question to a service with these settings, and the call that it came to the upstream as."""
    with Server(folder, settings) as server:
        async with server.client() as client, asyncio.TaskGroup() as group:
            answer = group.create_task(chat(client, {"message": "Hi"}))
            call = await upstream.call()
            await call.answer("Hello ", "there")
    return answer.result(), call


async def test_an_upstream_with_a_trusted_certificate_is_called(tmp_path: Path) -> None:
    async with Upstream(encrypted(trusted := trustme.CA())) as upstream:
        trusted.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        answer, _ = await asked(tmp_path, upstream, {**upstream.settings, "SSL_CERT_FILE": str(tmp_path / "ca.pem")})
    assert answer.text == "Hello there"


async def test_an_untrusted_certificate_is_refused(tmp_path: Path) -> None:
    async with Upstream(encrypted(trustme.CA())) as upstream:
        settings = {**upstream.settings, "UPSTREAM_MAX_TRIES": "1"}
        with Server(tmp_path, settings) as server:
            async with server.client() as client:
                answer = await chat(client, {"message": "Hi"})
            assert "certificate verify failed" in server.log
    assert answer.codes == "f3ed"
    assert "cannot be reached" in answer.errors[0]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("written", ["http://user:{secret}@{host}", "http://{host}", "{host}"])
async def test_the_proxy_of_the_environment_is_used(tmp_path: Path, written: str) -> None:
    async with Upstream() as proxy:
        host = proxy.address.removeprefix("http://")
        settings = {**ANYWHERE, "HTTP_PROXY": written.format(host=host, secret=SECRET)}
        answer, call = await asked(tmp_path, proxy, settings)
    assert answer.text == "Hello there"
    assert call.target == "http://model.example/v1/chat/completions"
    assert call.headers.get("proxy-authorization") == (f"Basic {LOGIN}" if "user" in written else None)


@pytest.mark.slow
async def test_a_login_that_the_proxy_refuses_is_not_logged(tmp_path: Path) -> None:
    async with Upstream() as proxy:
        settings = {**ANYWHERE, "OPENAI_BASE_URL": "https://model.example/v1", "UPSTREAM_MAX_TRIES": "1"}
        settings["HTTPS_PROXY"] = proxy.address.replace("http://", f"http://user:{SECRET}@")
        with Server(tmp_path, settings) as server:
            async with server.client() as client, asyncio.TaskGroup() as group:
                answer = group.create_task(chat(client, {"message": "Hi"}))
                call = await proxy.call()
                await call.refuse(407, b"no")
            assert "407" in server.log
            assert SECRET not in server.log
            assert LOGIN not in server.log
    assert call.target == "model.example:443"
    assert "cannot be reached" in answer.result().errors[0]


def test_a_proxy_that_cannot_be_used_is_an_error_at_the_start(tmp_path: Path) -> None:
    env = {**ANYWHERE, "HTTP_PROXY": f"socks5://user:{SECRET}@127.0.0.1:1", "PORT": str(free_port())}
    ended = run(["serve"], tmp_path, env)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("HTTP_PROXY: ")
    assert SECRET not in ended.stderr


async def test_no_proxy_is_used_for_this_machine(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    async with Upstream() as upstream:
        answer, call = await asked(tmp_path, upstream, {**upstream.settings, "HTTP_PROXY": nowhere})
    assert answer.text == "Hello there"
    assert call.target == "/v1/chat/completions"


@pytest.mark.slow
async def test_an_error_response_without_end_times_out(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        settings = {**upstream.settings, "UPSTREAM_READ_TIMEOUT_SECONDS": "1", "UPSTREAM_MAX_TRIES": "1"}
        with Server(tmp_path, settings) as server:
            async with server.client() as client, asyncio.TaskGroup() as group:
                answer = group.create_task(chat(client, {"message": "Hi"}))
                call = await upstream.call()
                await call.begin_refusal(500, b'{"error": {"code": ')
                # The service hangs up.
                await call.gone()
    assert answer.result().codes == "f3ed"
    assert "did not respond in time" in answer.result().errors[0]


async def test_a_malformed_chunk_that_comes_late_cuts_the_answer_at_once(tmp_path: Path) -> None:
    said = words("Hello")
    pieces = (CHUNKED, b"%x\r\n%b\r\n" % (len(said), said), 0.2, b"no chunk\r\n")
    with RawUpstream({"Hi": pieces}) as upstream, Server(tmp_path, upstream.settings) as server:
        async with server.client() as client, asyncio.timeout(30):
            answer = await chat(client, {"message": "Hi"})
    assert answer.text == "Hello"
    assert len(answer.errors) == 1


@pytest.mark.slow
async def test_a_stream_that_is_never_silent_for_long_is_read_to_its_end(tmp_path: Path) -> None:
    said = (words("one "), 0.6, words("two "), 0.6, words("three"), 0.6, STOP, DONE)
    with RawUpstream({"Hi": (STREAM, *said)}) as upstream:
        server = Server(tmp_path, {**upstream.settings, "UPSTREAM_READ_TIMEOUT_SECONDS": "1"})
        with server:
            async with server.client() as client:
                answer = await chat(client, {"message": "Hi"})
    assert answer.text == "one two three"
    assert answer.errors == []


async def test_a_connection_is_kept_even_if_the_body_ends_after_the_answer(tmp_path: Path) -> None:
    connections: list[asyncio.Task[Any] | None] = []
    said, ended = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        # The service is killed at the end.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
                out.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
                out.write(b"%x\r\n%b\r\n" % (len(ANSWER), ANSWER))
                await out.drain()
                await said.acquire()
                out.write(b"0\r\n\r\n")
                ended.release()
        out.close()
        with contextlib.suppress(ConnectionError):
            await out.wait_closed()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening:
        with Server(tmp_path, {**ANYWHERE, "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}) as server:
            async with server.client() as client:
                for _ in range(5):
                    # The answer is whole, and nobody waits for the body's end.
                    assert (await chat(client, {"message": "Hi"})).codes == "f0ed"
                    said.release()
                    await ended.acquire()
        await asyncio.gather(*(task for task in connections if task))
    # A machine that takes half a second from one to the other may lose one.
    assert len(connections) < 5


def encrypted(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.slow
async def test_a_kept_connection_that_the_engine_resets_is_no_error() -> None:
    has_answer, failures = asyncio.Event(), list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["message"]))

    async def serve(reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        out.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
        # As engines do: the words come after the head.
        await asyncio.sleep(0.1)
        out.write(b"Hi")
        await has_answer.wait()
        out.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        out.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as engine:
        url = yarl.URL(f"http://127.0.0.1:{engine.sockets[0].getsockname()[1]}/v1/chat/completions")
        transport = Transport(str(url), connect_seconds=15)
        for _ in range(2):
            response = await transport.send("POST", url, {}, b"{}")
            body: Body = response.extensions[BODY]
            said = list[bytes]()
            await body.deliver(taking(said))
            await response.aclose()
            assert said == [b"Hi"]
            has_answer.set()
            # Not awaited itself, which would take note of its error.
            await asyncio.wait([closed for closed in [body._closed] if closed])
        del response, body
        await transport.aclose()
    gc.collect()
    await asyncio.sleep(0)
    assert failures == []


async def test_an_answer_that_nobody_asked_for_is_not_the_next_one() -> None:
    async def serve(reader: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                out.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n")
                await asyncio.sleep(0.1)
                out.write(b"to " + head.split()[1][1:])
                await asyncio.sleep(0.1)
                out.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nghost")
        out.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as engine:
        address = f"http://127.0.0.1:{engine.sockets[0].getsockname()[1]}"
        transport = Transport(address, connect_seconds=15)
        for name in ("one", "two"):
            response = await transport.send("POST", yarl.URL(f"{address}/{name}"), {}, b"")
            body: Body = response.extensions[BODY]
            connection, said = body._response.connection, list[bytes]()
            assert connection is not None
            has_ghost = partial(has_come, connection.protocol)
            await body.deliver(taking(said))
            await response.aclose()
            assert said == [b"to " + name.encode()]
            await until(has_ghost)
        await transport.aclose()


async def has_come(protocol: ResponseHandler | None) -> bool:
    """Whether something has come on an idle connection."""
    return protocol is not None and protocol.should_close


def taking(said: list[bytes]) -> Take:
    def take(data: bytes) -> bool:
        said.append(data)
        return False

    return take
