"""Search: in what is said now and in titles, in any case, each character for itself."""

from __future__ import annotations

from dataclasses import replace

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


async def test_a_search_folds_case_and_takes_each_character_for_itself(storage: Storage) -> None:
    for number, text in enumerate(dict.fromkeys(text for text, _, _ in SEARCHES)):
        user = f"user {number}"
        title, renamed, asked, answered, silent = (
            turn_of(f"t{number}-{place}", f"{place} {number}", userid=user)
            for place in ("title", "renamed", "asked", "answered", "silent")
        )
        await begun(storage, title, title=text)
        await begun(storage, renamed)
        await storage.conversations.change(user, renamed.conversation_id, title=text)
        await ran(storage, replace(asked, new_messages=[message("user", asked.turn_id, text)]))
        await begun(storage, answered)
        await storage.turns.end(answered, [message("assistant", answered.turn_id, text)], b"[]", SPENT)
        await ran(storage, silent)
        those_that_say_it = {turn.conversation_id for turn in (title, renamed, asked, answered)}
        for said, query, is_found in SEARCHES:
            if said == text:
                expected = those_that_say_it if is_found else set()
                assert set(await found(storage, query, user)) == expected, (text, query)


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
