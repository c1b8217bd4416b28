"""Multipart bodies: file names, and bodies that are broken, slow or too large."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.harness.api import error_of
from tests.harness.service import Server
from tests.routes.files.listing import MOST_BYTES, listed
from tests.routes.uploads import MULTIPART, Sending, blobs, body, part, until_gone, until_there, upload

NAMES: dict[str, tuple[bytes, str]] = {
    "a Unix path": (b'filename="../../etc/passwd.bin"', "passwd.bin"),
    "a Windows path": (rb'filename="C:\Users\me\report.bin"', "report.bin"),
    "RFC 5987": (b"filename*=UTF-8''na%C3%AFve%20%E6%96%87.bin", "naïve 文.bin"),
    "RFC 5987 before the plain one": (b"filename=\"x.bin\"; filename*=utf-8'en'%E2%82%AC.bin", "€.bin"),
    "RFC 5987 with a path": (b"filename*=UTF-8''..%2F..%5Ca%00b.bin", "ab.bin"),
    "a byte that is not UTF-8": (b'filename="caf\xe9.bin"', "café.bin"),
    "null bytes and line ends": (b'filename="a\0b%0D%0Ac.bin"', "abc.bin"),
    "a turn of the writing direction": ('filename="gpj\u202eexe.bin"'.encode(), "gpjexe.bin"),
    "half of a surrogate pair": (b'filename="a\xed\xa0\x80.bin"', "a\xed\xa0.bin"),
    "nothing but dots": (b'filename=".."', "file"),
    "nothing but a slash": (b'filename="a/"', "file"),
    "no quotes": (b"filename=plain.bin", "plain.bin"),
    "an escaped quote": (rb'filename="a\"b.bin"', 'a"b.bin'),
    "a semicolon": (b"filename=\"a; filename*=UTF-8''b.bin\"", "a; filename*=UTF-8''b.bin"),
    "5 kB": (b'filename="' + "é".encode() * 2500 + b'.bin"', "é" * 195 + "….bin"),
    "5 kB with each byte escaped": (b"filename*=UTF-8''" + b"%C3%A9" * 2500 + b".bin", "é" * 195 + "….bin"),
    "5 kB of extension": (b'filename="a.' + b"b" * 5000 + b'"', "a." + "b" * 197 + "…"),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", NAMES)
async def test_a_name_is_cleaned(server: Server, client: httpx2.AsyncClient, case: str) -> None:
    sent, expected = NAMES[case]
    content = body(part(b"; name=f; " + sent, b"any"))
    response = await client.post("/files", content=content, headers=MULTIPART)
    assert response.status_code == 202, response.text
    assert [row["name"] for row in response.json()] == [row["name"] for row in await listed(client)] == [expected]


A = part(b'; name=f; filename="a.txt"', b"Of a broken body")
BROKEN: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "no multipart": (b"text", {"content-type": "text/plain"}, 415, "curl -F"),
    "no content type": (b"text", {}, 415, "multipart/form-data"),
    "another multipart": (body(A), {"content-type": "multipart/mixed; boundary=B"}, 415, "multipart/form-data"),
    "no boundary": (body(A), {"content-type": "multipart/form-data"}, 400, "boundary"),
    "a long boundary": (body(A), {"content-type": f"multipart/form-data; boundary={'B' * 300}"}, 400, "boundary"),
    "another boundary": (body(A), {"content-type": "multipart/form-data; boundary=C"}, 400, "invalid"),
    "nothing": (b"", MULTIPART, 400, "incomplete"),
    "no end": (body(A)[:-8], MULTIPART, 400, "incomplete"),
    "an end within a file": (body(A, A)[:-20], MULTIPART, 400, "incomplete"),
    "a broken header": (body(A, b"no header\r\n\r\n"), MULTIPART, 400, "invalid"),
    "a long header": (body(A, part(b"; name=" + b"x" * 40_000, b"")), MULTIPART, 400, "too long"),
    "no parts": (body(), MULTIPART, 400, "no file"),
    "no file": (body(part(b"; name=a", b"b"), part(b'; name=f; filename=""', b"")), MULTIPART, 400, "no file"),
    "more than 1000 fields": (body(A, *[part(b"; name=a", b"b")] * 1005), MULTIPART, 400, "too many parts"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_nothing_of_a_broken_body_is_stored(server: Server, client: httpx2.AsyncClient, case: str) -> None:
    content, headers, status, part_of_message = BROKEN[case]
    assert part_of_message in error_of(await client.post("/files", content=content, headers=headers), status)["message"]
    assert await listed(client) == []
    assert blobs(server, b"Of a broken body") == 0


@pytest.mark.slow
async def test_a_body_may_arrive_byte_by_byte(client: httpx2.AsyncClient) -> None:
    plain = part(b'; name=f; filename="a.txt"', b"Byte by byte")
    whole = body(plain, part(b'; name=n; filename="b.txt"', b"\r\n--\r\n-B\r\n--\r--B-"))

    async def bytes_of_it() -> AsyncIterator[bytes]:
        for byte in whole:
            yield bytes([byte])

    response = await client.post("/files", content=bytes_of_it(), headers=MULTIPART)
    first, second = response.json()
    assert (await client.get(f"/files/{first['id']}/content")).content == b"Byte by byte"
    assert (await client.get(f"/files/{second['id']}/content")).content == b"\r\n--\r\n-B\r\n--\r--B-"


async def test_nothing_is_left_of_an_upload_whose_client_leaves(server: Server, client: httpx2.AsyncClient) -> None:
    whole = body(
        part(b'; name=f; filename="whole.txt"', b"Gone, whole"), part(b'; name=f; filename="a.txt"', b"Gone, half")
    )
    async with Sending(server, client.headers["userid"], len(whole)) as sending:
        await sending.send(whole[:-12])
        await asyncio.to_thread(until_there, server, b"Gone, whole")
    await asyncio.to_thread(until_gone, server, b"Gone")
    assert await listed(client) == []


async def test_a_slow_upload_does_not_hold_up_others(server: Server, client: httpx2.AsyncClient) -> None:
    whole = body(part(b'; name=f; filename="a.txt"', b"Slow, but sure"))
    async with Sending(server, client.headers["userid"], len(whole)) as sending:
        await sending.send(whole[:-15])
        (row,) = await upload(client, ("b.txt", b"Quick"))
        assert [one["id"] for one in await listed(client)] == [row["id"]]
        await sending.send(whole[-15:])
        assert b'"name":"a.txt"' in await sending.answer()
    assert [one["name"] for one in await listed(client)] == ["a.txt", "b.txt"]


async def test_a_body_with_too_large_a_length_is_refused_at_once(server: Server, client: httpx2.AsyncClient) -> None:
    async with Sending(server, client.headers["userid"], MOST_BYTES + 1) as sending:
        answer = await sending.answer()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert f"larger than {MOST_BYTES} bytes".encode() in answer


async def test_nothing_is_left_of_a_body_that_becomes_too_large(server: Server, client: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"--B\r\n" + part(b'; name=f; filename="a.txt"', b"Too large a body")
        for _ in range(MOST_BYTES // 65536 + 1):
            yield bytes(65536)

    error_of(await client.post("/files", content=endless(), headers=MULTIPART), 413)
    assert await listed(client) == []
    assert blobs(server, b"Too large a body") == 0


async def test_mistakes_of_clients_are_not_logged(server: Server, client: httpx2.AsyncClient) -> None:
    content, headers, status, _ = BROKEN["another boundary"]
    error_of(await client.post("/files", content=content, headers=headers), status)
    assert "boundary" not in server.log
