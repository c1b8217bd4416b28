"""The transport of the openai client: its requests go through aiohttp, with nothing in between.

The client's own bridge to aiohttp loads another HTTP library and its certificates at every start, and passes each chunk
of an answer through two further generators. What aiohttp raises passes through as it is (see `errors`).
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import httpx2
import yarl
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection

from ..settings import SettingsError
from .delivery import LOST, Take, deliver

if TYPE_CHECKING:
    from ..mock.recording import Recorder, Tap

KEEP_ALIVE_SECONDS = 30.0
PIECE_BYTES = 256 * 1024
# From `[DONE]` to the end of the body, which often comes in a packet of its own.
DRAIN_SECONDS = 0.5
# An engine that speaks first on each connection is no reason to make new ones for ever.
MOST_SPOILED = 10
BODY = "body"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
# A response that `Direct` has, for the client to make its error of.
_received: ContextVar[httpx2.Response | None] = ContextVar("received", default=None)
# Done once the next request of its context has been written.
request_written: ContextVar[asyncio.Future[None] | None] = ContextVar("request_written", default=None)


class Body(httpx2.AsyncByteStream):
    """A response's body, in pieces as they arrive. `draining` keeps the tasks of `drain_in_background`."""

    def __init__(
        self, response: aiohttp.ClientResponse, draining: set[asyncio.Task[None]], tap: Tap | None = None
    ) -> None:
        self._response = response
        self._read = response.content.readany if tap is None else self._tapped
        self._tap = tap
        self._draining = draining
        self._drains = False
        protocol = None if response.connection is None else response.connection.protocol
        self._closed = None if protocol is None else protocol.closed
        if self._closed is not None:
            self._closed.add_done_callback(self._lose)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """All bytes that have arrived; waits for the first."""
        if data := await self._read():
            return data
        raise StopAsyncIteration

    async def deliver(self, take: Take) -> None:
        """Give all pieces to `take` as they arrive, until it wants no more or the body ends."""
        try:
            await deliver(self._response, take if self._tap is None else partial(self._tap_and_take, take))
        except Exception:
            if self._tap:
                self._tap.ended("cut")
            raise

    def _tap_and_take(self, take: Take, data: bytes) -> bool:
        assert self._tap is not None  # noqa: S101
        self._tap.data(data)
        return take(data)

    def drain_in_background(self) -> None:
        """Read the rest, which nobody needs, and keep the connection if that ends within a moment."""
        if not self._response.content.at_eof():
            self._drains = True
            task = asyncio.create_task(self._drain())
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)

    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        if not self._drains:
            if self._tap:
                self._tap.ended("end" if self._response.content.at_eof() else "left")
            self._release()

    def _lose(self, closed: asyncio.Future[None]) -> None:
        # aiohttp's parser forgets its reader where a chunk is malformed: that would wait for ever.
        closed.exception()
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError(LOST))

    @staticmethod
    def _ignore(closed: asyncio.Future[None]) -> None:
        """Take note of how the connection ended: asyncio logs an exception that nobody has asked for."""
        closed.exception()

    def _release(self) -> None:
        if self._closed is not None:
            # The connection may live on with other responses, and be reset while it is idle.
            self._closed.remove_done_callback(self._lose)
            # It needs one such call, not one of each response.
            self._closed.remove_done_callback(self._ignore)
            self._closed.add_done_callback(self._ignore)
        self._response.release()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while await self._read():
                    pass
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass
        finally:
            if self._tap:
                self._tap.ended("end")
            self._release()

    async def _tapped(self) -> bytes:
        """Read, and give what comes to the recorder as well."""
        assert self._tap is not None  # noqa: S101
        try:
            data = await self._response.content.readany()
        except Exception:
            self._tap.ended("cut")
            raise
        if data:
            self._tap.data(data)
        else:
            self._tap.ended("end")
        return data


class _Content(aiohttp.BytesPayload):
    """A request's body, which says when it has been written."""

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write it."""
        await super().write_with_length(writer, content_length)
        _tell_written()


class _Connector(aiohttp.TCPConnector):
    """Connections that are used again only if no answer has come meanwhile: it would be taken for the next one."""

    async def connect(self, *arguments: Any, **options: Any) -> Connection:
        """A connection, new or kept."""
        connection = await super().connect(*arguments, **options)
        for _ in range(MOST_SPOILED):
            if connection.protocol is None or not connection.protocol.should_close:
                break
            connection.close()
            connection = await super().connect(*arguments, **options)
        return connection


class Transport(httpx2.AsyncBaseTransport):
    """Connections to one model API, kept alive. A response's extension `body` is its `Body`, with no wrapper.

    Only connecting has a time limit here: aiohttp's limit for reading would set a timer for every token.
    """

    def __init__(self, address: str, connect_seconds: float, recorder: Recorder | None = None) -> None:
        self._recorder = recorder
        self._limits = aiohttp.ClientTimeout(sock_connect=connect_seconds)
        # Certificates are read at the start, and only for https.
        self._tls = httpx2.create_ssl_context() if address.startswith("https:") else True
        self._proxy, self._proxy_login = _proxy(yarl.URL(address))
        self._session: aiohttp.ClientSession | None = None
        self._draining: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the client's request, unless its response has been received by now."""
        if received := _received.get():
            _received.set(None)
            return received
        return await self.send(
            request.method, yarl.URL(str(request.url), encoded=True), dict(request.headers), request.content
        )

    @contextmanager
    def received(self, response: httpx2.Response) -> Iterator[None]:
        """A context in which this is the response to the client's next request."""
        token = _received.set(response)
        try:
            yield
        finally:
            _received.reset(token)

    async def send(self, method: str, url: yarl.URL, headers: dict[str, str], content: bytes) -> httpx2.Response:
        """Send a request with a body in memory; returns when the response's headers have arrived."""
        tap = self._recorder.begin(url.path, content) if self._recorder else None
        if tap:
            # For files that people can read.
            headers = {**headers, "accept-encoding": "identity"}
        response = await self._open().request(
            method,
            url,
            headers=headers,
            data=_in_pieces(content) if len(content) > PIECE_BYTES else _Content(content) if content else None,
            allow_redirects=False,
            proxy=self._proxy,
            proxy_auth=self._proxy_login,
            timeout=self._limits,
        )
        if tap:
            tap.answered(response.status, response.raw_headers)
        body = Body(response, self._draining, tap)
        return httpx2.Response(response.status, headers=response.raw_headers, stream=body, extensions={BODY: body})

    async def aclose(self) -> None:
        """Close all connections."""
        if self._draining:
            await asyncio.wait(self._draining)
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # 0 means no limit: with aiohttp's default of 100, answers would wait for each other.
            connector = _Connector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=self._tls)
            self._session = aiohttp.ClientSession(
                connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


async def _in_pieces(content: bytes) -> AsyncGenerator[memoryview]:
    """A large body as it is sent: in one piece, the loop would hand all of it to the kernel before it runs on."""
    whole = memoryview(content)
    for start in range(0, len(whole), PIECE_BYTES):
        yield whole[start : start + PIECE_BYTES]
    _tell_written()


def _tell_written() -> None:
    """Tell who waits for this context's request."""
    if (waiting := request_written.get()) is not None and not waiting.done():
        waiting.set_result(None)


def _proxy(address: yarl.URL) -> tuple[yarl.URL | None, aiohttp.BasicAuth | None]:
    """The system's proxy for that address (HTTPS_PROXY, say), and the login for it, apart since URLs are logged.

    None for this machine itself. Raises SettingsError.
    """
    host, proxies = address.host or "", urllib.request.getproxies()
    named = proxies.get(address.scheme) or proxies.get("all")
    if not named or host in LOCAL_HOSTS or urllib.request.proxy_bypass(host):
        return None, None
    proxy = yarl.URL(named if "://" in named else f"http://{named}")
    if proxy.scheme not in ("http", "https") or not proxy.host:
        raise SettingsError([f"{address.scheme.upper()}_PROXY: must be an http:// URL; other proxies cannot be used"])
    login = aiohttp.BasicAuth(proxy.user, proxy.password or "") if proxy.user else None
    return proxy.with_user(None), login
