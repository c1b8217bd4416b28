"""Files: received within limits, seen by their owners alone, and deleted in two steps."""

from __future__ import annotations

import asyncio

import pytest

from mockbackend.storage import FileLimits, Storage
from tests.storage.contract.engines import Engine
from tests.storage.contract.files import ROOMY, claimed, made_ready, put

MANY = bytes(range(256)) * 4096


async def content_of(storage: Storage, file_id: str, start: int = 0, end: int | None = None) -> bytes:
    found = await storage.files.content("ann", file_id)
    assert found is not None
    assert found[0] == await storage.files.get("ann", file_id)
    assert found[1].size == found[0].size
    return b"".join([piece async for piece in found[1].pieces(start, end)])


async def test_what_was_written_is_what_is_kept(storage: Storage, other: Storage) -> None:
    content = bytes(range(256)) * 3
    file = await put(storage, content, name="né \0.txt")
    assert file.name in ("né \0.txt", "né \ufffd.txt")
    assert (file.size, file.status, file.media_type, file.error) == (768, "queued", "text/plain", None)
    assert await content_of(other, file.id) == content
    assert await other.files.listing("ann") == [file]
    assert await other.files.get("ann", file.id) == file


async def test_any_range_of_a_file_is_read(storage: Storage) -> None:
    upload = storage.files.receive("ann", "a", FileLimits(2**21, 1, 2**21))
    await upload.write(MANY)
    await upload.end()
    file = await upload.finish("text", "text/plain")
    for start, end in ((0, None), (5, 10), (0, 0), (2**18 - 1, 2**18 + 1), (2**20 - 3, None)):
        assert await content_of(storage, file.id, start, end) == MANY[start:end], (start, end)


async def test_an_empty_file_is_one(storage: Storage) -> None:
    file = await put(storage, b"")
    assert (file.size, file.status) == (0, "queued")
    assert await content_of(storage, file.id) == b""
    assert await claimed(storage) == ""


async def test_a_file_is_its_owners_alone(storage: Storage) -> None:
    file = await made_ready(storage, "ann")
    assert await storage.files.content("bob", file.id) is None
    assert await storage.files.get("bob", file.id) is None
    assert await storage.files.listing("bob") == []
    assert await storage.files.named("bob", [file.id]) == {}
    assert await storage.files.unready("bob", [file.id], 10) == []
    assert not await storage.files.hide("bob", file.id)
    assert await storage.files.get("ann", file.id) == file


async def test_the_newest_is_listed_first(storage: Storage, other: Storage) -> None:
    files = [await put(one, b"%d" % number) for number, one in enumerate([storage, other] * 4)]
    assert await other.files.listing("ann") == files[::-1]


async def test_the_head_is_the_first_4_kb(storage: Storage) -> None:
    upload = storage.files.receive("ann", "a", FileLimits(10_000, 1, 10_000))
    for piece in (b"a" * 4000, b"b" * 90, b"c" * 4000):
        await upload.write(piece)
    assert upload.head == b"a" * 4000 + b"b" * 90 + b"c" * 6
    assert (upload.name, upload.size) == ("a", 8090)
    await upload.discard()


async def test_the_same_content_is_stored_once_for_each_user(storage: Storage) -> None:
    first = await put(storage, b"same", name="first.txt")
    assert await put(storage, b"same", name="second.txt") == first
    theirs = await put(storage, b"same", userid="bob")
    assert theirs.id != first.id
    assert await storage.files.listing("ann") == [first]


async def test_the_same_content_at_once_is_stored_once(storage: Storage, other: Storage) -> None:
    uploads = (put(one, b"same", name=f"{number}.txt") for number, one in enumerate([storage, other] * 4))
    files = await asyncio.gather(*uploads)
    assert len({file.id for file in files}) == 1
    assert len(await storage.files.listing("ann")) == 1


async def test_the_same_content_needs_no_room(storage: Storage) -> None:
    full = FileLimits(1000, 1, 4)
    file = await put(storage, b"same", limits=full)
    assert await put(storage, b"same", limits=full) == file
    assert (await put(storage, b"more", limits=full)).status == "failed"


async def test_what_has_failed_is_queued_again_under_the_new_name(storage: Storage) -> None:
    file = await put(storage, b"bad", name="old.txt")
    assert await claimed(storage) == "bad"
    assert await storage.file_queue.progress(file.id, "embedding", 3, 9)
    await storage.file_queue.fail(file.id, "It is broken.")
    failed = await storage.files.get("ann", file.id)
    assert failed is not None
    assert (failed.status, failed.error) == ("failed", "It is broken.")
    assert await storage.files.content("ann", file.id) is None
    again = await put(storage, b"bad", name="new.txt")
    assert (again.id, again.name, again.status, again.error) == (file.id, "new.txt", "queued", None)
    assert (again.done, again.total) == (0, 0)
    assert await claimed(storage) == "bad"


async def test_what_has_failed_needs_room_to_be_queued_again(storage: Storage) -> None:
    file = await put(storage, b"bad")
    assert await claimed(storage) == "bad"
    await storage.file_queue.fail(file.id, "It is damaged.")
    await put(storage, b"more")
    refused = await put(storage, b"bad", limits=FileLimits(1000, 1, 1000))
    assert refused.id != file.id
    assert refused.error is not None
    assert "full" in refused.error


async def test_too_large_a_file_fails(storage: Storage) -> None:
    assert (await put(storage, b"x" * 1000)).status == "queued"
    file = await put(storage, b"y" * 1001)
    words = "The file is larger than 1000 bytes (MAX_FILE_BYTES)."
    assert (file.status, file.error, file.size) == ("failed", words, 1001)
    assert await storage.files.get("ann", file.id) == file
    assert await storage.files.content("ann", file.id) is None


async def test_a_file_is_refused_for_the_first_reason(storage: Storage) -> None:
    upload = storage.files.receive("ann", "a.txt", ROOMY)
    await upload.write(b"12")
    await upload.give_up("It is not wanted.")
    await upload.write(b"345")
    await upload.end()
    refused = await upload.refuse("It is empty.")
    assert (refused.error, refused.status, refused.size, refused.name) == ("It is not wanted.", "failed", 5, "a.txt")
    given_up = storage.files.receive("ann", "b.txt", ROOMY)
    await given_up.give_up("It is too late.")
    await given_up.end()
    finished = await given_up.finish("text", "text/plain")
    assert (finished.error, finished.status) == ("It is too late.", "failed")
    plain = await storage.files.receive("ann", "c.txt", ROOMY).refuse("It is empty.")
    assert plain.error == "It is empty."
    assert await storage.files.listing("ann") == [plain, finished, refused]


async def test_a_quota_of_files_is_kept_by_uploads_to_two_processes(storage: Storage, other: Storage) -> None:
    limits = FileLimits(1000, 3, 100_000)
    files = await asyncio.gather(
        *(put(one, f"{number}".encode(), limits=limits) for number, one in enumerate([storage, other] * 5))
    )
    assert sorted(file.status for file in files) == ["failed"] * 7 + ["queued"] * 3
    assert {file.error for file in files} == {
        None,
        "Your storage is full: you may keep 3 documents (MAX_FILES_PER_USER), and 97.66 kB of documents and images "
        "together (MAX_USER_BYTES). Delete some and try again.",
    }
    assert (await put(storage, b"b", userid="bob", limits=limits)).status == "queued"


async def test_a_quota_of_bytes_is_kept_by_uploads_side_by_side(storage: Storage) -> None:
    limits = FileLimits(1000, 100, 2500)
    files = await asyncio.gather(*(put(storage, bytes([number]) * 1000, limits=limits) for number in range(8)))
    kept = [file.status for file in files].count("queued")
    assert kept <= 2
    # Nothing of those that were refused counts any more.
    for number in range(kept, 2):
        assert (await put(storage, bytes([100 + number]) * 1000, limits=limits)).status == "queued"
    assert (await put(storage, b"z" * 500, limits=limits)).status == "queued"
    assert (await put(storage, b"z", limits=limits)).status == "failed"


async def test_a_deletion_makes_room(storage: Storage) -> None:
    limits = FileLimits(1000, 1, 1000)
    file = await put(storage, b"one", limits=limits)
    assert (await put(storage, b"two", limits=limits)).status == "failed"
    await storage.files.hide("ann", file.id)
    assert (await put(storage, b"two", limits=limits)).status == "queued"


async def test_the_rows_of_what_was_refused_are_few(storage: Storage) -> None:
    kept = await put(storage, b"kept")
    others = await storage.files.receive("bob", "b", ROOMY).refuse("No.")
    for number in range(105):
        await storage.files.receive("ann", f"{number}", ROOMY).refuse("No.")
    listed = await storage.files.listing("ann")
    assert [file.name for file in listed] == [*(str(number) for number in range(104, 4, -1)), kept.name]
    assert await storage.files.listing("bob") == [others]
    # What fails later counts as well.
    assert await claimed(storage) == "kept"
    await storage.file_queue.fail(kept.id, "It is damaged.")
    assert len(await storage.files.listing("ann")) == 100


async def test_a_discarded_file_leaves_nothing_and_a_kept_one_stays(storage: Storage) -> None:
    upload = storage.files.receive("ann", "a.txt", ROOMY)
    await upload.write(b"gone")
    await upload.discard()
    await upload.discard()
    upload = storage.files.receive("ann", "b.txt", ROOMY)
    await upload.write(b"kept")
    kept = await upload.finish("text", "text/plain")
    await upload.discard()
    assert await storage.files.listing("ann") == [kept]
    assert await content_of(storage, kept.id) == b"kept"


async def test_a_hidden_file_is_nothing_to_anybody(storage: Storage, other: Storage) -> None:
    file = await put(storage, b"gone")
    assert await storage.files.hide("ann", file.id)
    assert not await other.files.hide("ann", file.id)
    assert await other.files.get("ann", file.id) is None
    assert await other.files.content("ann", file.id) is None
    assert await other.files.listing("ann") == []
    assert await other.files.named("ann", [file.id]) == {}
    assert await other.file_queue.claim() is None
    # The content may come again before the deletion has ended.
    again = await put(storage, b"gone")
    assert again.id != file.id
    assert await other.files.hidden() == [("ann", file.id)]
    for one in (storage, other):
        await one.files.forget(file.id)
        await one.files.forget(again.id)
    assert await storage.files.hidden() == []
    assert await storage.files.listing("ann") == [again]
    assert await content_of(storage, again.id) == b"gone"


async def test_a_deletion_that_a_crash_cut_is_ended_by_another_process(
    engine: Engine, storage: Storage, other: Storage
) -> None:
    file = await made_ready(storage, "ann")
    await storage.files.hide("ann", file.id)
    await engine.crash(storage)
    assert await other.files.hidden() == [("ann", file.id)]
    assert await other.files.named("ann", [file.id]) == {}
    await other.files.forget(file.id)
    assert await other.files.hidden() == []


async def test_only_ready_files_of_the_user_are_searched(storage: Storage, other: Storage) -> None:
    ready = await put(storage, b"ready")
    waiting = await put(storage, b"waiting")
    theirs = await put(storage, b"theirs", userid="bob")
    await claimed(storage)
    assert {file.id for file in await other.files.unready("ann", None, 10)} == {ready.id, waiting.id}
    assert await storage.file_queue.ready(ready.id, 1)
    ids = [theirs.id, "nobodys", waiting.id, ready.id]
    for named in (None, ids, [waiting.id]):
        assert await other.files.unready("ann", named, 10) == [waiting]
    for named in ([], [ready.id], [theirs.id]):
        assert await other.files.unready("ann", named, 10) == []
    read = await storage.files.get("ann", ready.id)
    assert await other.files.named("ann", ids) == {ready.id: read, waiting.id: waiting}
    await storage.files.hide("ann", ready.id)
    assert await other.files.named("ann", ids) == {waiting.id: waiting}


async def test_the_newest_of_the_files_that_are_not_ready_are_named(storage: Storage, other: Storage) -> None:
    failed = await put(storage, b"0")
    await claimed(storage)
    await storage.file_queue.fail(failed.id, "It is a scan.")
    waiting = [await put(storage, b"%d" % number) for number in (1, 2)]
    found = await other.files.unready("ann", None, 10)
    assert [file.id for file in found] == [waiting[1].id, waiting[0].id, failed.id]
    assert (found[2].status, found[2].error) == ("failed", "It is a scan.")
    assert await other.files.unready("ann", None, 2) == found[:2]
    await storage.files.hide("ann", waiting[1].id)
    assert await other.files.unready("ann", None, 2) == found[1:]


async def test_what_dead_processes_were_receiving_is_removed_and_what_they_stored_stays(
    engine: Engine, storage: Storage, other: Storage
) -> None:
    kept = await put(other, b"kept by the dead")
    dead, alive = [one.files.receive("ann", "part.txt", ROOMY) for one in (other, storage)]
    for upload in (dead, alive):
        await upload.write(b"part of " + upload.name.encode())
        await upload.end()
    await engine.crash(other)
    await storage.files.clean()
    assert await storage.files.listing("ann") == [kept]
    assert await content_of(storage, kept.id) == b"kept by the dead"
    finished = await alive.finish("text", "text/plain")
    assert await content_of(storage, finished.id) == b"part of part.txt"


async def test_the_content_of_a_file_that_is_deleted_meanwhile_is_gone(storage: Storage) -> None:
    file = await put(storage, b"gone")
    found = await storage.files.content("ann", file.id)
    assert found is not None
    await storage.files.hide("ann", file.id)
    await storage.files.forget(file.id)
    with pytest.raises(FileNotFoundError):
        async for _ in found[1].pieces():
            pass
