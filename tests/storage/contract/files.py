"""Files as a route receives them, and as an indexer takes them from the queue."""

from __future__ import annotations

from mockbackend.storage import File, FileLimits, Storage

ROOMY = FileLimits(file_bytes=1000, user_files=100, user_bytes=100_000)


async def put(
    storage: Storage, content: bytes, *, userid: str = "ann", name: str = "a.txt", limits: FileLimits = ROOMY
) -> File:
    """Receive a file as a route does."""
    upload = storage.files.receive(userid, name, limits)
    # In parts, as it comes.
    part = max(64, len(content) // 64)
    for at in range(0, len(content), part):
        await upload.write(content[at : at + part])
    await upload.end()
    return await upload.finish("text", "text/plain")


async def claimed(storage: Storage) -> str:
    """The content of the file that is claimed next."""
    work = await storage.file_queue.claim()
    assert work is not None
    async with work.blob.local_file() as path:
        return path.read_text()


async def made_ready(storage: Storage, userid: str, content: bytes = b"ready") -> File:
    """A file of the user's that can be searched; no other may wait in the queue."""
    file = await put(storage, content, userid=userid)
    await claimed(storage)
    assert await storage.file_queue.ready(file.id, 1)
    ready = await storage.files.get(userid, file.id)
    assert ready is not None
    return ready
