"""How values reach the database: texts without NUL, and lists in binary form, long ones made ahead on a thread."""

from __future__ import annotations

from typing import Any, Self

import psycopg
from psycopg.adapt import AdaptersMap, Dumper, PyFormat, Transformer
from psycopg.pq import Format
from psycopg.types.array import ListBinaryDumper
from psycopg.types.string import StrBinaryDumper, StrDumper


def storable(text: str) -> str:
    """The text as the database can hold it: U+FFFD stands where a NUL was."""
    return text.replace("\0", "\ufffd")


class _Text(StrDumper):
    """No text in PostgreSQL can hold a NUL."""

    def dump(self, obj: str) -> Any:
        return super().dump(storable(obj))


class _BinaryText(StrBinaryDumper):
    def dump(self, obj: str) -> Any:
        return super().dump(storable(obj))


class Array:
    """A list of a statement as it goes out. To make it of megabytes takes longer than others would like to wait."""

    __slots__ = ("data", "oid")

    def __init__(self, values: list[Any]) -> None:
        dumper = Transformer(CONTEXT).get_dumper(values, PyFormat.BINARY)
        self.data, self.oid = dumper.dump(values), dumper.oid


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def get_key(self, obj: Array, format: PyFormat) -> Any:  # noqa: A002
        return self.cls, obj.oid

    def upgrade(self, obj: Array, format: PyFormat) -> Self:  # noqa: A002
        dumper = type(self)(self.cls)
        dumper.oid = obj.oid
        return dumper

    def dump(self, obj: Array) -> Any:
        return obj.data


class _Context:
    """What psycopg takes adapters from."""

    connection = None

    def __init__(self) -> None:
        self.adapters = AdaptersMap(psycopg.adapters)
        self.adapters.register_dumper(str, _BinaryText)
        self.adapters.register_dumper(str, _Text)
        # As text psycopg would escape each item in Python: half a second for 8 MB.
        self.adapters.register_dumper(list, ListBinaryDumper)
        self.adapters.register_dumper(Array, _ArrayDumper)


CONTEXT = _Context()
