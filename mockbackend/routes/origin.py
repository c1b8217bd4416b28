"""The origin under which a client reaches the service, for absolute URLs."""

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
