"""Documents of the search index: what they hold of a passage, and their keys, batches, filters and queries."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from ....errors import UpstreamError
from ....storage.passages import Passage

if TYPE_CHECKING:
    from ....upstream.embeddings import Vector

# One call may hold 1,000 documents and 16 MB. Half of the size leaves the service time for others.
MAX_DOCUMENTS = 1000
MAX_BYTES = 8 * 1024 * 1024
# A query may have 1,024 clauses, so a longer text is searched by its beginning (and by its whole embedding).
QUERY_CHARACTERS = 500
# The operators of the simple and the full syntax. Which of them count depends on the version.
OPERATORS = re.compile(r'([-+&|!(){}\[\]^"~*?:\\/])')
INDEX_NAME = re.compile(r"(?=.{2,128}\Z)[a-z0-9](?:-?[a-z0-9])*\Z")


class IndexMissing(UpstreamError):
    """An index that does not exist, or no longer."""

    def __init__(self) -> None:
        super().__init__(
            "The search index is missing. The next upload creates it; earlier documents have to be uploaded again."
        )


@dataclass(frozen=True, slots=True)
class Action:
    """A change of one document of the index: its key, and the change as JSON."""

    key: str
    body: bytes


def key(userid: str, file_id: str, position: int) -> str:
    """The key of a passage. Azure allows letters, digits and dashes, whatever the names contain."""
    digest = hashlib.sha256(f"{len(userid)}:{userid}{file_id}".encode()).hexdigest()
    return f"{digest[:40]}-{position}"


def vector_field(model: str, dimensions: int) -> str:
    """The field for vectors of this embedding model and size."""
    return f"embedding_{dimensions}_{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def upload(
    userid: str, file_id: str, name: str, position: int, passage: Passage, vectors: Mapping[str, Vector]
) -> Action:
    """The action that stores a passage, with its vector by the name of its field, and replaces an older one."""
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
        **vectors,
    }
    return Action(str(document["id"]), orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))


def removal(key: str) -> Action:
    """The action that deletes the document with this key, if there is one."""
    return Action(key, orjson.dumps({"@search.action": "delete", "id": key}))


def batches(actions: Sequence[Action]) -> Iterator[list[Action]]:
    """The actions in their order, in lists that one call may hold."""
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
    """The filter for the passages of an owner: of these files, or with None of all files."""
    owner = f"owner eq {_quoted(userid)}"
    if file_ids is None:
        return owner
    # Any character that occurs in none of the ids can separate them.
    separator = next(char for char in map(chr, range(ord(","), 0x10000)) if not any(char in one for one in file_ids))
    return f"{owner} and search.in(file_id, {_quoted(separator.join(file_ids))}, {_quoted(separator)})"


def escape(query: str) -> str:
    """A user's text as a query for its words, without operators. Empty if it has no words."""
    text = query[:QUERY_CHARACTERS].encode(errors="ignore").decode()
    return OPERATORS.sub(r"\\\1", text) if re.search(r"\w", text) else ""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
