"""Fetching from untrusted URLs: which addresses are public, where a redirect may lead, and what is an image."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.errors import ImageError
from mockbackend.images import fetch
from mockbackend.images.fetch import USER_LOOKUPS, Fetcher, is_private_host, is_public
from mockbackend.images.formats import recognize

PRIVATE = "points to a private address"
PRIVATE_ADDRESSES = (
    "127.0.0.1 127.9.9.9 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 255.255.255.255 "
    "224.0.0.1 198.18.0.1 192.0.2.1 240.0.0.1 :: ::1 fe80::1 fe80::1%eth0 fc00::1 fec0::1 ff02::1 2001:db8::1 "
    "::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1:: "
    "2002:c0a8:101:: 2001:0:7f00:1:: 64:ff9b:1::1 168.63.129.16 ::ffff:168.63.129.16 64:ff9b::a83f:8110 192.88.99.1 "
    "::ffff:0:7f00:1 ::ffff:0:808:808"
)
PRIVATE_HOSTS = (
    "127.0.0.1 [::1] [::ffff:127.0.0.1] [64:ff9b::7f00:1] 169.254.169.254 localhost LOCALHOST 2130706433 "
    # Full-width and circled digits, and dots of other scripts, are made plain before the connection.
    "0x7f000001 0177.0.0.1 127.1 0 user@127.0.0.1 ①②⑦.⓪.⓪.① 127。0。0。1 １２７.0.0.1"
)
GIF = b"GIF89a" + bytes(20)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"],
)
def test_an_address_of_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    PRIVATE_ADDRESSES.split(),
)
def test_any_other_address_is_private(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_within_an_ipv6_one_is_as_public_as_itself(address: ipaddress.IPv4Address) -> None:
    public = is_public(str(address))
    assert is_public(str(ipaddress.IPv6Address(0xFFFF << 32 | int(address)))) == public
    assert is_public(str(ipaddress.IPv6Address(0x64FF9B << 96 | int(address)))) == public
    assert is_public(str(ipaddress.IPv6Address(0x2002 << 112 | int(address) << 80))) == public


def _fetch(url: str, **options: Any) -> Any:
    return asyncio.run(Fetcher(1000, allow_private=False, seconds=5, **options).fetch("user", url))


@pytest.mark.parametrize(
    "host",
    PRIVATE_HOSTS.split(),
)
def test_a_private_address_is_not_connected_to_however_it_is_written(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        port = listening.getsockname()[1]
        with pytest.raises(ImageError) as caught:
            _fetch(f"http://{host}:{port}/x.png")
        assert "image's URL" in caught.value.message
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://8.8.8.8/x", "gopher://x/", "//8.8.8.8/x", "x", "", "http://", "http:///x"]
)
def test_only_web_addresses_are_fetched(url: str) -> None:
    with pytest.raises(ImageError, match="image's URL"):
        _fetch(url)


@pytest.mark.parametrize("url", ["http://[::1", "http://a\\@127.0.0.1/", "http://exa mple/", "http://x:99999/"])
def test_a_malformed_url_is_an_error(url: str) -> None:
    with pytest.raises(ImageError):
        _fetch(url)


def test_a_name_that_resolves_to_a_private_address_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def lying(host: str, *rest: Any, **more: Any) -> Any:
        return real("10.1.2.3" if host == "images.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lying)
    with pytest.raises(ImageError, match=PRIVATE):
        _fetch("http://images.example/x.png")


async def test_a_host_is_private_where_any_of_its_addresses_is() -> None:
    assert await is_private_host("http://127.0.0.1:8080/v1")
    assert await is_private_host("http://localhost/v1")
    assert not await is_private_host("https://8.8.8.8/")
    assert not await is_private_host("https://name.invalid/")


Answer = Callable[[str], bytes]


@pytest.fixture
async def serve(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[Answer], Any]]:
    """Serves answers by path on 127.0.0.2, which passes for a public address here; 127.0.0.1 does not."""
    monkeypatch.setattr(fetch, "is_public", lambda address: address == "127.0.0.2")
    servers: list[asyncio.Server] = []
    silent: list[asyncio.StreamWriter] = []

    async def start(answer: Answer) -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            writer.write(answer(path))
            await writer.drain()
            if path == "/silent":
                silent.append(writer)
            else:
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.2", 0)
        servers.append(server)
        return f"http://127.0.0.2:{server.sockets[0].getsockname()[1]}"

    yield start
    for writer in silent:
        writer.close()
    for server in servers:
        server.close()


def _ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _to(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()


ANSWERS = {
    "/image": _ok(GIF),
    "/moved": _to("/image"),
    "/page": _ok(b"<html></html>"),
    "/gone": b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    "/round": _to("/round"),
    "/long": _ok(GIF + bytes(1000)),
    "/silent": b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nGIF8",
    "/short": b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nGIF8",
    "/odd": _to("http://[::1"),
    "/file": _to("file:///etc/passwd"),
}


def _answer(path: str) -> bytes:
    return ANSWERS.get(path) or _to("http://" + path.removeprefix("/to/") + "/x")


async def test_a_redirect_to_a_public_address_is_followed(serve: Callable[[Answer], Any]) -> None:
    base = await serve(_answer)
    found = await Fetcher(1000, allow_private=False).fetch("user", f"{base}/moved")
    assert (found.media_type, found.content) == ("image/gif", GIF)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "①②⑦.⓪.⓪.①", "169.254.169.254"])
async def test_a_redirect_to_a_private_address_is_not_followed(serve: Callable[[Answer], Any], host: str) -> None:
    base = await serve(lambda path: _to(f"http://{host}/x"))
    with pytest.raises(ImageError, match="image's URL"):
        await Fetcher(1000, allow_private=False, seconds=5).fetch("user", f"{base}/any")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/gone", "status 404"),
        ("/round", "redirects too often"),
        ("/long", "too large"),
        ("/silent", "did not answer in time"),
        ("/short", "did not return an image"),
        ("/odd", "did not return an image"),
        ("/file", "must begin with http"),
    ],
)
async def test_the_error_says_why_there_is_no_image(serve: Callable[[Answer], Any], path: str, says: str) -> None:
    base = await serve(_answer)
    with pytest.raises(ImageError, match=says):
        await Fetcher(1000, allow_private=False, seconds=0.3).fetch("user", base + path)


async def test_a_name_server_that_does_not_answer_blocks_its_user_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, looked_up = threading.Event(), []
    loop, all_hang = asyncio.get_running_loop(), asyncio.Event()

    def hang(host: str, *rest: Any) -> list[Any]:
        looked_up.append(host)
        if host.startswith("quick"):
            raise socket.gaierror("no such name")
        if len(looked_up) == USER_LOOKUPS:
            loop.call_soon_threadsafe(all_hang.set)
        answer.wait(60)
        raise socket.gaierror("no answer")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    fetcher = Fetcher(1000, allow_private=False)
    fetching = [asyncio.create_task(fetcher.fetch("one", f"http://n{n}.example/x.png")) for n in range(40)]
    try:
        await asyncio.wait_for(all_hang.wait(), 10)
        # The event loop's own threads, which everything else needs, are free, and so are other users' lookups.
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 10) == "free"
        for user in range(40):
            with pytest.raises(ImageError, match="did not return an image"):
                await asyncio.wait_for(fetcher.fetch(f"other-{user}", "http://quick.example/x.png"), 10)
        # A waiter that leaves does not make room while its thread hangs.
        fetching[0].cancel()
        await asyncio.wait([fetching[0]])
        assert [host for host in looked_up if host.startswith("n")] == ["n0.example", "n1.example"]
    finally:
        answer.set()
    ended = await asyncio.gather(*fetching[1:], return_exceptions=True)
    assert {str(error) for error in ended} == {"The image's URL did not return an image."}
    assert len(looked_up) >= 79


async def test_a_page_is_not_an_image(serve: Callable[[Answer], Any]) -> None:
    base = await serve(_answer)
    with pytest.raises(ImageError):
        await Fetcher(1000, allow_private=False).fetch("user", f"{base}/page")


@given(st.binary(max_size=40))
def test_only_images_are_recognized(content: bytes) -> None:
    try:
        kind = recognize(content).media_type
    except ImageError:
        return
    assert kind in ("image/png", "image/jpeg", "image/gif", "image/webp")
