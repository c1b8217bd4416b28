"""A disk that is full, and a database that is gone: words instead of tracebacks, and it goes on by itself."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import orjson
import pytest

from mockbackend.errors import NOT_STORED
from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.api import error_of, say, texts
from tests.harness.data_folder import rows
from tests.harness.http_client import PLAIN
from tests.harness.model import Upstream
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.routes.files.listing import ready
from tests.routes.uploads import upload

pytestmark = pytest.mark.slow

SIZE = "8m"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB. To mount one takes root, or a user namespace in which one is root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room that is left."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


async def status(client: httpx2.AsyncClient, path: str) -> int:
    return (await client.get(path)).status_code


async def test_a_full_disk_is_refused_in_words_and_left_behind(start_server: StartServer, disk: Path) -> None:
    server = start_server(data_dir=disk / "data")
    async with server.client() as client:
        await say(client, "Hello", "kept")
        await say(client, "Hello", "other")
        (row,) = await upload(client, ("a.txt", b"The lamp is lit. " * 12_000))
        await ready(client, row["id"])
        ballast = fill(disk)
        for body in ({"id": "kept", "message": "x" * 5000}, {"message": "new"}, {"message": "a fox", "mode": "image"}):
            refused = await client.post("/chat", json=body)
            assert error_of(refused, 503)["code"] == "storage"
        await until(lambda: is_ready(client, 503))
        assert [role for role, _ in await texts(client, "kept")] == ["user", "assistant"]
        # The reserve gives the room that a deletion needs, and after that the file itself.
        assert (await client.delete("/conversations/other")).status_code == 204
        assert not (disk / "data" / "reserve").exists()
        fill(disk)
        assert (await client.delete(f"/files/{row['id']}")).status_code == 204
        assert (await client.get("/files")).json() == []
        assert list((disk / "data" / "files").iterdir()) == []
        ballast.unlink()
        await until(lambda: is_ready(client, 200))
        await say(client, "And on", "kept")
        assert (await client.get("/conversations/kept")).json()["message_count"] == 4

        async def is_kept_back() -> bool:
            return (disk / "data" / "reserve").exists()

        await until(is_kept_back)
    assert "Traceback" not in server.log
    assert server.log.count("the storage has failed: ") == 1
    assert "the storage works again" in server.log


async def is_ready(client: httpx2.AsyncClient, expected: int) -> bool:
    return await status(client, "/readyz") == expected


async def test_an_answer_that_fills_the_disk_ends_with_a_reason(start_server: StartServer, disk: Path) -> None:
    script = disk.parent / "script.yaml"
    script.write_text(f"rules: [{{when: long, text: {['words '] * 400}, tokens_per_second: 200}}]")
    settings = {"MOCK_SCRIPT": str(script), "MAX_RUNNING_TURNS_PER_USER": "1"}
    server = start_server(settings, data_dir=disk / "data")
    async with server.client() as client:
        await say(client, "Hello", "kept")
        answering = asyncio.create_task(chat(client, {"id": "kept", "message": "long"}))
        await until(lambda: is_running(client))
        ballast = fill(disk)
        answer = await answering
        assert answer.errors == [NOT_STORED]
        ballast.unlink()
        await until(lambda: is_ready(client, 200))

        async def is_settled() -> bool:
            return (await client.post("/chat", json={"id": "other", "message": "Hello"})).status_code == 200

        # Its row was open, and it counted as running, until somebody came to its conversation.
        await until(is_settled)
        await say(client, "And on", "kept")
        # What was said is there, stored by the turn or recovered from its row.
        assert (await client.get("/conversations/kept")).json()["message_count"] == 6
    assert "Traceback" not in server.log


async def test_vectors_that_find_no_room_wait_for_it_and_are_paid_once(start_server: StartServer, disk: Path) -> None:
    vector = base64.b64encode(struct.pack("<1536f", *[0.5] * 1536)).decode()
    async with Upstream() as upstream:
        settings = {**upstream.settings, "OPENAI_EMBEDDING_MODEL": "vectors", "EMBEDDING_BATCH_SIZE": "1000"}
        server = start_server(settings, data_dir=disk / "data")
        async with server.client() as client:
            (row,) = await upload(client, ("a.txt", b"The lamp is lit. " * 12_000))
            call = await upstream.call()
            data = [{"index": index, "embedding": vector} for index in range(len(call.body["input"]))]
            ballast = fill(disk)
            answer = orjson.dumps({"data": data, "usage": {"prompt_tokens": 4711}})
            await call.refuse(200, answer)

            async def is_told() -> bool:
                return "vectors cannot be stored yet" in server.log

            await until(is_told)
            assert (await client.get(f"/files/{row['id']}")).json()["status"] == "embedding"
            ballast.unlink()
            await ready(client, row["id"])

            async def is_counted() -> bool:
                return bool((await client.get("/usage")).json()["embedding_tokens"] == 4711)

            await until(is_counted)
        with pytest.raises(TimeoutError):
            await upstream.call(within=0)
    assert "Traceback" not in server.log


async def is_running(client: httpx2.AsyncClient) -> bool:
    return bool((await client.get("/health")).json()["running_turns"])


@pytest.mark.parametrize("name", ["conversation_metadata.db", "mock-langgraph-db.db", "documents.db"])
async def test_a_database_that_was_removed_is_noticed(start_server: StartServer, name: str) -> None:
    server = start_server()
    async with server.client() as client:
        await say(client, "Hello", "kept")
        os.unlink(server.data_dir / name)
        began = time.monotonic()
        while "the storage has failed" not in server.log:
            assert time.monotonic() - began < 10
            await asyncio.sleep(0.05)
        assert error_of(await client.get("/readyz"), 503)["code"] == "storage"
        assert await status(client, "/livez") == 200
    assert f"the storage has failed: {name} has been removed or replaced; restart the service" in server.log
    assert server.log.count("the storage has failed") == 1


def test_those_who_ask_whether_it_is_ready_cause_one_trial_a_second(server: Server) -> None:
    folder = server.data_dir
    with httpx2.Client(base_url=server.url, **PLAIN) as client:
        assert client.get("/readyz").status_code == 200
        before = (folder / "conversation_metadata.db-wal").stat().st_size
        began = time.monotonic()
        for _ in range(50):
            assert client.get("/readyz").status_code == 200
        trials = int(time.monotonic() - began) + 1
        grown = (folder / "conversation_metadata.db-wal").stat().st_size - before
    assert grown <= trials * 2 * 4152


async def test_an_image_that_can_be_neither_written_nor_removed_goes_once_the_disk_works(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server()
    folder, elsewhere = server.data_dir / "pictures", tmp_path / "elsewhere"
    folder.rename(elsewhere)
    # Nothing can be written or removed below a file.
    folder.touch()
    async with server.client() as client:
        answer = await chat(client, {"message": "a fox", "mode": "image"})
        assert len(answer.errors) == 1
        assert await stored_bytes(client) > 0
        folder.unlink()
        elsewhere.rename(folder)
        await until(lambda: nothing_is_stored(client))
    assert rows(server.data_dir, "SELECT * FROM pictures") == []


async def stored_bytes(client: httpx2.AsyncClient) -> int:
    stored: int = (await client.get("/usage")).json()["stored_bytes"]
    return stored


async def nothing_is_stored(client: httpx2.AsyncClient) -> bool:
    return await stored_bytes(client) == 0
