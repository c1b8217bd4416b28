"""The /files routes over the wire: uploads of every shape, what is refused, and what is left on disk."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tests.conftest import StartServer
from tests.routes.api import error_of
from tests.routes.uploads import MULTIPART, Sending, blobs, body, part, until_gone, until_there, upload
from tests.running import AUTH, Server

LIMITS = {
    "MAX_FILE_BYTES": "100000",
    "MAX_FILES_PER_UPLOAD": "5",
    "MAX_FILES_PER_USER": "4",
    "MAX_USER_BYTES": "250000",
}
MOST_BYTES = 5 * 100_000 + 1024 * 1024
ROW = {"id", "name", "status", "done", "total", "error", "size", "media_type", "created_at"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), LIMITS) as running:
        yield running


@pytest.fixture
async def client(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a user whom no other test has."""
    async with server.client(f"user of {request.node.name}"[:256]) as logged_in:
        yield logged_in


async def listed(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    response = await client.get("/files")
    assert response.status_code == 200
    rows: list[dict[str, Any]] = response.json()
    return rows


async def ready(client: httpx2.AsyncClient, file_id: str) -> None:
    """Wait until the file is indexed."""
    async with asyncio.timeout(30):
        while (row := (await client.get(f"/files/{file_id}")).json())["status"] != "ready":
            assert row["status"] != "failed", row
            await asyncio.sleep(0.05)


async def test_curl_uploads_files_in_their_order(server: Server, client: httpx2.AsyncClient, tmp_path: Path) -> None:
    contents = {
        "first.txt": b"First, with curl",
        "Grüße 文.md": b"# Second\n\n--B--\r\n",
        'say "hi".csv': b"third,1\r\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    quoted = [name.replace('"', '\\"') for name in contents]
    fields = [field for name in quoted for field in ("-F", f'anything=@"{name}"')]
    command = ["curl", "-sS", "-u", ":".join(AUTH), "-H", f"userid: {client.headers['userid']}"]
    answer = await asyncio.to_thread(
        subprocess.run,
        [*command, "-F", "note=no file", *fields, f"{server.url}/files"],
        cwd=tmp_path,
        capture_output=True,
    )
    rows = orjson.loads(answer.stdout)
    assert [(row["name"], row["size"]) for row in rows] == [(name, len(one)) for name, one in contents.items()]
    assert [row["media_type"] for row in rows] == ["text/plain", "text/markdown", "text/csv"]
    assert all(set(row) == ROW and row["error"] is None for row in rows)
    assert [row["id"] for row in await listed(client)] == [row["id"] for row in reversed(rows)]
    for row, content in zip(rows, contents.values(), strict=True):
        assert (await client.get(f"/files/{row['id']}")).json()["name"] == row["name"]
        assert (await client.get(f"/files/{row['id']}/content")).content == content


async def test_the_same_content_twice_is_stored_once(server: Server, client: httpx2.AsyncClient) -> None:
    content = b"The same content, twice"
    first, again = await upload(client, ("a.txt", content), ("b.txt", content))
    assert again["id"] == first["id"]
    (later,) = await upload(client, ("c.txt", content))
    assert (later["id"], later["name"]) == (first["id"], "a.txt")
    assert blobs(server, content) == 1
    async with server.client("another who has it") as other:
        (theirs,) = await upload(other, ("d.txt", content))
    assert theirs["id"] != first["id"]
    assert blobs(server, content) == 2


REFUSED = {
    "an empty file": ("a.txt", b"", "The file is empty."),
    "a type that cannot be read": ("a.exe", b"MZ of no use", "cannot be read"),
    "another's extension": ("a.pdf", b"Refused, no PDF", "named .pdf but is none"),
    "too large": ("a.txt", b"Refused, large" + b"x" * 100_000, "The file is larger than 97.66 kB."),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refused_file_is_a_failed_row_and_the_rest_goes_on(
    server: Server, client: httpx2.AsyncClient, case: str
) -> None:
    name, content, words = REFUSED[case]
    before, refused, after = await upload(
        client, ("b.txt", b"before " + case.encode()), (name, content), ("c.txt", b"after " + case.encode())
    )
    assert before["error"] is after["error"] is None
    assert (refused["status"], refused["size"]) == ("failed", len(content))
    assert words in refused["error"]
    assert (await client.get(f"/files/{refused['id']}")).json() == refused
    assert [row["id"] for row in await listed(client)] == [after["id"], refused["id"], before["id"]]
    error_of(await client.get(f"/files/{refused['id']}/content"), 404)
    assert not content or blobs(server, content[:12]) == 0
    assert (await client.delete(f"/files/{refused['id']}")).status_code == 204


async def test_a_file_as_large_as_is_allowed_is_taken(client: httpx2.AsyncClient) -> None:
    (row,) = await upload(client, ("a.csv", b"large,1\n" * 12_500))
    assert (row["status"], row["size"]) == ("queued", 100_000)


async def test_files_beyond_the_number_of_one_upload_are_failed_rows(client: httpx2.AsyncClient) -> None:
    rows = await upload(client, *((f"{number}.bin", b"any") for number in range(7)))
    assert [row["name"] for row in rows] == [f"{number}.bin" for number in range(7)]
    assert ["upload" in row["error"] for row in rows] == [False] * 5 + [True] * 2


async def test_uploads_side_by_side_keep_the_number_of_a_users_files(
    server: Server, client: httpx2.AsyncClient
) -> None:
    answers = await asyncio.gather(
        *(upload(client, (f"{number}.txt", f"Side by side {number}".encode())) for number in range(10))
    )
    rows = [row for answer in answers for row in answer]
    refused = [row for row in rows if row["status"] == "failed"]
    assert len(refused) == 6
    assert all("one user may keep 4 files" in row["error"] for row in refused)
    assert blobs(server, b"Side by side") == 4
    kept = next(row for row in rows if row["status"] != "failed")
    assert (await client.delete(f"/files/{kept['id']}")).status_code == 204
    (row,) = await upload(client, ("a.txt", b"Side by side, in the place of another"))
    assert row["status"] == "queued"


async def test_uploads_side_by_side_keep_the_size_of_a_users_files(server: Server, client: httpx2.AsyncClient) -> None:
    await asyncio.gather(
        *(upload(client, (f"{number}.csv", f"Together {number},".encode() + b"1\n" * 49_000)) for number in range(8))
    )
    assert blobs(server, b"Together") <= 2
    await upload(client, ("more.csv", b"Together, and more" + b"1\n" * 49_000))
    (last,) = await upload(client, ("more.csv", b"Together, and last" + b"1\n" * 49_000))
    assert "244.1 kB in all" in last["error"]
    assert blobs(server, b"Together") == 2


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
    "another boundary": (body(A), {"content-type": "multipart/form-data; boundary=C"}, 400, "not valid"),
    "nothing": (b"", MULTIPART, 400, "broke off"),
    "no end": (body(A)[:-8], MULTIPART, 400, "broke off"),
    "an end within a file": (body(A, A)[:-20], MULTIPART, 400, "broke off"),
    "a header that is none": (body(A, b"no header\r\n\r\n"), MULTIPART, 400, "not valid"),
    "a long header": (body(A, part(b"; name=" + b"x" * 40_000, b"")), MULTIPART, 400, "not valid"),
    "no parts": (body(), MULTIPART, 400, "no file"),
    "no file": (body(part(b"; name=a", b"b"), part(b'; name=f; filename=""', b"")), MULTIPART, 400, "no file"),
    "parts without number": (body(A, *[part(b"; name=a", b"b")] * 1005), MULTIPART, 400, "too many parts"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_of_a_broken_body_nothing_is_stored(server: Server, client: httpx2.AsyncClient, case: str) -> None:
    content, headers, status, words = BROKEN[case]
    assert words in error_of(await client.post("/files", content=content, headers=headers), status)["message"]
    assert await listed(client) == []
    assert blobs(server, b"Of a broken body") == 0


async def test_a_body_that_comes_byte_by_byte_is_the_same(client: httpx2.AsyncClient) -> None:
    whole = body(A, part(b'; name=n; filename="b.txt"', b"\r\n--\r\n--B\r--B-"))

    async def bytes_of_it() -> AsyncIterator[bytes]:
        for byte in whole:
            yield bytes([byte])

    response = await client.post("/files", content=bytes_of_it(), headers=MULTIPART)
    first, second = response.json()
    assert (await client.get(f"/files/{first['id']}/content")).content == b"Of a broken body"
    assert (await client.get(f"/files/{second['id']}/content")).content == b"\r\n--\r\n--B\r--B-"


async def test_of_an_upload_whose_client_goes_away_nothing_is_left(server: Server, client: httpx2.AsyncClient) -> None:
    whole = body(
        part(b'; name=f; filename="whole.txt"', b"Gone, whole"), part(b'; name=f; filename="a.txt"', b"Gone, half")
    )
    async with Sending(server, client.headers["userid"], len(whole)) as sending:
        await sending.send(whole[:-12])
        await asyncio.to_thread(until_there, server, b"Gone, whole")
    await asyncio.to_thread(until_gone, server, b"Gone")
    assert await listed(client) == []


async def test_a_slow_upload_holds_nobody_up(server: Server, client: httpx2.AsyncClient) -> None:
    whole = body(part(b'; name=f; filename="a.txt"', b"Slow, but sure"))
    async with Sending(server, client.headers["userid"], len(whole)) as sending:
        await sending.send(whole[:-15])
        (row,) = await upload(client, ("b.txt", b"Quick"))
        assert [one["id"] for one in await listed(client)] == [row["id"]]
        await sending.send(whole[-15:])
        assert b'"name":"a.txt"' in await sending.answer()
    assert [one["name"] for one in await listed(client)] == ["a.txt", "b.txt"]


async def test_a_body_that_says_it_is_too_large_is_refused_at_once(server: Server, client: httpx2.AsyncClient) -> None:
    async with Sending(server, client.headers["userid"], MOST_BYTES + 1) as sending:
        answer = await sending.answer()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert f"larger than {MOST_BYTES} bytes".encode() in answer


async def test_a_body_that_becomes_too_large_leaves_nothing(server: Server, client: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"--B\r\n" + part(b'; name=f; filename="a.txt"', b"Too large a body")
        for _ in range(MOST_BYTES // 65536 + 1):
            yield bytes(65536)

    error_of(await client.post("/files", content=endless(), headers=MULTIPART), 413)
    assert await listed(client) == []
    assert blobs(server, b"Too large a body") == 0


async def test_content_is_to_be_saved_and_never_shown_as_a_page(client: httpx2.AsyncClient) -> None:
    (row,) = await upload(client, ("Ünï.html", b"<script>alert(1)</script><p>Words"))
    response = await client.get(f"/files/{row['id']}/content")
    assert response.content == b"<script>alert(1)</script><p>Words"
    assert response.headers["content-disposition"] == "attachment; filename*=utf-8''%C3%9Cn%C3%AF.html"
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    head = await client.head(f"/files/{row['id']}/content")
    assert (head.content, head.headers["content-length"]) == (b"", "33")


RANGES: dict[str, tuple[int, bytes]] = {
    "bytes=2-4": (206, b"234"),
    "bytes=7-": (206, b"789"),
    "bytes=8-100": (206, b"89"),
    "bytes=10-": (416, b""),
    "bytes=4-2": (200, b"0123456789"),
    "bytes=0-1,3-4": (200, b"0123456789"),
    "bytes=x": (200, b"0123456789"),
    "bytes=": (200, b"0123456789"),
    "lines=1-2": (200, b"0123456789"),
}


async def test_a_range_of_the_content_can_be_asked_for(client: httpx2.AsyncClient) -> None:
    (row,) = await upload(client, ("a.txt", b"0123456789"))
    for asked, (status, content) in RANGES.items():
        response = await client.get(f"/files/{row['id']}/content", headers={"range": asked})
        if status == 416:
            error_of(response, 416)
            assert response.headers["content-range"] == "bytes */10"
        else:
            assert (response.status_code, response.content) == (status, content), asked


async def test_a_deleted_file_is_gone_from_the_disk(server: Server, client: httpx2.AsyncClient) -> None:
    (row,) = await upload(client, ("a.txt", b"To be deleted"))
    await ready(client, row["id"])
    assert blobs(server, b"To be deleted") == 1
    assert (await client.delete(f"/files/{row['id']}")).status_code == 204
    assert blobs(server, b"To be deleted") == 0
    for method, path in (("DELETE", ""), ("GET", ""), ("GET", "/content")):
        error_of(await client.request(method, f"/files/{row['id']}{path}"), 404)
    assert await listed(client) == []


async def test_what_clients_get_wrong_is_not_in_the_log(server: Server, client: httpx2.AsyncClient) -> None:
    content, headers, status, _ = BROKEN["another boundary"]
    error_of(await client.post("/files", content=content, headers=headers), status)
    assert "boundary" not in server.log


async def test_files_outlive_the_server(start_server: StartServer, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    server = start_server(data_dir=folder)
    async with server.client() as client:
        rows = await upload(client, ("a.txt", b"To be kept"), ("b.bin", b"refused"))
        await ready(client, rows[0]["id"])
        before = await listed(client)
        whole = body(part(b'; name=f; filename="c.txt"', b"Cut by a kill"))
        async with Sending(server, "user-1", len(whole)) as sending:
            await sending.send(whole[:-12])
            await asyncio.to_thread(until_there, server, b"Cut by")
            server.kill()
    again = start_server(data_dir=folder)
    async with again.client() as client:
        assert await listed(client) == before
        assert (await client.get(f"/files/{rows[0]['id']}/content")).content == b"To be kept"
    assert blobs(again, b"Cut by") == 0


async def test_a_large_upload_takes_no_memory(start_server: StartServer) -> None:
    server = start_server({"MAX_FILE_BYTES": str(300 * 1024 * 1024)})

    def most_memory() -> int:
        status = Path(f"/proc/{server.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    async def pieces() -> AsyncIterator[bytes]:
        # Refused in the end, so that nobody reads it.
        yield b"--B\r\n" + part(b'; name=f; filename="a.bin"', b"")[:-2]
        for _ in range(200):
            yield bytes(1024 * 1024)
        yield b"\r\n--B--\r\n"

    async with server.client() as client:
        await upload(client, ("warm.bin", bytes(1024 * 1024)))
        before = most_memory()
        response = await client.post("/files", content=pieces(), headers=MULTIPART)
        assert [row["size"] for row in response.json()] == [200 * 1024 * 1024]
        assert most_memory() - before < 8 * 1024 * 1024


async def test_a_file_that_the_disk_does_not_take_fails_in_words(start_server: StartServer) -> None:
    """No file may grow beyond 6 MB here: the disk refuses what is above it, in the middle of a write."""
    most = 6 * 1024 * 1024
    command = ["prlimit", f"--fsize={most}", sys.executable, "-m", "mockbackend", "serve"]
    server = start_server(command=command)
    async with server.client() as client:
        before, large, after = await upload(
            client, ("a.txt", b"Before"), ("b.txt", b"Unwritten" + b"x" * most), ("c.txt", b"After")
        )
        assert before["error"] is after["error"] is None
        assert large["status"] == "failed"
        assert large["error"] == "The file could not be stored. The operator should check the disk and the log."
        assert blobs(server, b"Unwritten") == 0
        assert (await client.get(f"/files/{after['id']}/content")).content == b"After"
    assert "a file could not be stored: File too large" in server.log
