"""The values that storage takes and gives. No engine shows in them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ..messages import Message
from .exchanges import Exchange
from .spending import DAY_MS, Spent

Status = Literal["queued", "extracting", "embedding", "ready", "failed"]
# No conversation can have it: a path ends there. A probe reads it.
NO_ID = "/"
# An owner of a turn that is not a process.
NOBODY = "nobody"


class TooManyTurns(Exception):
    """The user has as many running answers as one may have; nothing was stored."""


class TooManyConversations(Exception):
    """The user has as many conversations as one may have; nothing was stored."""


class QuotaExceeded(Exception):
    """The user's documents and images would take more bytes than they may; nothing was stored."""


class DamagedHistory(Exception):
    """The stored messages of a conversation cannot be read. They stay as they are until it is deleted."""


class HistoryChanged(Exception):
    """Some of the messages that were still to be read have been replaced."""

    def __init__(self) -> None:
        super().__init__("some of its messages were replaced while it was read")


class StorageError(Exception):
    """The storage cannot be read or written: a disk is full or read-only, a file is damaged or gone.

    Nothing was stored. The message is for the log.
    """


class OlderVersion(Exception):
    """An older version has written the data, which was to be left as it is. The message says how far it is."""

    def __init__(self, taken: int, known: int) -> None:
        super().__init__(f"an older version of this service has written it: {taken} of {known} migrations")


class DiskFull(StorageError):
    """There is no room for what is to be stored."""


def traceback_of(error: Exception) -> Exception | None:
    """What a log line of this error has besides its message: no traceback if it is the disk's fault."""
    return None if isinstance(error, StorageError | DamagedHistory) else error


class TakenOver(Exception):
    """The turn is another process's by now, which settles it; nothing was stored."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to try: `run` says how it is, or raises. With `needed` nothing else can work if it fails."""

    name: str
    run: Callable[[], Awaitable[str]]
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation's row; times are integer milliseconds. `version` counts the changes of its history.

    `is_waiting`: the last message has calls that wait for its user's client.
    """

    id: str
    title: str
    is_pinned: bool
    created_at: int
    updated_at: int
    message_count: int
    version: int
    is_waiting: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of the listing ends: the sort key of its last row."""

    is_pinned: bool
    updated_at: int
    id: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn as it is stored: the history will be its first `base_length` messages, `new_messages`, and the answer.

    `message_id` is the answer's, `started_at` integer milliseconds. A turn that goes on with an answer that waited has
    an `opening`: the log (`events.dump`'s) of what the answer had said, and of what its client has sent since, with
    which the turn's log begins. `turns` is for how many turns of the day it counts. Only the claim reads these two.
    """

    userid: str
    conversation_id: str
    turn_id: str
    message_id: str
    started_at: int
    framing: str
    base_length: int
    new_messages: list[Message]
    opening: bytes = b""
    turns: int = 1

    @property
    def day(self) -> int:
        """The day (UTC) in which it began, counted from 1970."""
        return self.started_at // DAY_MS


@dataclass(frozen=True, slots=True)
class RunningTurn:
    """A turn that is not over, with what its owner has written of it.

    `is_ours`: this process claimed it. `is_alive`: the process that claimed it still runs. `log` is `events.dump`'s.
    """

    turn: Turn
    log: bytes
    spent: Spent
    stop_requested: bool
    is_ours: bool
    is_alive: bool


@dataclass(frozen=True, slots=True)
class FollowedTurn:
    """A turn as one who follows it sees it. `log` is `events.dump`'s, and final once the turn is over.

    `is_elsewhere`: another process runs it, and that process lives.
    """

    log: bytes
    is_over: bool
    is_elsewhere: bool


@dataclass(frozen=True, slots=True)
class Beat:
    """The ids of this process's turns that somebody asked to stop, and of those that others follow.

    `lapsed`: the ids of those that others may have taken over, since this process did not prove that it lives.
    """

    to_stop: list[str]
    followed: list[str]
    lapsed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A turn that has its row. `base` is the history before it, empty if it was not asked for.

    `exchanges` are there in its place where a window was asked for and they are known. `has_documents` says whether its
    user has files, ready or not.
    """

    turn: Turn
    base: list[Message]
    has_documents: bool
    exchanges: list[Exchange] | None = None


class Claimed(NamedTuple):
    """A claim, and what undoes it: whether its conversation was made for it, or the title that it replaced."""

    turn: Turn
    is_new: bool = False
    title: str | None = None


# What a damaged row must not say of the bytes that a browser is given.
IMAGE_TYPE = re.compile(r"image/[\w.+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Image:
    """A stored image: its bytes and their media type."""

    media_type: str
    content: bytes


class Blob(Protocol):
    """The bytes of a stored file."""

    @property
    def size(self) -> int:
        """How many there are."""

    def pieces(self, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """The bytes from `start` up to `end`, a piece at a time. FileNotFoundError where they are gone.

        A negative place is the first.
        """

    def local_file(self) -> AbstractAsyncContextManager[Path]:
        """A file of this machine that holds them for as long as the context lasts; it must not be changed."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as its owner sees it. `size` is in bytes, `created_at` in integer milliseconds.

    `done` of `total` is how far its indexing is. `error` says in words for people why it failed, `notice` what was left
    out of a file that has not.
    """

    id: str
    name: str
    status: Status
    done: int
    total: int
    error: str | None
    size: int
    media_type: str
    created_at: int
    notice: str | None


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What one file and all files of one user may take; bytes, but for the number of files.

    The user's images count for `user_bytes` as well.
    """

    file_bytes: int
    user_files: int
    user_bytes: int


@dataclass(frozen=True, slots=True)
class IndexingJob:
    """A file that this process is to index."""

    id: str
    userid: str
    name: str
    kind: str
    blob: Blob
