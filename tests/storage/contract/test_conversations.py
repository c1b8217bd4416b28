"""Conversations: whose they are, how they are listed and found, and how they are deleted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from mockbackend.messages import now_ms
from mockbackend.storage import Conversation, Cursor, Image, Storage
from tests.storage.contract.acts import (
    answer,
    begin,
    begun,
    end,
    found,
    message,
    ran,
    row_of,
    running,
    texts,
    turn_of,
)
from tests.storage.contract.engines import Engine

PNG = Image("image/png", b"content")


def key(row: Conversation | Cursor) -> tuple[bool, int, str]:
    return row.is_pinned, row.updated_at, row.id


async def listed(storage: Storage, limit: int, query: str = "") -> list[Conversation]:
    """All pages of Ann's conversations, one after another."""
    rows: list[Conversation] = []
    after = None
    while page := await storage.conversations.page("ann", limit=limit, after=after, query=query):
        assert len(page) <= limit
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


async def test_owners_are_told_apart_letter_by_letter(storage: Storage) -> None:
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


# What a title or a message says, what is looked for, and whether it is found.
SEARCHES = [
    ("Straße", "STRASSE", True),
    ("Straße", "straẞe", True),
    ("MASSE", "maße", True),
    ("İstanbul", "i̇STANBUL", True),
    ("ΣΊΣΥΦΟΣ", "σίσυφος", True),
    ("ﬁn", "FIN", True),
    ("\N{KELVIN SIGN}elvin", "kelvin", True),
    ("Привет, Мир", "привет, мир", True),
    ("Ça va", "ca va", False),
    ("one two", "e t", True),
    ("one two", "one  two", False),
    ("100 % sure", "100 %", True),
    ("100 sure", "100 %", False),
    ("100 sure", "1%e", False),
    ("snake_case", "e_c", True),
    ("snake-case", "e_c", False),
    ("C:\\new", "c:\\n", True),
    ("C:/new", "\\", False),
    ("50 \\% off", "\\%", True),
    ("a*b", "*", True),
    ("abc", "a*c", False),
    ("it's", "'", True),
    ('say "hi"', '"HI"', True),
    ("🦊 and 🦉", "🦉", True),
    ("🦊", "🦉", False),
    ("before\0after", "after", True),
    ("before\0after", "before", True),
    ("before\0after", "e\0a", True),
    ("before after", "\0", False),
    ("before after", "before\0", False),
]


@pytest.mark.parametrize(("text", "query", "is_found"), SEARCHES)
async def test_a_search_folds_case_and_takes_each_character_for_itself(
    storage: Storage, text: str, query: str, is_found: bool
) -> None:
    await ran(storage, turn_of("t1", "title"), title=text)
    await ran(storage, turn_of("t2", "renamed"))
    await storage.conversations.change("ann", "renamed", title=text)
    asked = replace(turn_of("t3", "asked"), new_messages=[message("user", "t3", text)])
    await ran(storage, asked)
    answered = turn_of("t4", "answered")
    await begun(storage, answered)
    await storage.turns.end(answered, [message("assistant", "t4", text)], b"[]")
    expected = {"title", "renamed", "asked", "answered"} if is_found else set()
    assert set(await found(storage, query)) == expected


async def test_a_search_looks_in_what_is_said_now(storage: Storage) -> None:
    first = await ran(storage, turn_of())
    await begun(storage, turn_of("walrus", base_length=2))
    assert await found(storage, "walrus") == [], "not settled yet"
    await end(storage, turn_of("walrus", base_length=2), {"type": "reasoning", "text": "otter"})
    assert await found(storage, "walrus") == ["c"]
    assert await found(storage, "otter") == [], "reasoning is not what is said"
    assert await found(storage, "walrus?walrus!") == [], "a message is looked at alone"
    await ran(storage, turn_of("lynx", base_length=2))
    assert await found(storage, "walrus") == []
    assert await found(storage, "lynx!") == await found(storage, first.turn_id) == ["c"]


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


async def test_a_hidden_conversation_exists_for_nobody(storage: Storage, other: Storage) -> None:
    await ran(storage, turn_of())
    row = await row_of(storage)
    assert await storage.conversations.hidden() == []
    assert await storage.conversations.hide("ann", "c")
    assert not await other.conversations.hide("ann", "c")
    assert not await other.conversations.hide("ann", "none")
    assert await other.conversations.get("ann", "c") is None
    assert await other.conversations.page("ann", limit=10, after=None, query="") == []
    assert await found(other, "hello") == await found(other, "t1") == []
    assert await other.conversations.change("ann", "c", title="x") is None
    for userid in ("ann", "bob"):
        assert await begin(other, turn_of("t2", userid=userid, base_length=2)) == (None, None)
    assert await other.turns.claim(turn_of("t2", base_length=2), row, "x", [], most_running=20) is None
    assert await other.conversations.hidden() == await storage.conversations.hidden() == ["c"]


async def test_an_erased_conversation_leaves_nothing(storage: Storage, other: Storage) -> None:
    token = await storage.images.put("ann", "c", PNG)
    turn = await ran(storage, turn_of(), {"type": "picture", "token": token})
    kept = await storage.images.put("ann", "kept", PNG)
    await ran(storage, turn_of("kept", "kept"), {"type": "picture", "token": kept})
    await storage.conversations.hide("ann", "c")
    await storage.conversations.erase("c")
    await storage.conversations.erase("c")
    await other.conversations.erase("none")
    for one in (storage, other):
        assert await one.conversations.hidden() == []
        assert await one.history.read("c") == []
        assert await one.images.get(token) is None
        assert await one.images.home("ann", token) is None
        assert await one.turns.log(turn) is None
        assert await one.images.get(kept) == PNG
        assert await texts(one, "kept") == ["kept?", "kept!"]
    # Its id is free, and nothing of the old one is in the new one.
    made, claim = await begin(other, turn_of("t2", userid="bob"))
    assert made is not None
    assert claim is not None
    assert (made.message_count, made.version, claim.base) == (0, 0, [])
    assert await found(other, "t1", "bob") == []
    await end(other, turn_of("t2", userid="bob"))
    assert await texts(storage) == ["t2?", "t2!"]


async def test_only_a_hidden_conversation_is_erased(storage: Storage, other: Storage) -> None:
    """Two processes may end a deletion, and the id may be in use again before the second does."""
    await ran(storage, turn_of())
    await storage.conversations.hide("ann", "c")
    await storage.conversations.erase("c")
    token = await storage.images.put("bob", "c", PNG)
    await ran(storage, turn_of("t2", userid="bob"), {"type": "picture", "token": token})
    await begun(storage, turn_of("t3", userid="bob", base_length=2))
    await other.conversations.erase("c")
    assert await texts(storage) == ["t2?", "t2!"]
    assert await found(storage, "t2!", "bob") == ["c"]
    assert await storage.images.get(token) == PNG
    assert (await running(storage)).turn.turn_id == "t3"


async def test_a_deletion_that_a_crash_cut_is_ended_by_another_process(
    engine: Engine, storage: Storage, other: Storage
) -> None:
    token = await storage.images.put("ann", "c", PNG)
    await begun(storage, turn_of())
    await storage.conversations.hide("ann", "c")
    await engine.crash(storage)
    assert await other.conversations.hidden() == ["c"]
    left = await running(other)
    assert await other.turns.take_over(left)
    await other.turns.end(left.turn, answer(left.turn, {"type": "picture", "token": token}), b"[]")
    assert await other.conversations.get("ann", "c") is None
    await other.conversations.erase("c")
    assert await other.conversations.hidden() == []
    assert await other.history.read("c") == []
    assert await other.images.get(token) is None


async def test_one_is_erased_with_a_turn_that_nobody_ended(storage: Storage, other: Storage) -> None:
    await begun(storage, turn_of())
    await storage.conversations.hide("ann", "c")
    await other.conversations.erase("c")
    assert await storage.turns.running("c") is None
    assert await storage.turns.unfinished() == []
    assert await storage.conversations.hidden() == []
