"""Digests of what is copied: the same in the folder and in the database if nothing was lost or changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from ..passages import Passage
from ..postgres.adapters import storable
from ..signs import encode, unit
from ..values import Conversation, File


def content_digest(content: bytes) -> str:
    """The digest of an image's bytes."""
    return hashlib.sha256(content).hexdigest()


def conversation_digest(
    userid: str, row: Conversation, bodies: Iterable[bytes], images: Iterable[Sequence[Any]]
) -> bytes:
    """The digest of a conversation with its messages and its images: tokens, types, times and digests."""
    title = storable(row.title)
    head = [storable(userid), row.id, title, row.is_pinned, row.created_at, row.updated_at, row.message_count]
    digest = hashlib.sha256(orjson.dumps(head))
    for body in bodies:
        digest.update(b"%d:" % len(body) + body)
    digest.update(orjson.dumps(sorted(map(list, images))))
    return digest.digest()


def file_digest(
    userid: str, file: File, kind: str, content: str, passages: Iterable[tuple[int, Passage, Any]], model: str | None
) -> bytes:
    """The digest of a document: its row, its bytes (by their own digest), its passages, their vectors and the model."""
    error = None if file.error is None else storable(file.error)
    head = [storable(userid), file.id, storable(file.name), file.status, file.total, error, file.size, file.media_type]
    digest = hashlib.sha256(orjson.dumps([*head, file.created_at, storable(kind), content]))
    if file.notice is not None:
        digest.update(orjson.dumps(storable(file.notice)))
    if model is not None:
        digest.update(orjson.dumps(storable(model)))
    for position, passage, vector in passages:
        words = [storable(text) for text in (passage.text, passage.place, passage.heading)]
        digest.update(orjson.dumps([position, *words, vector is not None]))
        if vector is not None:
            # As it is stored after it was read: of length 1, in 16 bits a number.
            direction = unit(vector)
            digest.update(encode(vector * 0 if direction is None else direction))
    return digest.digest()
