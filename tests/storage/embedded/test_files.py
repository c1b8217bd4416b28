"""The store of files, as the service uses it: what is kept, what is left on disk, and who indexes what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mockbackend.storage import File, FileLimits
from mockbackend.storage.embedded import EmbeddedStorage, open_embedded

ROOMY = FileLimits(file_bytes=1000, user_files=100, user_bytes=100_000)


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[EmbeddedStorage]:
    opened = await open_embedded(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[EmbeddedStorage]:
    """What another process has open on the same folder."""
    opened = await open_embedded(tmp_path)
    yield opened
    await opened.close()


async def put(
    storage: EmbeddedStorage, content: bytes, *, userid: str = "ann", name: str = "a.txt", limits: FileLimits = ROOMY
) -> File:
    """Receive a file as a route does."""
    upload = storage.files.receive(userid, name, limits)
    for at in range(0, len(content), 64):
        await upload.write(content[at : at + 64])
    await upload.end()
    return await upload.finish("text", "text/plain")


async def claimed(storage: EmbeddedStorage) -> str:
    """The content of the file that is claimed next."""
    work = await storage.file_queue.claim()
    assert work is not None
    async with work.blob.local_file() as path:
        return path.read_text()


def on_disk(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in (folder / "files").iterdir())


async def test_what_was_written_is_what_is_kept(storage: EmbeddedStorage, tmp_path: Path) -> None:
    content = bytes(range(256)) * 3
    file = await put(storage, content, name="né.txt")
    assert (file.name, file.size, file.status, file.media_type) == ("né.txt", 768, "queued", "text/plain")
    found = await storage.files.content("ann", file.id)
    assert found is not None
    assert found[0] == file
    assert b"".join([piece async for piece in found[1].pieces()]) == content
    assert b"".join([piece async for piece in found[1].pieces(5, 10)]) == content[5:10]
    assert await storage.files.listing("ann") == [file]
    assert await storage.files.content("bob", file.id) is None
    assert await storage.files.get("bob", file.id) is None


async def test_the_head_is_the_first_4_kb(storage: EmbeddedStorage) -> None:
    upload = storage.files.receive("ann", "a", FileLimits(10_000, 1, 10_000))
    for piece in (b"a" * 4000, b"b" * 90, b"c" * 4000):
        await upload.write(piece)
    assert upload.head == b"a" * 4000 + b"b" * 90 + b"c" * 6
    await upload.discard()


async def test_the_same_content_is_stored_once_for_each_user(storage: EmbeddedStorage, tmp_path: Path) -> None:
    first = await put(storage, b"same", name="first.txt")
    assert await put(storage, b"same", name="second.txt") == first
    assert (await put(storage, b"same", userid="bob")).id != first.id
    assert on_disk(tmp_path) == [b"same", b"same"]


async def test_the_same_content_at_once_is_stored_once(storage: EmbeddedStorage, tmp_path: Path) -> None:
    files = await asyncio.gather(*(put(storage, b"same", name=f"{number}.txt") for number in range(8)))
    assert len({file.id for file in files}) == 1
    assert on_disk(tmp_path) == [b"same"]


async def test_the_same_content_needs_no_room(storage: EmbeddedStorage) -> None:
    full = FileLimits(1000, 1, 4)
    file = await put(storage, b"same", limits=full)
    assert await put(storage, b"same", limits=full) == file
    assert (await put(storage, b"more", limits=full)).status == "failed"


async def test_what_has_failed_is_queued_again_under_the_new_name(storage: EmbeddedStorage, tmp_path: Path) -> None:
    file = await put(storage, b"bad", name="old.txt")
    assert await claimed(storage) == "bad"
    await storage.file_queue.fail(file.id, "It is broken.")
    failed = await storage.files.get("ann", file.id)
    assert failed is not None
    assert (failed.status, failed.error) == ("failed", "It is broken.")
    assert on_disk(tmp_path) == []
    assert await storage.files.content("ann", file.id) is None
    again = await put(storage, b"bad", name="new.txt")
    assert (again.id, again.name, again.status, again.error) == (file.id, "new.txt", "queued", None)
    assert await claimed(storage) == "bad"


async def test_too_large_a_file_fails_and_leaves_nothing(storage: EmbeddedStorage, tmp_path: Path) -> None:
    assert (await put(storage, b"x" * 1000)).status == "queued"
    file = await put(storage, b"y" * 1001)
    assert (file.status, file.error, file.size) == ("failed", "The file is larger than 1000 bytes.", 1001)
    assert await storage.files.get("ann", file.id) == file
    assert on_disk(tmp_path) == [b"x" * 1000]


async def test_a_quota_of_files_is_kept_by_uploads_to_two_processes(
    storage: EmbeddedStorage, other: EmbeddedStorage, tmp_path: Path
) -> None:
    limits = FileLimits(1000, 3, 100_000)
    files = await asyncio.gather(
        *(put(one, f"{number}".encode(), limits=limits) for number, one in enumerate([storage, other] * 5))
    )
    assert sorted(file.status for file in files) == ["failed"] * 7 + ["queued"] * 3
    assert {file.error for file in files} == {
        None,
        "Your storage is full: each user may keep 3 files and 97.66 kB in total. Delete some and try again.",
    }
    assert len(on_disk(tmp_path)) == 3
    assert (await put(storage, b"b", userid="bob", limits=limits)).status == "queued"


async def test_a_quota_of_bytes_is_kept_by_uploads_side_by_side(storage: EmbeddedStorage, tmp_path: Path) -> None:
    limits = FileLimits(1000, 100, 2500)
    files = await asyncio.gather(*(put(storage, bytes([number]) * 1000, limits=limits) for number in range(8)))
    assert [file.status for file in files].count("queued") <= 2
    assert sum(map(len, on_disk(tmp_path))) <= 2500
    # Nothing of those that were refused counts any more.
    kept = [file.status for file in files].count("queued")
    for number in range(kept, 2):
        assert (await put(storage, bytes([100 + number]) * 1000, limits=limits)).status == "queued"
    assert (await put(storage, b"z" * 500, limits=limits)).status == "queued"
    assert (await put(storage, b"z", limits=limits)).status == "failed"


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


async def test_the_rows_of_what_was_refused_are_few(storage: EmbeddedStorage) -> None:
    kept = await put(storage, b"kept")
    others = await storage.files.receive("bob", "b", ROOMY).refuse("No.")
    for number in range(105):
        await storage.files.receive("ann", f"{number}", ROOMY).refuse("No.")
    listed = await storage.files.listing("ann")
    assert [file.name for file in listed] == [*(str(number) for number in range(104, 4, -1)), kept.name]
    assert await storage.files.listing("bob") == [others]


async def test_a_discarded_file_leaves_nothing_and_a_kept_one_stays(storage: EmbeddedStorage, tmp_path: Path) -> None:
    upload = storage.files.receive("ann", "a.txt", ROOMY)
    await upload.write(b"gone")
    await upload.discard()
    kept = storage.files.receive("ann", "b.txt", ROOMY)
    await kept.write(b"kept")
    await kept.finish("text", "text/plain")
    await kept.discard()
    assert on_disk(tmp_path) == [b"kept"]
    assert [file.name for file in await storage.files.listing("ann")] == ["b.txt"]


async def test_an_upload_that_is_cancelled_while_it_writes_leaves_nothing(
    storage: EmbeddedStorage, tmp_path: Path
) -> None:
    async def upload() -> None:
        upload = storage.files.receive("ann", "a.txt", FileLimits(10**9, 1, 10**9))
        try:
            # Its thread hashes for a while before it opens the file.
            await upload.write(bytes(10**8))
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


async def test_users_take_turns_and_each_ones_oldest_is_first(storage: EmbeddedStorage) -> None:
    for userid, content in (("ann", b"a1"), ("ann", b"a2"), ("ann", b"a3"), ("bob", b"b1"), ("bob", b"b2")):
        await put(storage, content, userid=userid)
    order = []
    for _ in range(5):
        order.append(await claimed(storage))
        # Whose turn it was is told in milliseconds.
        await asyncio.sleep(0.002)
    assert order == ["a1", "b1", "a2", "b2", "a3"]
    assert await storage.file_queue.claim() is None


async def test_a_file_is_claimed_by_one_process_and_passes_on_when_that_one_dies(
    storage: EmbeddedStorage, other: EmbeddedStorage
) -> None:
    file = await put(storage, b"work")
    claims = await asyncio.gather(*(one.file_queue.claim() for one in (storage, other, storage, other)))
    (work,) = [one for one in claims if one]
    assert (work.id, work.userid, work.name, work.kind) == (file.id, "ann", "a.txt", "text")
    holder, heir = (storage, other) if claims[0] or claims[2] else (other, storage)
    assert await holder.file_queue.progress(file.id, "embedding", 3, 9)
    assert not await heir.file_queue.progress(file.id, "embedding", 4, 9)
    assert not await heir.file_queue.ready(file.id, 9)
    told = await heir.files.get("ann", file.id)
    assert told is not None
    assert (told.status, told.done, told.total) == ("embedding", 3, 9)
    # As the kernel drops the lock of a dead process.
    holder.liveness.close()
    assert await claimed(heir) == "work"
    assert not await holder.file_queue.progress(file.id, "embedding", 4, 9)
    assert await heir.file_queue.ready(file.id, 9)
    ready = await heir.files.get("ann", file.id)
    assert ready is not None
    assert (ready.status, ready.done, ready.total) == ("ready", 9, 9)


async def test_what_a_process_holds_is_put_back_at_its_end(storage: EmbeddedStorage) -> None:
    await put(storage, b"work")
    await claimed(storage)
    await storage.file_queue.release()
    assert [file.status for file in await storage.files.listing("ann")] == ["queued"]
    assert await claimed(storage) == "work"


async def test_a_hidden_file_is_nothing_to_anybody(storage: EmbeddedStorage, tmp_path: Path) -> None:
    file = await put(storage, b"gone")
    await claimed(storage)
    assert not await storage.files.hide("bob", file.id)
    assert await storage.files.hide("ann", file.id)
    assert not await storage.files.hide("ann", file.id)
    assert not await storage.file_queue.progress(file.id, "embedding", 1, 2)
    assert not await storage.file_queue.ready(file.id, 2)
    await storage.file_queue.fail(file.id, "No.")
    await storage.file_queue.release()
    assert await storage.file_queue.claim() is None
    assert await storage.files.get("ann", file.id) is None
    assert await storage.files.content("ann", file.id) is None
    assert await storage.files.listing("ann") == []
    assert await storage.files.missing("ann", [file.id]) == [file.id]
    # The content may come again before the deletion has ended.
    again = await put(storage, b"gone")
    assert again.id != file.id
    assert await storage.files.hidden() == [("ann", file.id)]
    await storage.files.forget(file.id)
    await storage.files.forget(again.id)
    assert await storage.files.hidden() == []
    assert on_disk(tmp_path) == [b"gone"]
    assert await storage.files.listing("ann") == [again]


async def test_only_ready_files_of_the_user_are_searched(storage: EmbeddedStorage) -> None:
    assert not await storage.files.has_ready("ann", None)
    ready = await put(storage, b"ready")
    waiting = await put(storage, b"waiting")
    theirs = await put(storage, b"theirs", userid="bob")
    await claimed(storage)
    assert not await storage.files.has_ready("ann", None)
    assert await storage.file_queue.ready(ready.id, 1)
    ids = [theirs.id, "nobodys", waiting.id, ready.id]
    assert await storage.files.has_ready("ann", None)
    assert await storage.files.has_ready("ann", ids)
    assert not await storage.files.has_ready("ann", ids[:3])
    assert not await storage.files.has_ready("ann", [])
    assert not await storage.files.has_ready("bob", None)
    assert list(await storage.files.named("ann", ids)) == [ready.id]
    assert await storage.files.missing("ann", ids) == [theirs.id, "nobodys"]


async def test_what_dead_processes_were_receiving_is_removed(
    storage: EmbeddedStorage, other: EmbeddedStorage, tmp_path: Path
) -> None:
    kept = await put(other, b"kept by the dead")
    for one, content in ((other, b"part of the dead"), (storage, b"part of the living")):
        upload = one.files.receive("ann", "part.txt", ROOMY)
        await upload.write(content)
        await upload.end()
    # As the kernel drops the lock of a dead process.
    other.liveness.close()
    await storage.files.clean()
    assert on_disk(tmp_path) == [b"kept by the dead", b"part of the living"]
    assert await storage.files.listing("ann") == [kept]
