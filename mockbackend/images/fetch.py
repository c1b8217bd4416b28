"""The fetcher of images from untrusted URLs: with limits of size and time, and from public addresses only.

An address is checked when it is connected to, after its name is resolved and after each redirect: neither a redirect
nor a name whose address changes gets around the check.
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

from ..concurrency import Places, in_thread
from ..errors import ImageError
from ..storage import Image
from .formats import recognize

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")
_6TO4_RELAYS = ipaddress.IPv4Network("192.88.99.0/24")
# What every machine of Azure asks for its certificates and settings; other clouds use a link-local address.
_AZURE_HOST = ipaddress.IPv4Address("168.63.129.16")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
SECONDS = 30.0
REDIRECTS = 3
# Of one user, and of all.
USER_LOOKUPS = 2
LOOKUPS = 64
LOOKUP_SECONDS = 10.0
NO_IMAGE = "The image's URL did not return an image."
TOO_LARGE = "The image is too large (MAX_IMAGE_BYTES)."
PRIVATE = "The image's URL points to a private address. Please use a public one."


class _PublicResolver(AbstractResolver):
    """A resolver of names to their public addresses.

    A name server that does not answer blocks a thread for a minute. The event loop's own threads, which write to disk
    as well, are spared that: a lookup has its own, and there are at most `USER_LOOKUPS` of a user.
    """

    def __init__(self, userid: str, lookups: Places, *, allow_private: bool) -> None:
        self._userid = userid
        self._lookups = lookups
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = {address[0]: kind for kind, _, _, _, address in await self._look_up(host, port, family)}
        allowed = {one: kind for one, kind in found.items() if self._allow_private or is_public(one)}
        if not allowed:
            raise ImageError(PRIVATE)
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=one, port=port, family=kind, proto=socket.IPPROTO_TCP, flags=flags)
            for one, kind in allowed.items()
        ]

    async def _look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[Any]:
        loop = asyncio.get_running_loop()
        # aiohttp shields this from the end of `fetch`, so it has a limit of its own.
        async with asyncio.timeout(LOOKUP_SECONDS):
            await self._lookups.take(self._userid)

        def look() -> list[Any]:
            try:
                return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
            finally:
                # Released when the thread ends, not when its waiter leaves; the loop may be closed by then.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._lookups.give_back, self._userid)

        return await in_thread(look, "lookup")

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


class Fetcher:
    """A fetcher of images of at most `max_bytes`, and from private addresses only if `allow_private`."""

    def __init__(self, max_bytes: int, *, allow_private: bool, seconds: float = SECONDS) -> None:
        self._lookups = Places(USER_LOOKUPS, LOOKUPS)
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._allow_private = allow_private

    async def fetch(self, userid: str, url: str, max_bytes: int | None = None) -> Image:
        """The image at `url`, for that user; `max_bytes` may lower the limit. Raises ImageError."""
        resolver = _PublicResolver(userid, self._lookups, allow_private=self._allow_private)
        connector = aiohttp.TCPConnector(resolver=resolver, force_close=True)
        limit = self._max_bytes if max_bytes is None else min(max_bytes, self._max_bytes)
        try:
            async with asyncio.timeout(self._seconds), aiohttp.ClientSession(connector=connector) as session:
                return recognize(await self._read(session, yarl.URL(url), limit))
        except TimeoutError:
            raise ImageError("The image's URL did not answer in time.") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise ImageError(NO_IMAGE) from error

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
        # The host that is connected to: unlike other parsers, this one reads `①②⑦.⓪.⓪.①` as 127.0.0.1.
        host = url.raw_host
        if url.scheme not in ("http", "https") or not host:
            raise ImageError("The image's URL must begin with http:// or https://.")
        # A host that is an address already is never resolved.
        if not self._allow_private and _is_address(host) and not is_public(host):
            raise ImageError(PRIVATE)


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > limit:
            raise ImageError(TOO_LARGE)
    return bytes(content)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet."""
    ip: Any = ipaddress.ip_address(address.partition("%")[0])
    ip = _inner(ip) or ip
    # Python takes these for global addresses, at least in some versions.
    if ip.version == 6 and (ip.is_site_local or ip in _NAT64_LOCAL or ip in _TRANSLATED):
        return False
    if ip.version == 4 and (ip == _AZURE_HOST or ip in _6TO4_RELAYS):
        return False
    return bool(ip.is_global and not ip.is_multicast)


def _inner(ip: Any) -> ipaddress.IPv4Address | None:
    """The IPv4 address within an IPv6 address: mapped, compatible, translated (NAT64) or 6to4."""
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
    """Whether the URL's host has an address that is not public; False if it has no address."""
    host = urlsplit(url).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None)
    except OSError:
        return False
    return any(not is_public(str(entry[4][0])) for entry in found)
