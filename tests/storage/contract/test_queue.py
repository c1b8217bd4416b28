"""The queue of files: each is indexed by one process, users take turns, and what a dead one held passes on."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from mockbackend.storage import File, Storage
from mockbackend.storage.files import BYTES_PER_MS
from tests.storage.contract.engines import Engine
from tests.storage.contract.files import ROOMY, claimed, made_ready, put


async def seen(storage: Storage, file: File) -> tuple[str, int, int]:
    """Status, done and total of Ann's file."""
    found = await storage.files.get("ann", file.id)
    assert found is not None
    return found.status, found.done, found.total


async def test_users_take_turns_and_each_ones_oldest_is_first(storage: Storage, other: Storage) -> None:
    for userid, content in (("ann", b"a1"), ("ann", b"a2"), ("ann", b"a3"), ("bob", b"b1"), ("bob", b"b2")):
        await put(storage, content, userid=userid)
    order = []
    for one in (storage, other, storage, other, storage):
        order.append(await claimed(one))
        # Whose turn it was is known in milliseconds.
        await asyncio.sleep(0.002)
    assert order == ["a1", "b1", "a2", "b2", "a3"]
    assert await storage.file_queue.claim() is None


async def test_a_user_who_is_busy_is_passed_over(storage: Storage) -> None:
    for userid, content in (("ann", b"a1"), ("ann", b"a2"), ("bob", b"b1")):
        await put(storage, content, userid=userid)
    job = await storage.file_queue.claim({"ann", "somebody else"})
    assert job is not None
    assert job.userid == "bob"
    assert await storage.file_queue.claim({"ann", "bob"}) is None
    assert await claimed(storage) == "a1"


async def test_a_small_file_overtakes_a_large_one_for_a_while(storage: Storage) -> None:
    large, roomy = b"l" * 500 * BYTES_PER_MS, replace(ROOMY, file_bytes=30_000)
    for content in (large, b"s1"):
        await put(storage, content, limits=roomy)
    # The large one has stood back long enough before this one comes.
    await asyncio.sleep(0.6)
    await put(storage, b"s2")
    assert [await claimed(storage) for _ in range(3)] == ["s1", large.decode(), "s2"]


async def test_only_small_files_can_be_claimed(storage: Storage) -> None:
    for userid, content in (("ann", b"too large"), ("ann", b"small"), ("bob", b"anything at all")):
        await put(storage, content, userid=userid)
    jobs = [await storage.file_queue.claim(largest=5) for _ in range(2)]
    assert [job and job.blob.size for job in jobs] == [5, None]


async def test_what_is_queued_again_is_the_newest(storage: Storage) -> None:
    again = await put(storage, b"again")
    assert await claimed(storage) == "again"
    await storage.file_queue.fail(again.id, "It is damaged.")
    other = await put(storage, b"other")
    # What came first is known in milliseconds.
    await asyncio.sleep(0.002)
    assert (await put(storage, b"again")).id == again.id
    assert [file.id for file in await storage.files.listing("ann")] == [again.id, other.id]
    assert [await claimed(storage), await claimed(storage)] == ["other", "again"]


async def test_a_file_is_claimed_by_one_process(storage: Storage, other: Storage) -> None:
    file = await put(storage, b"work")
    claims = await asyncio.gather(*(one.file_queue.claim() for one in (storage, other, storage, other)))
    (job,) = [one for one in claims if one]
    assert (job.id, job.userid, job.name, job.kind, job.blob.size) == (file.id, "ann", "a.txt", "text", 4)
    assert await seen(storage, file) == ("extracting", 0, 0)


async def test_many_files_are_claimed_once_each(storage: Storage, other: Storage) -> None:
    files = [await put(storage, b"%d" % number) for number in range(12)]
    claims = await asyncio.gather(*(one.file_queue.claim() for one in [storage, other] * 8))
    assert sorted(job.id for job in claims if job) == sorted(file.id for file in files)


async def test_its_holder_says_how_far_it_is(storage: Storage, other: Storage) -> None:
    file = await put(storage, b"work")
    assert not await storage.file_queue.progress(file.id, "embedding", 1, 2)
    assert await claimed(storage) == "work"
    assert await storage.file_queue.progress(file.id, "embedding", 3, 9)
    assert not await other.file_queue.progress(file.id, "embedding", 4, 9)
    assert not await other.file_queue.ready(file.id, 9)
    await other.file_queue.fail(file.id, "Not mine.")
    assert await seen(other, file) == ("embedding", 3, 9)
    assert await storage.file_queue.ready(file.id, 8)
    assert await seen(other, file) == ("ready", 8, 8)
    assert not await storage.file_queue.progress(file.id, "embedding", 4, 9)
    assert await storage.file_queue.claim() is None


async def test_what_a_dead_process_held_passes_on(engine: Engine, storage: Storage, other: Storage) -> None:
    file = await put(storage, b"work")
    assert await claimed(storage) == "work"
    await storage.file_queue.progress(file.id, "embedding", 3, 9)
    assert await other.file_queue.claim() is None, "its holder lives"
    await engine.crash(storage)
    assert await claimed(other) == "work"
    assert await seen(other, file) == ("extracting", 0, 0)
    assert await other.file_queue.ready(file.id, 9)
    assert await seen(other, file) == ("ready", 9, 9)


async def test_what_a_process_holds_is_put_back_at_its_end(storage: Storage, other: Storage) -> None:
    theirs = await put(storage, b"theirs")
    assert await claimed(other) == "theirs"
    file = await put(storage, b"work")
    assert await claimed(storage) == "work"
    await storage.file_queue.release()
    assert (await seen(storage, file))[0] == "queued"
    assert (await seen(storage, theirs))[0] == "extracting"
    assert not await storage.file_queue.ready(file.id, 1)
    assert await claimed(other) == "work"


async def test_a_hidden_file_is_no_work(storage: Storage, other: Storage) -> None:
    file, waiting = await put(storage, b"claimed"), await put(storage, b"waiting")
    assert await claimed(storage) == "claimed"
    for one in (file, waiting):
        await other.files.hide("ann", one.id)
    assert not await storage.file_queue.progress(file.id, "embedding", 1, 2)
    assert not await storage.file_queue.ready(file.id, 2)
    await storage.file_queue.fail(file.id, "No.")
    await storage.file_queue.release()
    assert await other.file_queue.claim() is None
    assert sorted(await other.files.hidden()) == sorted([("ann", file.id), ("ann", waiting.id)])


async def test_a_file_that_failed_says_why(storage: Storage, other: Storage) -> None:
    file = await put(storage, b"bad")
    await storage.file_queue.fail(file.id, "Not claimed.")
    assert await claimed(storage) == "bad"
    await storage.file_queue.fail(file.id, "Ein Bild ist kaputt.")
    failed = await other.files.get("ann", file.id)
    assert failed is not None
    assert (failed.status, failed.error) == ("failed", "Ein Bild ist kaputt.")
    assert await other.files.content("ann", file.id) is None
    assert await other.file_queue.claim() is None


async def test_what_waits_is_counted_by_its_status(storage: Storage, other: Storage) -> None:
    assert await storage.file_queue.waiting() == {}
    for userid, content in (("ann", b"a1"), ("ann", b"a2"), ("bob", b"b1"), ("bob", b"b2")):
        await put(storage, content, userid=userid)
    ready, embedding = await storage.file_queue.claim(), await storage.file_queue.claim()
    assert ready is not None
    assert embedding is not None
    await storage.file_queue.ready(ready.id, 1)
    await storage.file_queue.progress(embedding.id, "embedding", 0, 1)
    assert await other.file_queue.waiting() == {"embedding": 1, "queued": 2}
    assert await storage.files.hide(embedding.userid, embedding.id)
    assert await other.file_queue.waiting() == {"queued": 2}


async def test_what_was_left_out_of_a_file_is_kept_on_it(storage: Storage, other: Storage) -> None:
    file = await put(storage, b"large")
    assert file.notice is None
    await other.file_queue.notice(file.id, "Not mine.")
    await claimed(storage)
    await storage.file_queue.notice(file.id, "Some rows.")
    await storage.file_queue.ready(file.id, 1)
    ready = await other.files.get("ann", file.id)
    assert ready is not None
    assert (ready.status, ready.notice) == ("ready", "Some rows.")


async def test_a_ready_file_is_claimed_once_more_where_its_copies_are_of_another_name(
    engine: Engine, storage: Storage, other: Storage
) -> None:
    files = [await made_ready(storage, "ann", b"%d" % number) for number in range(3)]
    waiting = await put(storage, b"waiting")
    failed = await put(storage, b"failed")
    assert await claimed(storage) == "waiting"
    assert await claimed(storage) == "failed"
    await storage.file_queue.fail(failed.id, "It is damaged.")
    assert await storage.file_queue.outdated("docs small") == 3
    # Of two processes each gets another one, and they stay ready and no work that waits.
    one, two = (
        await storage.file_queue.claim_outdated("docs small"),
        await other.file_queue.claim_outdated("docs small"),
    )
    assert one is not None
    assert two is not None
    assert [one.id, two.id, one.blob.size] == [files[0].id, files[1].id, 1]
    assert [(await seen(other, file))[0] for file in files] == ["ready"] * 3
    assert await other.file_queue.waiting() == {"extracting": 1}
    assert await storage.file_queue.ready(one.id, 7, "docs small")
    assert (await seen(other, files[0]), await other.file_queue.outdated("docs small")) == (("ready", 7, 7), 2)
    # One that is given back, or was a dead process's, comes again; with other copies all do.
    await other.file_queue.give_back(two.id)
    again = await other.file_queue.claim_outdated("docs small")
    assert again is not None
    assert again.id == two.id
    assert await storage.file_queue.outdated("docs large") == 3
    await engine.crash(other)
    assert await storage.file_queue.claim() is None
    third = [await storage.file_queue.claim_outdated("docs small") for _ in range(3)]
    assert [job and job.id for job in third] == [files[1].id, files[2].id, None]
    await storage.file_queue.release()
    assert [(await seen(storage, file))[0] for file in (*files, waiting)] == ["ready"] * 3 + ["queued"]
    # A hidden one is no work.
    assert await storage.files.hide("ann", files[1].id)
    assert await storage.file_queue.outdated("docs small") == 1
