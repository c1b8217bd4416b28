"""The contract for passages: what is read out of documents, with their vectors and the postings of their words.

A file has a number that is never used again, and a passage the id `number << 32 | position`, where positions count a
file's passages from 0. Indexing writes passages step by step; an index reads them from a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from .signs import Numbers, Rotation, Signs, Vector

T = TypeVar("T")

POSITION_BITS = 32
MAX_POSITION = (1 << POSITION_BITS) - 1


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document's text and where it stands.

    `place` is written for people (`page 3`, `slide 2`, `sheet Sales`), and empty where the format has no places.
    `heading` holds the headings above the passage, outermost first, joined by ` > `.
    """

    text: str
    place: str = ""
    heading: str = ""

    @property
    def with_heading(self) -> str:
        """The passage under its headings, which is what gets embedded."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file whose passages can be found. `lengths` are those of its passages in characters, in order."""

    number: int
    id: str
    lengths: Numbers


@dataclass(frozen=True, slots=True)
class SignBlock:
    """The sign bits of some vectors of one file and dimension, one row of `signs` for each position."""

    file: int
    dimension: int
    positions: Numbers
    signs: Signs


def first_id(number: int) -> int:
    """The id of a file's first passage; the ids of all its passages are below `first_id(number + 1)`."""
    return number << POSITION_BITS


class Snapshot(Protocol):
    """One state of the stored passages. Its methods block, so they are called on the thread of `read_snapshot`."""

    def owner(self, userid: str) -> tuple[int, int] | None:
        """The owner's number, and a version that changes whenever something else of theirs can be found."""

    def files(self, owner: int) -> list[PublishedFile]:
        """The owner's published files, by number."""

    def signs(self, owner: int, model: str = "") -> list[SignBlock]:
        """The signs of the vectors in the owner's published files, by number: of this embedding model, or of any."""

    def rotation(self, dimension: int) -> Rotation | None:
        """The rotation of a dimension of which there are vectors; None if it is damaged."""

    def count_postings(self, owner: int, term: str, *, prefix: bool, first: int, last: int, limit: int) -> int:
        """How many postings the owner's term has in passages `first` to `last`, counted up to `limit`."""

    def postings(
        self, owner: int, term: str, *, prefix: bool, first: int, last: int, limit: int
    ) -> tuple[Numbers, Numbers]:
        """The passages that hold the owner's term, and how often each does. `prefix`: terms that begin with it count.

        Passages between `first` and `last` only, the first `limit` postings. A passage comes once for each term.
        """

    def vectors(self, ids: Sequence[int], dimension: int) -> Vector:
        """The unit vectors of these passages, in the given order; zeros for one that is damaged."""

    def passages(self, ids: Sequence[int]) -> list[Passage | None]:
        """These passages, in the given order; None for one that is gone."""


class Passages(Protocol):
    """The passages of all files, whether they can be found yet or not.

    A file that is forgotten, or staged again, while one of these methods works on it is left alone from then on. None
    of them raises for an unknown file.
    """

    async def stage(self, file_id: str, userid: str, passages: Sequence[Passage]) -> None:
        """Store these passages in place of everything stored for the file. It counts as staged once all are there."""

    async def count(self, file_id: str) -> tuple[int, int] | None:
        """How many passages have vectors, and how many there are. None until the file is wholly staged."""

    async def embed_with(self, file_id: str, model: str) -> None:
        """Begin to store vectors of this embedding model for the file. Those of another model are deleted."""

    async def adopt(self, model: str) -> None:
        """Take vectors of which no model is known, since an older version has stored them, for those of this model."""

    async def outdated(self, model: str) -> int:
        """How many published files do not have all their vectors of this model."""

    async def next_outdated(self, model: str) -> tuple[str, str] | None:
        """Owner and id of a published file without vectors of this model, after `embed_with`.

        No other process gets it again.
        """

    async def unfinished(self, model: str) -> list[tuple[str, str]]:
        """Owner and id of the published files that have, or are to have, vectors of this model, but not all."""

    async def model(self, file_id: str) -> str | None:
        """The embedding model that the file's vectors are of, if it is known."""

    async def pending(self, file_id: str, limit: int, after: int = -1) -> list[tuple[int, Passage]]:
        """The next passages without a vector, as (position, passage), from beyond position `after`."""

    async def add_vectors(self, file_id: str, vectors: Sequence[tuple[int, Vector]]) -> None:
        """Store the vectors of these positions, all or none. A passage that has a vector keeps it."""

    async def read(self, file_id: str, limit: int, after: int = -1) -> list[tuple[int, Passage, Vector | None]]:
        """The next passages with their vectors (of length 1), from beyond position `after`."""

    async def publish(self, userid: str, file_id: str, name: str) -> None:
        """Make the owner's staged file part of snapshots. Repeating it changes nothing; after a kill it continues."""

    async def withdraw(self, userid: str, file_id: str) -> None:
        """Take the file out of snapshots. Its passages stay staged."""

    async def forget(self, file_id: str) -> None:
        """Delete everything stored for the file. A kill in the middle leaves a file that is not staged."""

    async def read_snapshot(self, work: Callable[[Snapshot], T]) -> T:
        """Run `work` on another thread, on one state that holds what every process has published. No writer waits."""
