"""The move itself: what is copied, what is left as it is, and what is reported."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from .. import Storage
from ..embedded import EmbeddedStorage
from ..passages import Passage
from ..postgres import PostgresStorage
from ..spending import Spent
from ..values import Blob, Conversation, File
from .digests import content_digest, conversation_digest, file_digest
from .source import FileRow, ImageRow, Source, Unreadable
from .target import Target

# While one waits for the database, another is read.
AT_ONCE = 4
BETWEEN_REPORTS = 500
_VECTORS_AT_ONCE = 200


@dataclass(slots=True)
class Report:
    """What was done. `damaged`: what could not be read; `kept`: what the database had already, and is different there.

    `wrong`: what was read back and is not what was written. `changed`: the folder is not as it was at the beginning.
    """

    conversations: int = 0
    messages: int = 0
    images: int = 0
    files: int = 0
    before: int = 0
    login: bool = False
    changed: bool = False
    damaged: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


async def move(folder: Storage, database: Storage, say: Callable[[str], None]) -> Report:
    """Copy everything that has not been copied, and compare it. `say` is called now and then with how far it is."""
    if not isinstance(folder, EmbeddedStorage) or not isinstance(database, PostgresStorage):
        raise TypeError("what is kept in a folder moves to PostgreSQL, and to nowhere else")
    source = Source(folder)
    mover = _Mover(source, Target(database), say)
    before = await source.conversations()
    await mover.conversations(before)
    await mover.files()
    await mover.usage()
    await mover.login()
    mover.report.changed = await source.conversations() != before
    return mover.report


class _Mover:
    def __init__(self, source: Source, target: Target, say: Callable[[str], None]) -> None:
        self._source = source
        self._target = target
        self._say = say
        self.report = Report()

    async def conversations(self, rows: list[tuple[str, Conversation]]) -> None:
        copied = await self._target.copied("conversation")
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            work = (self._readable_conversation(*one, copied.get(one[1].id)) for one in some)
            # All of them end before the stores may be closed.
            for failure in await asyncio.gather(*work, return_exceptions=True):
                if failure is not None:
                    raise failure
            if (start + AT_ONCE) % BETWEEN_REPORTS == 0:
                self._say(f"{start + AT_ONCE} of {len(rows)} conversations")

    async def _readable_conversation(self, userid: str, row: Conversation, before: bytes | None) -> None:
        try:
            await self._conversation(userid, row, before)
        except Unreadable as damage:
            self.report.damaged.append(f"conversation {row.id}: {damage}")

    async def _conversation(self, userid: str, row: Conversation, before: bytes | None) -> None:
        report = self.report
        messages = await self._source.messages(row)
        images: list[tuple[ImageRow, bytes]] = []
        for image in await self._source.images(row.id):
            try:
                images.append((image, await self._source.image(image)))
            except Unreadable as damage:
                report.damaged.append(f"image {image.token} of conversation {row.id}: {damage}")
        # Fewer than there are: a damaged row, or a hand.
        row = replace(row, message_count=len(messages))
        bodies = [orjson.dumps(message) for message in messages]
        contents = [(image.token, image.media_type, image.created_at, content_digest(data)) for image, data in images]
        digest = conversation_digest(userid, row, bodies, contents)
        if before == digest:
            report.before += 1
            return
        if before is not None and await self._target.conversation_digest(row.id) != before:
            report.kept.append(f"conversation {row.id}: it went on in both places")
            return
        has_written = await self._target.put_conversation(
            userid, row, messages, images, digest, replace=before is not None
        )
        is_same = await self._target.conversation_digest(row.id) == digest
        if has_written and is_same:
            report.conversations += 1
            report.messages += len(messages)
            report.images += len(images)
        elif has_written:
            report.wrong.append(f"conversation {row.id}")
        elif is_same:
            report.before += 1
        else:
            report.kept.append(f"conversation {row.id}: the database has another of this id")

    async def files(self) -> None:
        copied = await self._target.copied("file")
        rows = await self._source.files()
        for number, row in enumerate(rows, start=1):
            if row.id in copied:
                self.report.before += 1
                continue
            try:
                await self._file(row)
            except Unreadable as damage:
                self.report.damaged.append(f"document {row.id}: {damage}")
            if number % BETWEEN_REPORTS == 0:
                self._say(f"{number} of {len(rows)} documents")

    async def _file(self, row: FileRow) -> None:
        report = self.report
        file, blob = await self._source.file(row)
        if row.has_content and file.status != "ready":
            # It is indexed there from its beginning.
            file = replace(file, status="queued", done=0, total=0)
        passages = await self._source.passages(file.id, file.total) if file.status == "ready" else []
        content = _Content(blob) if blob is not None else None
        if content is not None:
            await content.read_once()
            if content.size != file.size:
                raise Unreadable(f"{content.size} of its {file.size} bytes are there")
            if row.digest is not None and content.digest != row.digest.hex():
                raise Unreadable("its bytes are not those that were uploaded")
        model = await self._source.model(file.id) if passages else None
        digest = file_digest(row.userid, file, row.kind, content.digest if content else _NOTHING, passages, model)
        await self._index(row, file, passages, model)
        pieces = content.pieces if content is not None else None
        has_written = await self._target.put_file(row, file, pieces, digest)
        is_same = await self._target.file_digest(file.id) == digest
        if has_written and is_same:
            report.files += 1
        elif has_written:
            report.wrong.append(f"document {file.id}")
        elif is_same:
            report.before += 1
        else:
            await self._target.storage.passages.forget(file.id)
            report.kept.append(f"document {file.id}: its owner has uploaded it there as well")

    async def _index(
        self, row: FileRow, file: File, passages: list[tuple[int, Passage, Any]], model: str | None
    ) -> None:
        """Write a document's passages, before its row: without one they are not found, and are written again."""
        if not passages:
            return
        stored = self._target.storage.passages
        await stored.stage(file.id, row.userid, [passage for _, passage, _ in passages])
        if model is not None:
            await stored.embed_with(file.id, model)
        vectors = [(position, vector) for position, _, vector in passages if vector is not None]
        for start in range(0, len(vectors), _VECTORS_AT_ONCE):
            await stored.add_vectors(file.id, vectors[start : start + _VECTORS_AT_ONCE])
        if await self._source.is_published(row):
            await stored.publish(row.userid, file.id, file.name)

    async def usage(self) -> None:
        copied = await self._target.copied("usage")
        rows: list[tuple[str, int, Spent, Spent]] = []
        for userid, day, spent in await self._source.usage():
            before = Spent(*orjson.loads(copied.get(f"{day} {userid}", b"[]")))
            if spent is None:
                self.report.damaged.append(f"what {userid} spent on day {day}")
            elif spent != before:
                rows.append((userid, day, spent - before, spent))
        for start in range(0, len(rows), BETWEEN_REPORTS):
            await self._target.add_usage(rows[start : start + BETWEEN_REPORTS])

    async def login(self) -> None:
        login = await self._source.login()
        if login == "":
            self.report.damaged.append("the generated login: its file is empty")
        elif login is not None:
            self.report.login, stored = await self._target.put_login(login)
            if stored != login:
                self.report.kept.append("the generated login: the database has one of its own")
        await self._target.flush()


_NOTHING = hashlib.sha256().hexdigest()


class _Content:
    """A document's bytes, read twice: for their digest, and to be written."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    async def read_once(self) -> None:
        async for piece in self.pieces():
            self._digest.update(piece)
            self.size += len(piece)

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._blob.pieces():
                yield piece
        except OSError as error:
            raise Unreadable(f"its bytes cannot be read ({error.strerror or type(error).__name__})") from error
