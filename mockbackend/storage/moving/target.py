"""The database that a folder moves to. What is written here is one transaction each."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import astuple
from typing import Any, Literal

import orjson

from ...messages import Message, text_of
from ..casefold import casefold
from ..postgres import PostgresStorage
from ..postgres.database import NO_TIME_LIMITS, Execute
from ..postgres.files.rows import COLUMNS
from ..postgres.login import NAME
from ..postgres.pieces import PIECE_BYTES, StoredBlob, cut, insert_statement
from ..postgres.spending import ADD, EMBEDDED
from ..spending import Spent
from ..stored_messages import shown_images
from ..values import Conversation, File
from .digests import content_digest, conversation_digest, file_digest
from .source import FileRow, ImageRow

Kind = Literal["conversation", "file", "usage"]
# What is copied is compared afterwards, and copied again if it is missing; the last write waits for the disk.
_LAZILY = "SET LOCAL synchronous_commit = off"
_REMOVE = """WITH home AS (DELETE FROM conversations WHERE id = %s RETURNING id),
    gone AS (DELETE FROM images USING home WHERE conversation_id = home.id RETURNING token),
    bytes AS (DELETE FROM pieces USING gone WHERE blob_id = gone.token),
    exchanges_of AS (DELETE FROM exchanges USING home WHERE conversation_id = home.id)
    DELETE FROM messages USING home WHERE conversation_id = home.id"""


class Target:
    """The open database."""

    def __init__(self, storage: PostgresStorage) -> None:
        self.storage = storage
        self._database = storage.database

    async def copied(self, kind: Kind) -> dict[str, bytes]:
        """What has been copied before, and the digest that it had then."""
        rows = await self._database.execute("SELECT id, digest FROM migrated WHERE kind = %s", kind)
        return dict(rows)

    async def put_conversation(
        self,
        userid: str,
        row: Conversation,
        messages: list[Message],
        images: list[tuple[ImageRow, bytes]],
        digest: bytes,
        *,
        replace: bool,
    ) -> bool:
        """Write it whole; False if there is one of that id. With `replace` that one goes first."""

        async def work(execute: Execute) -> bool:
            await _take_time(execute)
            if replace:
                await execute(_REMOVE, row.id)
            made = await execute(
                """INSERT INTO conversations (id, userid, title, casefolded_title, is_pinned, created_at, updated_at,
                message_count, version, is_waiting) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (id) DO NOTHING RETURNING id""",
                *(row.id, userid, row.title, casefold(row.title), row.is_pinned, row.created_at, row.updated_at),
                *(row.message_count, row.version, row.is_waiting),
            )
            if not made:
                return False
            await execute(
                """INSERT INTO messages (conversation_id, position, userid, body, said)
                SELECT %s, number - 1, %s, body, said
                FROM unnest(%s::bytea[], %s::text[]) WITH ORDINALITY AS given (body, said, number)""",
                *(row.id, userid, [orjson.dumps(message) for message in messages]),
                [casefold(text_of(message)) for message in messages],
            )
            shown = shown_images(messages)
            for image, content in images:
                await execute(
                    """INSERT INTO images (token, conversation_id, userid, media_type, created_at, size, shown_at)
                    VALUES (%s, %s, %s, %s, %s, %s, %s)""",
                    *(image.token, row.id, image.userid, image.media_type, image.created_at, len(content)),
                    shown.get(image.token),
                )
                await execute(*insert_statement(image.token, image.userid, 0, cut(content)))
            await _mark(execute, "conversation", row.id, userid, digest)
            return True

        return await self._database.transact(work)

    async def conversation_digest(self, conversation_id: str) -> bytes | None:
        """The digest of the conversation as it is here; None if it is missing."""
        rows = await self._database.execute(
            """SELECT userid, id, title, is_pinned, created_at, updated_at, message_count, version, is_waiting
            FROM conversations WHERE id = %s AND deleted_at IS NULL""",
            conversation_id,
        )
        if not rows:
            return None
        bodies = await self._database.execute(
            "SELECT body FROM messages WHERE conversation_id = %s ORDER BY position", conversation_id
        )
        images = []
        for token, media_type, created_at in await self._database.execute(
            "SELECT token, media_type, created_at FROM images WHERE conversation_id = %s", conversation_id
        ):
            found = await self.storage.images.get(token)
            images.append((token, media_type, created_at, content_digest(found.content if found else b"")))
        return conversation_digest(rows[0][0], Conversation(*rows[0][1:]), (body for (body,) in bodies), images)

    async def put_file(
        self, row: FileRow, file: File, pieces: Callable[[], AsyncIterator[bytes]] | None, digest: bytes
    ) -> bool:
        """Write it whole; False if there is one of that id, or the user's of the same content.

        `pieces` begins to read its bytes; it may be called more than once.
        """

        async def work(execute: Execute) -> bool:
            await _take_time(execute)
            blob_id = None if pieces is None else uuid.uuid4().hex
            made = await execute(
                """INSERT INTO files (id, userid, name, kind, media_type, size, digest, blob_id, status, done, total,
                error, created_at, notice, copied_as)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT DO NOTHING RETURNING id""",
                *(file.id, row.userid, file.name, row.kind, file.media_type, file.size, row.digest, blob_id),
                *(file.status, file.done, file.total, file.error, file.created_at, file.notice, row.copied_as),
            )
            if not made:
                return False
            if pieces is not None and blob_id is not None:
                await _put_pieces(execute, blob_id, row.userid, pieces())
            await _mark(execute, "file", file.id, row.userid, digest)
            return True

        return await self._database.transact(work)

    async def file_digest(self, file_id: str) -> bytes | None:
        """The digest of the document as it is here; None if it is missing."""
        rows = await self._database.execute(
            f"SELECT userid, kind, blob_id, {COLUMNS} FROM files WHERE id = %s AND deleted_at IS NULL", file_id
        )
        if not rows:
            return None
        userid, kind, blob_id, *fields = rows[0]
        file, content = File(*fields), hashlib.sha256()
        if blob_id is not None:
            async for piece in StoredBlob(self._database, blob_id, file.size).pieces():
                content.update(piece)
        passages: list[tuple[int, Any, Any]] = []
        while some := await self.storage.passages.read(file_id, 500, passages[-1][0] if passages else -1):
            passages += some
        model = await self.storage.passages.model(file_id) if passages else None
        return file_digest(userid, file, kind, content.hexdigest(), passages, model)

    async def add_usage(self, rows: list[tuple[str, int, Spent, Spent]]) -> None:
        """Add to what users have spent: by user and day what is new, and what that makes of all that was copied."""

        async def work(execute: Execute) -> bool:
            await _take_time(execute)
            for userid, day, new, copied in rows:
                *turns, embedding_tokens = astuple(new)
                await execute(ADD.format(rows="VALUES (%s, %s, %s, %s, %s, %s)"), userid, day, *turns)
                await execute(EMBEDDED, userid, day, embedding_tokens)
                await _mark(execute, "usage", f"{day} {userid}", userid, orjson.dumps(astuple(copied)))
            return True

        await self._database.transact(work)

    async def put_login(self, login: str) -> tuple[bool, str]:
        """Write the login, unless there is one; returns whether it was written, and the one that is there then."""
        written = await self._database.execute(
            "INSERT INTO service (name, value) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING RETURNING name",
            *(NAME, login),
        )
        [(stored,)] = await self._database.execute("SELECT value FROM service WHERE name = %s", NAME)
        return bool(written), str(stored)

    async def flush(self) -> None:
        """Wait until all that was written is on the disk."""
        # A commit that waits takes everything before it along.
        await self._database.execute(
            """INSERT INTO migrated (kind, id, userid, digest) VALUES ('run', 'last', '', '')
            ON CONFLICT (kind, id) DO UPDATE SET digest = excluded.digest"""
        )


async def _take_time(execute: Execute) -> None:
    await execute(_LAZILY)
    await execute(NO_TIME_LIMITS)


async def _put_pieces(execute: Execute, blob_id: str, userid: str, pieces: AsyncIterator[bytes]) -> None:
    waiting, number, any_yet = bytearray(), 0, False
    async for piece in pieces:
        waiting += piece
        while len(waiting) >= PIECE_BYTES:
            await execute(*insert_statement(blob_id, userid, number, [bytes(waiting[:PIECE_BYTES])]))
            del waiting[:PIECE_BYTES]
            number, any_yet = number + 1, True
    if waiting or not any_yet:
        await execute(*insert_statement(blob_id, userid, number, [bytes(waiting)]))


async def _mark(execute: Execute, kind: Kind, found: str, userid: str, digest: bytes) -> None:
    await execute(
        """INSERT INTO migrated (kind, id, userid, digest) VALUES (%s, %s, %s, %s)
        ON CONFLICT (kind, id) DO UPDATE SET digest = excluded.digest""",
        *(kind, found, userid, digest),
    )
