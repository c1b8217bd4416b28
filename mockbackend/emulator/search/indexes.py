"""Indexes and their documents, in memory and bounded."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from . import errors
from .analysis import terms
from .inverted_index import InvertedIndex
from .schema import Field, Schema

if TYPE_CHECKING:
    import numpy

    Vector = numpy.ndarray[tuple[int], numpy.dtype[numpy.float32]]

MAX_INDEXES = 15
# Of all documents together; vectors count as float32, text by its characters.
MAX_BYTES = 512 * 1024 * 1024


class Index:
    """One index: its documents by key, the words of each searchable field, its vectors."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.documents: dict[str, Mapping[str, object]] = {}
        self.words: dict[str, InvertedIndex] = {}
        self.vectors: dict[str, dict[str, Vector]] = {}
        self.size = 0
        self._visible_from: dict[str, float] = {}
        self.change(schema)

    def change(self, schema: Schema) -> None:
        """Add fields; no document has a value there yet."""
        self.schema = schema
        for field in schema.fields.values():
            if field.dimensions is not None:
                self.vectors.setdefault(field.name, {})
            elif field.searchable:
                self.words.setdefault(field.name, InvertedIndex())

    def put(self, document: Mapping[str, object]) -> bool:
        """Store a document, or replace the one with its key; return whether it is new."""
        key = str(document[self.schema.key])
        new = not self.remove(key)
        for name, words in self.words.items():
            words.add(key, terms(_text(document.get(name))))
        for name, vectors in self.vectors.items():
            if (given := document.get(name)) is not None:
                vectors[key] = to_vector(given)
        # Vectors are kept once, as float32.
        self.documents[key] = {name: value for name, value in document.items() if name not in self.vectors}
        self.size += self._size(key)
        return new

    def hide(self, key: str, seconds: float) -> None:
        """Hide a document from searches for some seconds."""
        self._visible_from[key] = time.monotonic() + seconds

    def visible(self) -> dict[str, Mapping[str, object]]:
        """The documents that searches find."""
        self._visible_from = {key: when for key, when in self._visible_from.items() if when > time.monotonic()}
        if not self._visible_from:
            return self.documents
        return {key: document for key, document in self.documents.items() if key not in self._visible_from}

    def remove(self, key: str) -> bool:
        """Remove a document; return whether it was there."""
        if key not in self.documents:
            return False
        self.size -= self._size(key)
        document = self.documents.pop(key)
        for name, words in self.words.items():
            words.remove(key, terms(_text(document.get(name))))
        for vectors in self.vectors.values():
            vectors.pop(key, None)
        return True

    def merge(self, document: Mapping[str, object]) -> bool:
        """Change the given fields of a document; return whether it was there."""
        key = str(document[self.schema.key])
        stored = self.documents.get(key)
        if stored is None:
            return False
        vectors = {name: one[key].tolist() for name, one in self.vectors.items() if key in one}
        self.put({**stored, **vectors, **document})
        return True

    def render(self, key: str, fields: Iterable[Field]) -> dict[str, object]:
        """The given fields of a document as JSON; a missing one is null."""
        document = self.documents[key]
        rendered: dict[str, object] = {}
        for field in fields:
            if field.dimensions is None:
                rendered[field.name] = document.get(field.name)
            else:
                vector = self.vectors[field.name].get(key)
                rendered[field.name] = None if vector is None else vector.tolist()
        return rendered

    def _size(self, key: str) -> int:
        texts = sum(len(value) for value in self.documents[key].values() if isinstance(value, str | list))
        return texts + sum(vectors[key].nbytes for vectors in self.vectors.values() if key in vectors)


class Indexes:
    """All indexes of the service by name."""

    def __init__(self) -> None:
        self._indexes: dict[str, Index] = {}

    def all(self) -> list[Index]:
        return list(self._indexes.values())

    def find(self, name: str) -> Index:
        """Find an index; AzureError 404 if it is missing."""
        index = self._indexes.get(name)
        if index is None:
            raise errors.unknown_index(name)
        return index

    def put(self, schema: Schema) -> bool:
        """Create an index, or change it; return whether it is new. AzureError where Azure refuses the change."""
        index = self._indexes.get(schema.name)
        if index is None:
            if len(self._indexes) >= MAX_INDEXES:
                raise errors.search_error(403, errors.INDEX_QUOTA)
            self._indexes[schema.name] = Index(schema)
            return True
        index.schema.check_change(schema)
        index.change(schema)
        return False

    def remove(self, name: str) -> None:
        """Remove an index; AzureError 404 if it is missing."""
        self.find(name)
        del self._indexes[name]

    def check_room(self) -> None:
        """Raise AzureError 403 if all documents together have reached the limit."""
        if sum(index.size for index in self._indexes.values()) >= MAX_BYTES:
            raise errors.search_error(403, errors.QUOTA)


def to_vector(numbers: object) -> Vector:
    """Convert numbers to what the index keeps."""
    # Imported late: it takes a tenth of the start, and most users of the emulator never search.
    import numpy

    return numpy.asarray(numbers, dtype=numpy.float32)


def cosine(one: Vector, other: Vector) -> float:
    """The cosine of the angle between two vectors; 0 if one of them has no direction."""
    lengths = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / lengths if lengths else 0.0


def _text(value: object) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value or "")
