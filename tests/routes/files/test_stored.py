"""Stored files: their content, their deletion, a restart, and a full disk."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.conftest import StartServer
from tests.harness.api import error_of
from tests.harness.service import Server
from tests.routes.files.listing import listed, ready
from tests.routes.uploads import MULTIPART, Sending, blobs, body, part, until_there, upload


async def test_content_is_sent_as_a_download(client: httpx2.AsyncClient) -> None:
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


async def test_a_range_of_the_content_can_be_requested(client: httpx2.AsyncClient) -> None:
    (row,) = await upload(client, ("a.txt", b"0123456789"))
    for asked, (status, content) in RANGES.items():
        response = await client.get(f"/files/{row['id']}/content", headers={"range": asked})
        if status == 416:
            error_of(response, 416)
            assert response.headers["content-range"] == "bytes */10"
        else:
            assert (response.status_code, response.content) == (status, content), asked


async def test_content_that_the_client_holds_is_not_sent_again(client: httpx2.AsyncClient) -> None:
    (row,) = await upload(client, ("a.txt", b"0123456789"))
    address = f"/files/{row['id']}/content"
    etag = (await client.get(address)).headers["etag"]
    for named in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        # A range does not matter any more (RFC 9110, 13.2.2).
        for headers in ({"if-none-match": named}, {"if-none-match": named, "range": "bytes=20-"}):
            response = await client.get(address, headers=headers)
            assert (response.status_code, response.content) == (304, b"")
            assert response.headers["etag"] == etag
            assert response.headers["cache-control"] == "private, no-cache"
        assert (await client.head(address, headers={"if-none-match": named})).status_code == 304
    assert (await client.get(address, headers={"if-none-match": '"other"'})).status_code == 200
    error_of(await client.get("/files/unknown/content", headers={"if-none-match": "*"}), 404)


async def test_a_deleted_file_is_removed_from_the_disk(server: Server, client: httpx2.AsyncClient) -> None:
    (row,) = await upload(client, ("a.txt", b"To be deleted"))
    await ready(client, row["id"])
    assert blobs(server, b"To be deleted") == 1
    assert (await client.delete(f"/files/{row['id']}")).status_code == 204
    assert blobs(server, b"To be deleted") == 0
    for method, path in (("DELETE", ""), ("GET", ""), ("GET", "/content")):
        error_of(await client.request(method, f"/files/{row['id']}{path}"), 404)
    assert await listed(client) == []


@pytest.mark.slow
async def test_files_survive_a_restart(start_server: StartServer, tmp_path: Path) -> None:
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


@pytest.mark.slow
async def test_a_large_upload_uses_no_memory(start_server: StartServer) -> None:
    server = start_server({"MAX_FILE_BYTES": str(300 * 1024 * 1024)})

    def most_memory() -> int:
        status = Path(f"/proc/{server.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    async def pieces() -> AsyncIterator[bytes]:
        # Refused in the end, so that nobody reads it.
        yield b"--B\r\n" + part(b'; name=f; filename="a.bin"', b"")[:-2]
        for _ in range(60):
            yield bytes(1024 * 1024)
        yield b"\r\n--B--\r\n"

    async with server.client() as client:
        await upload(client, ("warm.bin", bytes(1024 * 1024)))
        before = most_memory()
        response = await client.post("/files", content=pieces(), headers=MULTIPART)
        assert [row["size"] for row in response.json()] == [60 * 1024 * 1024]
        assert most_memory() - before < 8 * 1024 * 1024


@pytest.mark.slow
async def test_a_file_that_does_not_fit_on_the_disk_fails_with_a_reason(start_server: StartServer) -> None:
    """No file may grow beyond 6 MB here: the disk refuses what is above it, in the middle of a write."""
    most = 6 * 1024 * 1024
    server = start_server(kind="serve", limits={resource.RLIMIT_FSIZE: (most, most)})
    async with server.client() as client:
        before, large, after = await upload(
            client, ("a.txt", b"Before"), ("b.txt", b"Unwritten" + b"x" * most), ("c.txt", b"After")
        )
        assert before["error"] is after["error"] is None
        assert large["status"] == "failed"
        assert large["error"].startswith("The file could not be stored, because the storage cannot be used right now.")
        assert blobs(server, b"Unwritten") == 0
        assert (await client.get(f"/files/{after['id']}/content")).content == b"After"
    assert "a file could not be stored: File too large" in server.log
