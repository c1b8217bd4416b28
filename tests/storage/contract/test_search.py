"""Search: in what is said now and in titles, in any case, each character for itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mockbackend.storage import Storage
from tests.storage.contract.acts import SPENT, begun, end, found, message, ran, turn_of

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
    await storage.turns.end(answered, [message("assistant", "t4", text)], b"[]", SPENT)
    await ran(storage, turn_of("qq", "says nothing of it"))
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
