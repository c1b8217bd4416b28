"""The contract for files: what users upload, and the queue of those that wait to be indexed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from .values import Blob, File, FileLimits, IndexingJob, Status

# A file of 1 MB lets smaller ones go first that come within 20 seconds after it.
BYTES_PER_MS = 50
# More than any file has.
MAX_BYTES = 2**62
# Longer than any name of copies.
MAX_NAME = 2**30


def compared(copied_as: str) -> tuple[int, str]:
    """How many characters of the names of copies are compared with this name, and the name."""
    return (len(copied_as) if copied_as.endswith(" ") else MAX_NAME), copied_as


class Upload(Protocol):
    """One file on its way in: `write` it all, `end` it, then `finish` or `refuse` it."""

    name: str
    size: int
    head: bytes

    async def write(self, data: bytes) -> None:
        """Store the next bytes. Once the file is going to be refused, they are only counted."""

    async def end(self) -> None:
        """Close the file: no more bytes follow, and other uploads may take their time."""

    async def give_up(self, reason: str) -> None:
        """Refuse the file later, for this reason, and drop its bytes now."""

    async def finish(self, kind: str, media_type: str) -> File:
        """Store it and queue it for indexing; the row of the user's file with the same content, if there is one."""

    async def refuse(self, reason: str) -> File:
        """Write a failed row without content; the reason of `give_up` comes first."""

    async def discard(self) -> None:
        """Drop the upload. Does nothing once it is stored."""


class Files(Protocol):
    """The files as their owners see them."""

    def receive(self, userid: str, name: str, limits: FileLimits) -> Upload:
        """Begin to receive a file for the user."""

    async def listing(self, userid: str) -> list[File]:
        """All of the user's files, newest first. Their number is limited."""

    async def get(self, userid: str, file_id: str) -> File | None:
        """The user's file of that id."""

    async def content(self, userid: str, file_id: str) -> tuple[File, Blob] | None:
        """The user's file and its bytes. None if there is no such file, or if it has failed."""

    async def unready(self, userid: str, file_ids: Sequence[str] | None, limit: int) -> list[File]:
        """The user's newest files that cannot be searched, of `file_ids` if given: not indexed yet, or failed."""

    async def named(self, userid: str, file_ids: Sequence[str]) -> dict[str, File]:
        """The user's files among `file_ids`, by id."""

    async def hide(self, userid: str, file_id: str) -> bool:
        """Begin a deletion: from now on nobody sees the file. False if the user has no such file."""

    async def hidden(self) -> list[tuple[str, str]]:
        """Owner and id of the files whose deletion has begun but not ended."""

    async def empty(self, file_id: str) -> None:
        """Delete the content of a hidden file."""

    async def forget(self, file_id: str) -> None:
        """End a deletion: the last step, once everything else of the file is gone."""

    async def clean(self) -> None:
        """Delete the content that dead processes left behind and no row names."""


class Queue(Protocol):
    """The files that wait to be indexed, as this process sees them. A hidden file is no work."""

    async def claim(self, busy: Collection[str] = (), largest: int = MAX_BYTES) -> IndexingJob | None:
        """Claim a file of the user who was served least recently: of that user's, the one that is due first.

        A file is due the later after its upload the larger it is, by BYTES_PER_MS, so small ones overtake a large one,
        but not for ever. Files of `busy` users, and those of more than `largest` bytes, are passed over. None if no
        other waits.
        """

    async def claim_outdated(self, copied_as: str) -> IndexingJob | None:
        """Claim a ready file whose copies in another index are not called `copied_as`. It stays ready.

        A name that ends in a space, that of an index without an embedding model, stands for copies of any model.
        """

    async def outdated(self, copied_as: str) -> int:
        """How many ready files have no copies that are called so."""

    async def progress(self, file_id: str, status: Status, done: int, total: int) -> bool:
        """Store the progress of a claimed file. False if the file was hidden in the meantime."""

    async def notice(self, file_id: str, words: str | None) -> None:
        """Store on a claimed file what was left out of it, in words for its owner; None for nothing."""

    async def ready(self, file_id: str, total: int, copied_as: str = "") -> bool:
        """Mark a claimed file as indexed, with `total` passages. False if it was hidden in the meantime.

        `copied_as` names the copies that another index has of them.
        """

    async def fail(self, file_id: str, error: str) -> None:
        """Mark a claimed file as failed, with a reason for the user, and delete its content."""

    async def waiting(self) -> dict[Status, int]:
        """How many files of all users are not indexed yet, by status."""

    async def give_back(self, file_id: str) -> None:
        """Return a claimed file as it was: to the queue, or to the ready ones."""

    async def release(self) -> None:
        """Return the files that this process has claimed."""
