"""POST /files: several files, the same file twice, and refused files."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import httpx2
import orjson
import pytest

from tests.harness.api import error_of
from tests.harness.service import AUTH, Server
from tests.routes.files.listing import ROW, listed
from tests.routes.uploads import blobs, upload


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
    "a type that cannot be read": ("a.exe", b"MZ of no use", "This type of file is not supported."),
    "another's extension": ("a.pdf", b"Refused, no PDF", "ends in .pdf, but the content is something else"),
    "too large": ("a.txt", b"Refused, large" + b"x" * 100_000, "The file is larger than 97.66 kB (MAX_FILE_BYTES)."),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refused_file_is_a_failed_row_beside_the_others(
    server: Server, client: httpx2.AsyncClient, case: str
) -> None:
    name, content, reason = REFUSED[case]
    before, refused, after = await upload(
        client, ("b.txt", b"before " + case.encode()), (name, content), ("c.txt", b"after " + case.encode())
    )
    assert before["error"] is after["error"] is None
    assert (refused["status"], refused["size"]) == ("failed", len(content))
    assert reason in refused["error"]
    assert (await client.get(f"/files/{refused['id']}")).json() == refused
    assert [row["id"] for row in await listed(client)] == [after["id"], refused["id"], before["id"]]
    error_of(await client.get(f"/files/{refused['id']}/content"), 404)
    assert not content or blobs(server, content[:12]) == 0
    assert (await client.delete(f"/files/{refused['id']}")).status_code == 204


async def test_a_file_of_the_maximum_size_is_accepted(client: httpx2.AsyncClient) -> None:
    (row,) = await upload(client, ("a.csv", b"large,1\n" * 12_500))
    assert (row["status"], row["size"]) == ("queued", 100_000)


async def test_files_beyond_the_limit_of_an_upload_are_failed_rows(client: httpx2.AsyncClient) -> None:
    rows = await upload(client, *((f"{number}.bin", b"any") for number in range(7)))
    assert [row["name"] for row in rows] == [f"{number}.bin" for number in range(7)]
    assert ["upload" in row["error"] for row in rows] == [False] * 5 + [True] * 2


@pytest.mark.slow
async def test_concurrent_uploads_keep_to_the_number_of_files_per_user(
    server: Server, client: httpx2.AsyncClient
) -> None:
    answers = await asyncio.gather(
        *(upload(client, (f"{number}.txt", f"Side by side {number}".encode())) for number in range(10))
    )
    rows = [row for answer in answers for row in answer]
    refused = [row for row in rows if row["status"] == "failed"]
    assert len(refused) == 6
    assert all("you may keep 4 documents (MAX_FILES_PER_USER)" in row["error"] for row in refused)
    assert blobs(server, b"Side by side") == 4
    kept = next(row for row in rows if row["status"] != "failed")
    assert (await client.delete(f"/files/{kept['id']}")).status_code == 204
    (row,) = await upload(client, ("a.txt", b"Side by side, in the place of another"))
    assert row["status"] == "queued"


@pytest.mark.slow
async def test_concurrent_uploads_keep_to_the_size_per_user(server: Server, client: httpx2.AsyncClient) -> None:
    await asyncio.gather(
        *(upload(client, (f"{number}.csv", f"Together {number},".encode() + b"1\n" * 49_000)) for number in range(8))
    )
    assert blobs(server, b"Together") <= 2
    await upload(client, ("more.csv", b"Together, and more" + b"1\n" * 49_000))
    (last,) = await upload(client, ("more.csv", b"Together, and last" + b"1\n" * 49_000))
    assert "244.1 kB of documents and images together" in last["error"]
    assert blobs(server, b"Together") == 2
