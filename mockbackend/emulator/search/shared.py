"""The indexes of every scenario, the same in every process: what one changes, the others change as well.

A change is made and noted in one transaction of the mock's store, so all processes make all changes in one order.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

import msgspec

from ...mock.script.faults import BatchFault
from ...mock.store.changes import Changes
from ..gateway.errors import AzureError
from .actions import MAX_ACTIONS, apply_actions, read_actions
from .indexes import Index, Indexes
from .schema import read_schema

# How long the changes of a scenario may be before they are replaced by those that lead to the same indexes.
LONG_BYTES = 256 * 1024 * 1024
T = TypeVar("T")


class Put(msgspec.Struct, frozen=True, tag="put"):
    """An index was made or changed."""

    definition: dict[str, object]


class Removed(msgspec.Struct, frozen=True, tag="removed"):
    """An index was removed."""

    index: str


class Batch(msgspec.Struct, frozen=True, tag="batch"):
    """A batch of documents was applied."""

    index: str
    body: dict[str, object]
    fault: BatchFault | None = None


Change = Put | Removed | Batch
_decode = msgspec.json.Decoder(Change).decode


@dataclass(slots=True)
class _Held:
    """The indexes of a scenario as far as this process has followed the changes."""

    first: str | None
    last: int = 0
    long_bytes: int = field(default_factory=lambda: LONG_BYTES)
    indexes: Indexes = field(default_factory=Indexes)


class SharedIndexes:
    """The indexes by scenario."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._held: dict[str, _Held] = {}

    def of(self, scenario: str) -> Indexes:
        """A scenario's indexes as they are now."""
        return self._followed(scenario).indexes

    def change(self, scenario: str, change: Change, make: Callable[[Indexes], T]) -> T:
        """Make a change by `make`, for all processes. What raises AzureError changes nothing."""
        try:
            with self._changes.alone():
                held = self._followed(scenario)
                made = make(held.indexes)
                held.last = self._changes.add(scenario, msgspec.json.encode(change))
                held.first = held.first or self._changes.first(scenario)
                if self._changes.size(scenario) > held.long_bytes:
                    self._shorten(scenario, held)
                self._held[scenario] = held
        except AzureError:
            raise
        except BaseException:
            # What is held may have a change that the others will never see.
            self._held.pop(scenario, None)
            raise
        return made

    def _followed(self, scenario: str) -> _Held:
        first = self._changes.first(scenario)
        held = self._held.get(scenario)
        if held is None or held.first != first:
            # The scenario is new, or was replaced.
            self._held.pop(scenario, None)
            held = _Held(first)
            if first is not None:
                self._held[scenario] = held
        for number, value in self._changes.after(scenario, held.last):
            # One that depended on a time or a limit may fail now.
            with suppress(AzureError):
                make(held.indexes, _decode(value))
            held.last = number
        return held

    def _shorten(self, scenario: str, held: _Held) -> None:
        self._changes.clear(scenario)
        for index in held.indexes.all():
            for change in _leading_to(index):
                held.last = self._changes.add(scenario, msgspec.json.encode(change))
        held.first = self._changes.first(scenario)
        held.long_bytes = max(LONG_BYTES, 2 * self._changes.size(scenario))


def make(indexes: Indexes, change: Change) -> None:
    """Make a change that another process has made. Raises AzureError."""
    match change:
        case Put(definition):
            indexes.put(read_schema(definition))
        case Removed(name):
            indexes.remove(name)
        case Batch(name, body, fault):
            index = indexes.find(name)
            apply_actions(read_actions(body, index.schema), index, indexes, fault)
        case _:
            assert_never(change)


def _leading_to(index: Index) -> Iterator[Change]:
    """Changes that make such an index."""
    yield Put(dict(index.schema.definition))
    keys = list(index.documents)
    for start in range(0, len(keys), MAX_ACTIONS):
        fields = list(index.schema.fields.values())
        documents = [index.render(key, fields) for key in keys[start : start + MAX_ACTIONS]]
        yield Batch(index.schema.name, {"value": [{"@search.action": "upload", **one} for one in documents]})
