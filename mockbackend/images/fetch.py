"""Fetching an image from a URL that somebody else chose: in limits of size and time, and from public addresses only.

The address is checked when it is connected to, after its name was resolved and after every redirect, so that neither
a name that changes its address nor a redirect gets behind the check.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from ..concurrency import in_thread
from ..errors import ImageError
from ..storage import Image
from .formats import image

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
SECONDS = 30.0
REDIRECTS = 3
LOOKUPS = 8
LOOKUP_SECONDS = 10.0
TOO_LARGE = "The image is too large."


class _PublicResolver(AbstractResolver):
    """Names to public addresses; the others do not exist.

    A name server that does not answer holds a thread for a minute. These are not the event loop's, which all that is
    looked up shares with what is written to disk, and `LOOKUPS` at the most.
    """

    def __init__(self, lookups: asyncio.Semaphore, *, allow_private: bool) -> None:
        self._lookups = lookups
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = {address[0]: kind for kind, _, _, _, address in await self._look_up(host, port, family)}
        allowed = {one: kind for one, kind in found.items() if self._allow_private or is_public(one)}
        if not allowed:
            raise ImageError("The image's URL points to a private address, which is not fetched.")
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=one, port=port, family=kind, proto=socket.IPPROTO_TCP, flags=flags)
            for one, kind in allowed.items()
        ]

    async def _look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[Any]:
        loop = asyncio.get_running_loop()
        # The caller may be gone: it is aiohttp that waits.
        async with asyncio.timeout(LOOKUP_SECONDS):
            await self._lookups.acquire()

        def look() -> list[Any]:
            try:
                return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
            finally:
                # When it ends, not when its waiter leaves. A thread that outlives the loop has nobody to tell.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._lookups.release)

        return await in_thread(look, "lookup")

    async def close(self) -> None:
        """Nothing is held."""


class Fetcher:
    """Fetches images of at most `max_bytes`; private addresses only where `allow_private`."""

    def __init__(self, max_bytes: int, *, allow_private: bool, seconds: float = SECONDS) -> None:
        self._lookups = asyncio.Semaphore(LOOKUPS)
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._allow_private = allow_private

    async def fetch(self, url: str, most: int | None = None) -> Image:
        """The image at `url`, of at most `most` bytes where that is less. Raises ImageError."""
        resolver = _PublicResolver(self._lookups, allow_private=self._allow_private)
        connector = aiohttp.TCPConnector(resolver=resolver, force_close=True)
        limit = self._max_bytes if most is None else min(most, self._max_bytes)
        try:
            async with asyncio.timeout(self._seconds), aiohttp.ClientSession(connector=connector) as session:
                return image(await self._read(session, yarl.URL(url), limit))
        except TimeoutError:
            raise ImageError("The image's URL did not answer in time.") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise ImageError("The image's URL did not return an image.") from error

    async def _read(self, session: aiohttp.ClientSession, url: yarl.URL, limit: int) -> bytes:
        for _ in range(REDIRECTS + 1):
            self._check(url)
            async with session.get(url, allow_redirects=False) as response:
                if response.status in (301, 302, 303, 307, 308) and "location" in response.headers:
                    url = response.url.join(yarl.URL(response.headers["location"]))
                    continue
                if response.status != 200:
                    raise ImageError(f"The image's URL answered with status {response.status}.")
                return await _body(response, limit)
        raise ImageError("The image's URL redirects too often.")

    def _check(self, url: yarl.URL) -> None:
        # The host as it is connected to: other parsers leave `①②⑦.⓪.⓪.①` as it is, which is 127.0.0.1 here.
        host = url.raw_host
        if url.scheme not in ("http", "https") or not host:
            raise ImageError("The image's URL must begin with http:// or https://.")
        # The resolver is not asked about a host that is an address itself.
        if not self._allow_private and _is_address(host) and not is_public(host):
            raise ImageError("The image's URL points to a private address, which is not fetched.")


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > limit:
            raise ImageError(TOO_LARGE)
    return bytes(content)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    ip: Any = ipaddress.ip_address(address.partition("%")[0])
    ip = _inner(ip) or ip
    # Not all versions of Python know these two as what they are.
    if ip.version == 6 and (ip.is_site_local or ip in _NAT64_LOCAL):
        return False
    return bool(ip.is_global and not ip.is_multicast)


def _inner(ip: Any) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one is a way to: mapped, compatible, translated (NAT64), 6to4."""
    if ip.version == 4:
        return None
    if ip.ipv4_mapped or ip.sixtofour:
        return ip.ipv4_mapped or ip.sixtofour  # type: ignore[no-any-return]
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


async def is_private_host(url: str) -> bool:
    """Whether a URL's host has an address that is not public (False where it has none at all)."""
    host = urlsplit(url).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None)
    except OSError:
        return False
    return any(not is_public(str(entry[4][0])) for entry in found)
