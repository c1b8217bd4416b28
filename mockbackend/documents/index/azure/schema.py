"""What of a passage stands in the index of Azure AI Search, and how it is named, found and asked for there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from ....errors import UpstreamError
from ....storage.passages import Passage

if TYPE_CHECKING:
    from ....upstream.embeddings import Vector

# What one call may hold is 1,000 documents and 16 MB; half of that leaves the service time for others.
MAX_DOCUMENTS = 1000
MAX_BYTES = 8 * 1024 * 1024
# Longer texts of a user are searched by their beginning (and by the whole embedding): a query may have 1,024 clauses.
QUERY_CHARACTERS = 500
# The operators of the simple and of the full syntax: which of them bite depends on the version.
OPERATORS = re.compile(r'([-+&|!(){}\[\]^"~*?:\\/])')
INDEX_NAME = re.compile(r"(?=.{2,128}\Z)[a-z0-9](?:-?[a-z0-9])*\Z")


class IndexMissing(UpstreamError):
    """There is no such index (any more)."""

    def __init__(self) -> None:
        super().__init__(
            "The search index is missing. The next document makes it anew; those that were in it have to be uploaded "
            "again."
        )


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to be done to a document of the index: its key, and the JSON that says it."""

    key: str
    body: bytes


def key(userid: str, file_id: str, position: int) -> str:
    """The key of a passage: letters, digits and dashes, as Azure wants it, whatever the names hold."""
    digest = hashlib.sha256(f"{len(userid)}:{userid}{file_id}".encode()).hexdigest()
    return f"{digest[:40]}-{position}"


def upload(userid: str, file_id: str, name: str, position: int, passage: Passage, vector: Vector | None) -> Action:
    """Store a passage, in the place of what was there."""
    document = {
        "@search.action": "upload",
        "id": key(userid, file_id, position),
        "owner": userid,
        "file_id": file_id,
        "name": name,
        "position": position,
        "content": passage.text,
        "heading": passage.heading,
        "place": passage.place,
    }
    if vector is not None:
        document["embedding"] = vector
    return Action(str(document["id"]), orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))


def removal(key: str) -> Action:
    """Forget the document with that key, if there is one."""
    return Action(key, orjson.dumps({"@search.action": "delete", "id": key}))


def batches(actions: Sequence[Action]) -> Iterator[list[Action]]:
    """The actions in their order, as many at once as one call may hold."""
    batch: list[Action] = []
    size = 0
    for action in actions:
        if batch and (len(batch) == MAX_DOCUMENTS or size + len(action.body) > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(action)
        size += len(action.body)
    if batch:
        yield batch


def owned_by(userid: str, file_ids: Sequence[str] | None = None) -> str:
    """The filter for the passages of an owner: of these files, or of all with None."""
    owner = f"owner eq {_quoted(userid)}"
    if file_ids is None:
        return owner
    # Any character that is in none of the ids separates them.
    separator = next(char for char in map(chr, range(ord(","), 0x10000)) if not any(char in one for one in file_ids))
    return f"{owner} and search.in(file_id, {_quoted(separator.join(file_ids))}, {_quoted(separator)})"


def harmless(query: str) -> str:
    """A user's text as a query that means nothing but its words; empty where it has none."""
    text = query[:QUERY_CHARACTERS].encode(errors="ignore").decode()
    return OPERATORS.sub(r"\\\1", text) if re.search(r"\w", text) else ""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
