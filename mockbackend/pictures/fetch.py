"""Fetching a picture from a URL that somebody else chose: in limits of size and time, and from public addresses only.

The address is checked when it is connected to, after its name was resolved and after every redirect, so that neither
a name that changes its address nor a redirect gets behind the check.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from ..errors import UpstreamError
from ..storage.pictures import Picture
from .kinds import picture

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
SECONDS = 30.0
REDIRECTS = 3


class FetchError(UpstreamError):
    """A picture's URL that gave no picture; the message says why."""


class _PublicResolver(AbstractResolver):
    """Names to public addresses; the others do not exist."""

    def __init__(self, *, allow_private: bool) -> None:
        self._inner = aiohttp.ThreadedResolver()
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [one for one in found if self._allow_private or is_public(one["host"])]
        if not allowed:
            raise FetchError("The picture's address is a private one and is not fetched.")
        return allowed

    async def close(self) -> None:
        await self._inner.close()


class Fetcher:
    """Fetches pictures of at most `max_bytes`; private addresses only where `allow_private`."""

    def __init__(self, max_bytes: int, *, allow_private: bool, seconds: float = SECONDS) -> None:
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._allow_private = allow_private

    async def fetch(self, url: str) -> Picture:
        """The picture at `url`. Raises FetchError, or NotAPicture."""
        connector = aiohttp.TCPConnector(resolver=_PublicResolver(allow_private=self._allow_private), force_close=True)
        try:
            async with asyncio.timeout(self._seconds), aiohttp.ClientSession(connector=connector) as session:
                return picture(await self._read(session, yarl.URL(url)))
        except TimeoutError:
            raise FetchError("The picture's address gave nothing in time.") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise FetchError("The picture's address gave no picture.") from error

    async def _read(self, session: aiohttp.ClientSession, url: yarl.URL) -> bytes:
        for _ in range(REDIRECTS + 1):
            self._check(url)
            async with session.get(url, allow_redirects=False) as response:
                if response.status in (301, 302, 303, 307, 308) and "location" in response.headers:
                    url = response.url.join(yarl.URL(response.headers["location"]))
                    continue
                if response.status != 200:
                    raise FetchError(f"The picture's address answered with status {response.status}.")
                return await self._body(response)
        raise FetchError("The picture's address redirects too often.")

    def _check(self, url: yarl.URL) -> None:
        # The host as it is connected to: other parsers leave `①②⑦.⓪.⓪.①` as it is, which is 127.0.0.1 here.
        host = url.raw_host
        if url.scheme not in ("http", "https") or not host:
            raise FetchError("The picture's address is no web address.")
        # The resolver is not asked about a host that is an address itself.
        if not self._allow_private and _is_address(host) and not is_public(host):
            raise FetchError("The picture's address is a private one and is not fetched.")

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > self._max_bytes:
                raise FetchError("The picture is larger than is allowed.")
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
