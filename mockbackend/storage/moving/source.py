"""What a data folder holds: its conversations and documents one by one, each as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from ...messages import Message, text_of
from ..embedded import EmbeddedStorage
from ..embedded.sqlite import integer, text
from ..passages import Passage
from ..spending import Spent
from ..values import Blob, Conversation, DamagedHistory, File, StorageError

_CONVERSATIONS = """SELECT id, userid, title, is_pinned, created_at, updated_at, message_count, version,
    is_waiting FROM conversations WHERE deleted_at IS NULL ORDER BY created_at, id"""
_IMAGES = """SELECT token, userid, media_type, created_at, size FROM pictures
    WHERE conversation_id = ? AND maker IS NULL ORDER BY created_at, token"""
# In the order in which they came, which breaks ties in listings.
_FILES = """SELECT id, userid, kind, digest, blob IS NOT NULL, copied_as FROM files
    WHERE deleted_at IS NULL ORDER BY rowid"""
_USAGE = (
    "SELECT userid, day, turns, input_tokens, output_tokens, images, embedding_tokens FROM usage ORDER BY userid, day"
)
_PASSAGES_AT_ONCE = 500


class Unreadable(Exception):
    """A part of the folder that is damaged. The message says what is lost."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """A settled image of a conversation, without its bytes."""

    token: str
    userid: str
    media_type: str
    created_at: int
    size: int


@dataclass(frozen=True, slots=True)
class FileRow:
    """A document's row, beyond what its owner sees."""

    id: str
    userid: str
    kind: str
    digest: bytes | None
    has_content: bool
    copied_as: str


class Source:
    """An open data folder."""

    def __init__(self, storage: EmbeddedStorage) -> None:
        self.storage = storage
        self._database = storage.databases[0]
        self._published: dict[str, frozenset[str]] = {}

    async def conversations(self) -> list[tuple[str, Conversation]]:
        """Owner and row of each conversation that is not being deleted."""
        rows = await self._database.execute(_CONVERSATIONS)
        return [(text(userid), _conversation(found, title, *rest)) for found, userid, title, *rest in rows]

    async def messages(self, row: Conversation) -> list[Message]:
        """The settled messages of a conversation. Raises Unreadable."""
        try:
            messages = await self.storage.history.read(row.id)
            # What could not be stored or searched there is damaged here.
            for message in messages:
                text_of(message)
                orjson.dumps(message)
        except (DamagedHistory, StorageError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise Unreadable(f"its messages are damaged ({type(error).__name__})") from error
        if len(messages) < row.message_count:
            raise Unreadable(f"{len(messages)} of its {row.message_count} messages are there")
        return messages

    async def images(self, conversation_id: str) -> list[ImageRow]:
        """The images that the conversation's messages hold."""
        rows = await self._database.execute(_IMAGES, conversation_id)
        return [
            ImageRow(text(token), text(userid), text(media_type), integer(at), integer(size))
            for token, userid, media_type, at, size in rows
        ]

    async def image(self, row: ImageRow) -> bytes:
        """The bytes of an image. Raises Unreadable."""
        try:
            image = await self.storage.images.get(row.token)
        except StorageError as error:
            raise Unreadable(str(error)) from error
        if image is None:
            raise Unreadable("its file is missing, or its row is damaged")
        # A size of 0 was repaired, and nobody knows it.
        if row.size not in (0, len(image.content)):
            raise Unreadable(f"{len(image.content)} bytes are there, and {row.size} were stored")
        return image.content

    async def files(self) -> list[FileRow]:
        """The rows of all documents."""
        rows = await self._database.execute(_FILES)
        return [
            FileRow(
                *(text(file_id), text(userid), text(kind)),
                digest if isinstance(digest, bytes) else None,
                bool(kept),
                text(copied_as),
            )
            for file_id, userid, kind, digest, kept, copied_as in rows
        ]

    async def file(self, row: FileRow) -> tuple[File, Blob | None]:
        """A document as its owner sees it, and its bytes unless it has failed. Raises Unreadable."""
        file = await self.storage.files.get(row.userid, row.id)
        if file is None:
            raise Unreadable("its row is damaged")
        found = await self.storage.files.content(row.userid, row.id) if row.has_content else None
        return file, found[1] if found else None

    async def passages(self, file_id: str, total: int) -> list[tuple[int, Passage, Any]]:
        """The passages of a document with their vectors; [] if another index holds them. Raises Unreadable."""
        found: list[tuple[int, Passage, Any]] = []
        try:
            while some := await self.storage.passages.read(file_id, _PASSAGES_AT_ONCE, found[-1][0] if found else -1):
                found += some
        except (StorageError, ValueError, TypeError) as error:
            raise Unreadable(f"its passages are damaged ({type(error).__name__})") from error
        if 0 < len(found) < total:
            raise Unreadable(f"{len(found)} of its {total} passages are there")
        return found

    async def model(self, file_id: str) -> str | None:
        """The embedding model that a document's vectors are of, if it is known."""
        return await self.storage.passages.model(file_id)

    async def is_published(self, row: FileRow) -> bool:
        """Whether the embedded index finds the document."""
        if row.userid not in self._published:

            def published(snapshot: Any) -> frozenset[str]:
                owner = snapshot.owner(row.userid)
                return frozenset(file.id for file in snapshot.files(owner[0])) if owner else frozenset()

            self._published[row.userid] = await self.storage.passages.read_snapshot(published)
        return row.id in self._published[row.userid]

    async def usage(self) -> list[tuple[str, int, Spent | None]]:
        """What users have spent, day by day; None where that is damaged."""
        rows = await self._database.execute(_USAGE)
        return [
            (text(userid), integer(day), Spent(*spent) if all(isinstance(one, int) for one in (day, *spent)) else None)
            for userid, day, *spent in rows
        ]

    async def login(self) -> str | None:
        """The generated login, if there is one."""
        path = self.storage.folder / "login"
        return await self.storage.login() if path.exists() else None


def _conversation(found: Any, title: Any, is_pinned: Any, *rest: Any) -> Conversation:
    *numbers, waits = rest
    created_at, updated_at, message_count, version = map(integer, numbers)
    return Conversation(
        *(text(found), text(title), bool(is_pinned), created_at, updated_at, message_count, version, bool(waits)),
    )
