"""Files on disk: one for each content that a row names, and none for what was refused, discarded or deleted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mockbackend.storage import FileLimits
from mockbackend.storage.embedded import EmbeddedStorage
from tests.storage.contract.files import ROOMY, claimed, put


def on_disk(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in (folder / "files").iterdir())


async def test_what_is_stored_has_one_file(storage: EmbeddedStorage, tmp_path: Path) -> None:
    await asyncio.gather(*(put(storage, b"same", name=f"{number}.txt") for number in range(8)))
    await put(storage, b"same", userid="bob")
    await put(storage, b"")
    assert on_disk(tmp_path) == [b"", b"same", b"same"]


async def test_what_is_refused_or_discarded_has_none(storage: EmbeddedStorage, tmp_path: Path) -> None:
    await put(storage, b"y" * 1001)
    upload = storage.files.receive("ann", "a.txt", ROOMY)
    await upload.write(b"gone")
    await upload.discard()
    upload = storage.files.receive("ann", "b.txt", ROOMY)
    await upload.write(b"gone too")
    await upload.refuse("No.")
    assert on_disk(tmp_path) == []


async def test_what_has_failed_has_none(storage: EmbeddedStorage, tmp_path: Path) -> None:
    file = await put(storage, b"bad")
    await claimed(storage)
    await storage.file_queue.fail(file.id, "It is broken.")
    assert on_disk(tmp_path) == []


async def test_what_is_deleted_has_none(storage: EmbeddedStorage, tmp_path: Path) -> None:
    file = await put(storage, b"gone")
    await storage.files.hide("ann", file.id)
    await put(storage, b"gone")
    assert on_disk(tmp_path) == [b"gone", b"gone"]
    await storage.files.forget(file.id)
    assert on_disk(tmp_path) == [b"gone"]


async def test_a_quota_of_files_is_one_of_the_disk(
    storage: EmbeddedStorage, other: EmbeddedStorage, tmp_path: Path
) -> None:
    limits = FileLimits(1000, 3, 100_000)
    await asyncio.gather(
        *(put(one, f"{number}".encode(), limits=limits) for number, one in enumerate([storage, other] * 5))
    )
    assert len(on_disk(tmp_path)) == 3


async def test_what_is_coming_in_takes_no_more_disk_than_the_quota(storage: EmbeddedStorage, tmp_path: Path) -> None:
    limits = FileLimits(1000, 100, 1500)
    uploads = [storage.files.receive("ann", f"{number}.txt", limits) for number in range(5)]
    for number, one in enumerate(uploads):
        await one.write(bytes([number]) * 900)
    assert sum(map(len, on_disk(tmp_path))) <= 1500
    for one in uploads:
        await one.discard()
    assert on_disk(tmp_path) == []
    assert (await put(storage, b"x" * 1000, limits=limits)).status == "queued"


async def test_an_upload_that_is_cancelled_while_it_writes_leaves_nothing(
    storage: EmbeddedStorage, tmp_path: Path
) -> None:
    async def upload() -> None:
        upload = storage.files.receive("ann", "a.txt", FileLimits(10**9, 1, 10**9))
        try:
            # Its thread hashes for a while before it opens the file.
            await upload.write(bytes(5 * 10**7))
        finally:
            await upload.discard()

    task = asyncio.create_task(upload())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # Threads that nobody waited for have ended then.
    await asyncio.get_running_loop().shutdown_default_executor()
    assert on_disk(tmp_path) == []
    assert await storage.files.listing("ann") == []


async def test_what_dead_processes_were_receiving_is_removed(
    storage: EmbeddedStorage, other: EmbeddedStorage, tmp_path: Path
) -> None:
    await put(other, b"kept by the dead")
    for one, content in ((other, b"part of the dead"), (storage, b"part of the living")):
        upload = one.files.receive("ann", "part.txt", ROOMY)
        await upload.write(content)
        await upload.end()
    # As the kernel drops the lock of a dead process.
    other.liveness.close()
    await storage.files.clean()
    assert on_disk(tmp_path) == [b"kept by the dead", b"part of the living"]
