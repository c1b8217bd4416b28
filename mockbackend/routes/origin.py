"""Where a request comes from: the origin under which its client reaches the service, and the client's own address."""

from __future__ import annotations

import functools
import ipaddress
import re

from starlette.requests import Request

from ..protocol.links import Links
from ..settings import Settings

HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")


def links(request: Request, settings: Settings) -> Links:
    """Absolute URLs that this request's client can reach."""
    return Links(origin(request, settings))


def origin(request: Request, settings: Settings) -> str:
    """PUBLIC_URL, or what a trusted proxy forwards, or the request's own scheme and host."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme, hosts = request.scope["scheme"], [request.headers.get("host", "")]
    if request.client is not None and _is_trusted(request.client.host, settings.trusted_proxies):
        scheme = _first(request, "x-forwarded-proto") or scheme
        hosts.insert(0, _first(request, "x-forwarded-host"))
    # Anything but a host could end the URL, and the Markdown around it, at any place.
    host = next((host for host in hosts if HOST.fullmatch(host)), _listening(request))
    return f"{scheme if scheme in ('http', 'https') else 'http'}://{host}"


def client_address(request: Request, settings: Settings) -> str:
    """The client's IP address: behind trusted proxies the one that the outermost of them saw."""
    if request.client is None:
        return "a Unix socket"
    address = request.client.host
    hops = [hop for header in request.headers.getlist("x-forwarded-for") for hop in header.split(",")]
    for hop in reversed(hops):
        if not _is_trusted(address, settings.trusted_proxies):
            break
        found = _address(hop.strip())
        if found is None:
            break
        address = found
    return address


def is_loopback(address: str) -> bool:
    """Whether it is an address of this machine that no other can reach."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _address(hop: str) -> str | None:
    # Some proxies add the port, and brackets where there would be too many colons.
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return None


def _listening(request: Request) -> str:
    address, port = request.scope["server"] or ("localhost", None)
    return address if port is None else f"{address}:{port}"


def _first(request: Request, header: str) -> str:
    return request.headers.get(header, "").split(",")[0].strip()


@functools.lru_cache(maxsize=1024)
def _is_trusted(peer: str, trusted: tuple[str, ...]) -> bool:
    if "*" in trusted:
        return True
    try:
        address = ipaddress.ip_address(peer)
        return any(address in ipaddress.ip_network(network, strict=False) for network in trusted)
    except ValueError:
        return False
