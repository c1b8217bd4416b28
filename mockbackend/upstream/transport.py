"""How the openai client's requests reach the network: through aiohttp, with nothing between.

The client's own bridge to aiohttp loads another HTTP library and its certificates at every start, and takes each chunk
of an answer through two generators more. What aiohttp raises is raised as it is: `faults` knows it.
"""

from __future__ import annotations

import asyncio
import urllib.request
from typing import Self

import aiohttp
import httpx2
import yarl

from ..settings import SettingsError

KEEP_ALIVE_SECONDS = 30.0
# From `[DONE]` to the end of the body, which often comes in a packet of its own.
LINGER_SECONDS = 0.5
BODY = "body"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


class Body(httpx2.AsyncByteStream):
    """A response's body: what has arrived, as it arrives. `lingering` holds the tasks of those that linger."""

    def __init__(self, response: aiohttp.ClientResponse, lingering: set[asyncio.Task[None]]) -> None:
        self._response = response
        self._read = response.content.readany
        self._lingering = lingering
        self._lingers = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next bytes, all that are there."""
        if data := await self._read():
            return data
        raise StopAsyncIteration

    def linger(self) -> None:
        """Nothing that follows matters: keep the connection where the body ends in a moment, and hold nobody up."""
        if not self._response.content.at_eof():
            self._lingers = True
            task = asyncio.create_task(self._end())
            self._lingering.add(task)
            task.add_done_callback(self._lingering.discard)

    async def aclose(self) -> None:
        """Give the connection back, or close it where the body was not read to its end."""
        if not self._lingers:
            self._response.release()

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while await self._read():
                    pass
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass
        finally:
            self._response.release()


class Transport(httpx2.AsyncBaseTransport):
    """Connections to one model API, kept alive. A response's extension `body` is its body, with nothing around it.

    Only connecting has a time limit here: aiohttp's for reading makes a timer anew for every token.
    """

    def __init__(self, address: str, connect_seconds: float) -> None:
        self._limits = aiohttp.ClientTimeout(sock_connect=connect_seconds)
        # Certificates are read at the start, or never.
        self._tls = httpx2.create_ssl_context() if address.startswith("https:") else True
        self._proxy, self._proxy_login = _proxy(yarl.URL(address))
        self._session: aiohttp.ClientSession | None = None
        self._lingering: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request whose body is whole; returns once the response's headers are here."""
        response = await self._open().request(
            request.method,
            yarl.URL(str(request.url), encoded=True),
            headers=request.headers,
            data=request.content or None,
            allow_redirects=False,
            proxy=self._proxy,
            proxy_auth=self._proxy_login,
            timeout=self._limits,
        )
        body = Body(response, self._lingering)
        return httpx2.Response(response.status, headers=response.raw_headers, stream=body, extensions={BODY: body})

    async def aclose(self) -> None:
        """Close all connections."""
        if self._lingering:
            await asyncio.wait(self._lingering)
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # 0 is aiohttp's word for no limit: with its own default of 100, answers would wait for each other.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=self._tls)
            self._session = aiohttp.ClientSession(
                connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _proxy(address: yarl.URL) -> tuple[yarl.URL | None, aiohttp.BasicAuth | None]:
    """The proxy that the system has for that address, such as HTTPS_PROXY, and a login for it, which is no part of the
    URL, since that goes into the log. None for this machine itself. Raises SettingsError.
    """
    host, proxies = address.host or "", urllib.request.getproxies()
    named = proxies.get(address.scheme) or proxies.get("all")
    if not named or host in LOCAL_HOSTS or urllib.request.proxy_bypass(host):
        return None, None
    proxy = yarl.URL(named if "://" in named else f"http://{named}")
    if proxy.scheme not in ("http", "https") or not proxy.host:
        raise SettingsError([f"{address.scheme.upper()}_PROXY: this proxy cannot be used; it must be an http:// URL"])
    login = aiohttp.BasicAuth(proxy.user, proxy.password or "") if proxy.user else None
    return proxy.with_user(None), login
