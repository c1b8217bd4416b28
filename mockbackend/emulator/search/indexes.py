"""The indexes and their documents, in memory and bounded."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import errors
from .analysis import terms
from .inverted_index import Words
from .schema import Field, Schema

if TYPE_CHECKING:
    import numpy

    Vector = numpy.ndarray[tuple[int], numpy.dtype[numpy.float32]]

MOST_INDEXES = 15
# Of all documents together: a vector counts its float32, a text its characters.
MOST_BYTES = 512 * 1024 * 1024


class Index:
    """One index: documents by key as they were sent, the words of each searchable field, its vectors."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.documents: dict[str, Mapping[str, object]] = {}
        self.words: dict[str, Words] = {}
        self.vectors: dict[str, dict[str, Vector]] = {}
        self.size = 0
        self._shown_from: dict[str, float] = {}
        self.change(schema)

    def change(self, schema: Schema) -> None:
        """Take further fields; no document has a value there yet."""
        self.schema = schema
        for field in schema.fields.values():
            if field.dimensions is not None:
                self.vectors.setdefault(field.name, {})
            elif field.searchable:
                self.words.setdefault(field.name, Words())

    def put(self, document: Mapping[str, object]) -> bool:
        """Store a document in the place of one with the same key; whether it is new."""
        key = str(document[self.schema.key])
        new = not self.remove(key)
        for name, words in self.words.items():
            words.add(key, terms(_text(document.get(name))))
        for name, vectors in self.vectors.items():
            if (given := document.get(name)) is not None:
                vectors[key] = to_vector(given)
        # A vector is kept once, as numbers of four bytes.
        self.documents[key] = {name: value for name, value in document.items() if name not in self.vectors}
        self.size += self._size(key)
        return new

    def hide(self, key: str, seconds: float) -> None:
        """Let searches not find a document for so long."""
        self._shown_from[key] = time.monotonic() + seconds

    def visible(self) -> dict[str, Mapping[str, object]]:
        """The documents that searches find."""
        self._shown_from = {key: when for key, when in self._shown_from.items() if when > time.monotonic()}
        if not self._shown_from:
            return self.documents
        return {key: document for key, document in self.documents.items() if key not in self._shown_from}

    def remove(self, key: str) -> bool:
        """Whether there was such a document."""
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
        """Change the given fields of a document that is there; whether it is."""
        key = str(document[self.schema.key])
        had = self.documents.get(key)
        if had is None:
            return False
        kept = {name: vectors[key].tolist() for name, vectors in self.vectors.items() if key in vectors}
        self.put({**had, **kept, **document})
        return True

    def shown(self, key: str, fields: list[Field]) -> dict[str, object]:
        """The named fields of a document, those that it does not have as null."""
        document = self.documents[key]
        shown: dict[str, object] = {}
        for field in fields:
            if field.dimensions is None:
                shown[field.name] = document.get(field.name)
            else:
                vector = self.vectors[field.name].get(key)
                shown[field.name] = None if vector is None else vector.tolist()
        return shown

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
        """AzureError 404 where there is none of that name."""
        index = self._indexes.get(name)
        if index is None:
            raise errors.no_index(name)
        return index

    def put(self, schema: Schema) -> bool:
        """Make the index, or change it; whether it is new. AzureError where it cannot be changed so."""
        index = self._indexes.get(schema.name)
        if index is None:
            if len(self._indexes) >= MOST_INDEXES:
                raise errors.coded(403, errors.INDEX_QUOTA)
            self._indexes[schema.name] = Index(schema)
            return True
        index.schema.check_change(schema)
        index.change(schema)
        return False

    def remove(self, name: str) -> None:
        """AzureError 404 where there is none of that name."""
        self.find(name)
        del self._indexes[name]

    def check_room(self) -> None:
        """AzureError 403 where all documents together are as large as may be."""
        if sum(index.size for index in self._indexes.values()) >= MOST_BYTES:
            raise errors.coded(403, errors.QUOTA)


def to_vector(numbers: object) -> Vector:
    """Numbers as the index keeps them."""
    # Imported late: it is a tenth of the start, and most who run the emulator search nothing.
    import numpy

    return numpy.asarray(numbers, dtype=numpy.float32)


def cosine(one: Vector, other: Vector) -> float:
    """Of the angle between two vectors; 0 where one of them has no direction."""
    lengths = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / lengths if lengths else 0.0


def _text(value: object) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value or "")
