"""Conversations: whose they are, what their rows say, and how they are listed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from mockbackend.messages import now_ms
from mockbackend.storage import Conversation, Cursor, Storage
from tests.storage.contract.acts import (
    begin,
    begun,
    end,
    found,
    message,
    ran,
    row_of,
    texts,
    turn_of,
)


def key(row: Conversation | Cursor) -> tuple[bool, int, str]:
    return row.is_pinned, row.updated_at, row.id


async def listed(storage: Storage, limit: int, query: str = "") -> list[Conversation]:
    """All pages of Ann's conversations, one after another."""
    rows: list[Conversation] = []
    after = None
    while page := await storage.conversations.page("ann", limit=limit, after=after, query=query):
        assert 1 <= len(page) <= limit
        assert not {row.id for row in page} & {row.id for row in rows}
        rows += page
        after = Cursor(*key(page[-1]))
    return rows


async def test_a_conversation_is_made_by_its_first_turn(storage: Storage, other: Storage) -> None:
    assert await storage.conversations.get("ann", "c") is None
    before = now_ms()
    made, _ = await begin(storage, turn_of(), title="Grüße")
    assert made is not None
    assert before <= made.created_at == made.updated_at <= now_ms()
    assert made == Conversation("c", "Grüße", False, made.created_at, made.created_at, 0, 0)
    await end(storage, turn_of())
    row = await row_of(other)
    assert row.updated_at >= made.updated_at
    assert row == replace(made, updated_at=row.updated_at, message_count=2, version=1)


async def test_a_later_title_does_not_rename_it(storage: Storage) -> None:
    await ran(storage, turn_of(), title="First")
    await ran(storage, turn_of("t2", base_length=2), title="Second")
    assert (await row_of(storage)).title == "First"


async def test_it_is_its_owners_alone(storage: Storage) -> None:
    await ran(storage, turn_of(), title="Hers")
    row = await row_of(storage)
    assert await storage.conversations.get("bob", "c") is None
    assert await storage.conversations.page("bob", limit=10, after=None, query="") == []
    assert await found(storage, "hers", "bob") == []
    assert await found(storage, "t1", "bob") == []
    assert await storage.conversations.change("bob", "c", title="His", is_pinned=True) is None
    assert not await storage.conversations.hide("bob", "c")
    assert await begin(storage, turn_of("t2", userid="bob")) == (None, None)
    assert await row_of(storage) == row
    assert await texts(storage) == ["t1?", "t1!"]


async def test_owners_differ_by_any_letter(storage: Storage) -> None:
    names = ["ann", "Ann", "ann ", "ånn", "ann%", "a_n"]
    for number, name in enumerate(names):
        await ran(storage, turn_of(f"t{number}", f"c{number}", userid=name))
    for number, name in enumerate(names):
        rows = await storage.conversations.page(name, limit=10, after=None, query="")
        assert [row.id for row in rows] == [f"c{number}"]


async def test_a_running_turn_counts_as_what_it_will_have_made(storage: Storage, other: Storage) -> None:
    await begun(storage, turn_of())
    assert (await row_of(other)).message_count == 1
    await end(storage, turn_of())
    await ran(storage, turn_of("t2", base_length=2))
    regenerated = replace(turn_of("t3", base_length=2), new_messages=[message("user", "t3", "a")] * 3)
    seen, _ = await begin(storage, regenerated)
    assert seen is not None
    assert seen.message_count == 4, "what was settled before"
    for row in (await row_of(other), *await other.conversations.page("ann", limit=1, after=None, query="")):
        assert (row.message_count, row.version) == (5, 2)
    await end(storage, regenerated)
    assert ((await row_of(other)).message_count, (await row_of(other)).version) == (6, 3)


async def test_renaming_and_pinning_change_only_that(storage: Storage, other: Storage) -> None:
    await ran(storage, turn_of(), title="Old")
    row = await row_of(storage)
    renamed = replace(row, title="Neu ẞ")
    assert await storage.conversations.change("ann", "c", title="Neu ẞ") == renamed
    pinned = replace(renamed, is_pinned=True)
    assert await other.conversations.change("ann", "c", is_pinned=True) == pinned
    assert await storage.conversations.change("ann", "c", title="Both", is_pinned=False) == replace(row, title="Both")
    assert await storage.conversations.change("ann", "c") == replace(row, title="Both") == await row_of(other)
    assert await storage.conversations.change("ann", "none", title="x") is None
    assert await found(storage, "neu") == await found(storage, "old") == []
    assert await found(storage, "BOTH") == ["c"]


async def test_the_pinned_are_listed_first_and_then_the_newest(storage: Storage) -> None:
    ids = ["a", "B", "b", "c", "d", "é", "z-1", "z-10", "z-2"]
    for number, name in enumerate(ids):
        await ran(storage, turn_of(f"t{number}", name))
    await ran(storage, turn_of("later", "b", base_length=2))
    for name in ("c", "z-1", "a"):
        await storage.conversations.change("ann", name, is_pinned=True)
    await ran(storage, turn_of("bobs", "bobs", userid="bob"))
    rows = await storage.conversations.page("ann", limit=100, after=None, query="")
    assert rows == sorted(rows, key=key, reverse=True)
    assert {row.id for row in rows[:3]} == {"a", "c", "z-1"}
    assert {row.id for row in rows} == set(ids)
    assert rows == [await row_of(storage, row.id) for row in rows]


async def test_pages_follow_each_other_without_gap_or_double(storage: Storage) -> None:
    # Begun at once: some have the same time.
    await asyncio.gather(*(begun(storage, turn_of(f"t{number}", f"c{number}")) for number in range(12)))
    for number in (3, 5, 8):
        await storage.conversations.change("ann", f"c{number}", is_pinned=True)
    whole = await storage.conversations.page("ann", limit=100, after=None, query="")
    assert len(whole) == 12
    for limit in (1, 2, 3, 5, 11, 12, 13):
        assert await listed(storage, limit) == whole
        assert await listed(storage, limit, "hello") == whole


async def test_a_page_goes_on_where_its_last_row_was(storage: Storage) -> None:
    for number in range(4):
        await ran(storage, turn_of(f"t{number}", f"c{number}"))
    first, second, *rest = await storage.conversations.page("ann", limit=10, after=None, query="")
    await storage.conversations.hide("ann", second.id)
    await ran(storage, turn_of("again", first.id, base_length=2))
    after = Cursor(*key(second))
    assert await storage.conversations.page("ann", limit=10, after=after, query="") == rest
    assert await storage.conversations.page("ann", limit=10, after=replace(after, updated_at=-(2**63)), query="") == []


async def test_text_is_kept_as_it_came(storage: Storage, other: Storage) -> None:
    text = "NUL \0, tab \t, \u2028, \ufffe, e\u0301, \N{PILE OF POO}"
    await ran(storage, replace(turn_of(), new_messages=[message("user", "t1", text)]), title=text)
    # An engine whose text cannot hold a NUL may show something else in its place.
    assert (await row_of(other)).title in (text, text.replace("\0", "\ufffd"))
    assert (await texts(other))[0] == text


async def test_text_that_is_no_unicode_is_refused_and_leaves_nothing(storage: Storage) -> None:
    half = "half \ud83d"
    with pytest.raises((ValueError, TypeError)):
        await begin(storage, turn_of(), title=half)
    with pytest.raises((ValueError, TypeError)):
        await begin(storage, replace(turn_of(), new_messages=[message("user", "t1", half)]))
    assert await storage.conversations.get("ann", "c") is None
    await begun(storage, turn_of())
    with pytest.raises((ValueError, TypeError)):
        await storage.conversations.change("ann", "c", title=half)
    assert (await row_of(storage)).title == "Hello"
