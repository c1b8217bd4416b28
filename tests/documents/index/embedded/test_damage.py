"""Damaged passages: their file is found no more, or not by all of it; others are, and it can be deleted."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.documents.index.embedded.conftest import DIMENSIONS, Shelf, direction

BAD = "IN (SELECT number FROM files WHERE file_id = 'bad')"
NOT_UTF8 = "CAST(x'fffe41' AS TEXT)"
DAMAGE = {
    "version: a word": "UPDATE owners SET version = 'word'",
    "lengths: none": f"UPDATE files SET lengths = NULL WHERE number {BAD}",
    "lengths: odd": f"UPDATE files SET lengths = x'010203' WHERE number {BAD}",
    "lengths: too few": f"UPDATE files SET lengths = x'' WHERE number {BAD}",
    "file_id: not UTF-8": f"UPDATE files SET file_id = {NOT_UTF8} WHERE number {BAD}",
    "name: a blob": f"UPDATE files SET name = x'fffe' WHERE number {BAD}",
    "passage_count: a word": f"UPDATE files SET passage_count = 'word' WHERE number {BAD}",
    "indexed_count: huge": f"UPDATE files SET indexed_count = 9223372036854775807 WHERE number {BAD}",
    "indexed_count: a word": f"UPDATE files SET indexed_count = 'word' WHERE number {BAD}",
    "text: a blob": f"UPDATE passages SET text = x'fffe' WHERE id >> 32 {BAD}",
    "text: not UTF-8": f"UPDATE passages SET text = {NOT_UTF8} WHERE id >> 32 {BAD}",
    "passages: gone": f"DELETE FROM passages WHERE id >> 32 {BAD}",
    "vector: short": f"UPDATE vectors SET vector = x'0102' WHERE passage >> 32 {BAD}",
    "vectors: gone": f"DELETE FROM vectors WHERE passage >> 32 {BAD}",
    "vector: a number": f"UPDATE vectors SET vector = 7 WHERE passage >> 32 {BAD}",
    "signs: a number": f"UPDATE signs SET bits = 7 WHERE file {BAD}",
    "signs: short": f"UPDATE signs SET bits = x'0102' WHERE file {BAD}",
    "signs: of no passage": f"UPDATE signs SET positions = x'ffffffff' WHERE file {BAD}",
    "signs: of no dimension": f"UPDATE signs SET dimension = 'word' WHERE file {BAD}",
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_file_costs_no_other(shelf: Shelf, other: Shelf, damage: str) -> None:
    # The damaged one first and last: its rows lie on both sides.
    await shelf.put("ann", "bad", "A walrus sleeps.", vectors=[direction(1)])
    await shelf.put("ann", "sound", "A walrus wakes.", vectors=[direction(2)])
    with closing(sqlite3.connect(shelf.path)) as connection, connection:
        assert connection.execute(DAMAGE[damage]).rowcount > 0
    # In this process and in one that has read nothing yet.
    for one in (shelf, other):
        assert "A walrus wakes." in await one.words("ann", "walrus")
        assert (await one.near("ann", direction(2)))[0] == "A walrus wakes."
        await one.near("ann", direction(1))
    if not damage.startswith("file_id"):
        await shelf.forget("ann", "bad")
        assert await shelf.words("ann", "walrus") == ["A walrus wakes."]
    await shelf.put("ann", "new", "A walrus yawns.", vectors=[direction(3)])
    assert "A walrus yawns." in await other.words("ann", "walrus")
    assert (await other.near("ann", direction(3)))[0] == "A walrus yawns."


@pytest.mark.parametrize("flips", ["x'01'", "7"])
async def test_without_its_rotation_words_are_searched(
    shelf: Shelf, flips: str, caplog: pytest.LogCaptureFixture
) -> None:
    await shelf.put("ann", "a", "A walrus sleeps.", vectors=[direction(1)])
    with closing(sqlite3.connect(shelf.path)) as connection, connection:
        connection.execute(f"UPDATE rotations SET flips = {flips}")
    found = await shelf.index.search("ann", "walrus", direction(1), None, 10)
    assert [one.passage.text for one in found] == ["A walrus sleeps."]
    assert f"the rotation of vectors of {DIMENSIONS} numbers is damaged" in caplog.text
