"""Deletions: at once for everybody, and then to their end, by whichever process."""

from __future__ import annotations

from mockbackend.storage import Image, Storage
from tests.storage.contract.acts import (
    ROOM,
    SPENT,
    answer,
    at_most,
    begin,
    begun,
    end,
    found,
    log_of,
    ran,
    row_of,
    running,
    texts,
    turn_of,
)
from tests.storage.contract.engines import Engine

PNG = Image("image/png", b"content")


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
    assert await other.turns.claim(turn_of("t2", base_length=2), row, "x", with_base=False, limits=at_most(20)) is None
    assert await other.conversations.hidden() == await storage.conversations.hidden() == ["c"]


async def test_an_erased_conversation_leaves_nothing(storage: Storage, other: Storage) -> None:
    token = await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    turn = await ran(storage, turn_of(), {"type": "picture", "token": token})
    kept = await storage.images.put("ann", "kept", PNG, user_bytes=ROOM)
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
        assert await log_of(one, turn) is None
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
    token = await storage.images.put("bob", "c", PNG, user_bytes=ROOM)
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
    token = await storage.images.put("ann", "c", PNG, user_bytes=ROOM)
    await begun(storage, turn_of())
    await storage.conversations.hide("ann", "c")
    await engine.crash(storage)
    assert await other.conversations.hidden() == ["c"]
    left = await running(other)
    assert await other.turns.take_over(left)
    await other.turns.end(left.turn, answer(left.turn, {"type": "picture", "token": token}), b"[]", SPENT)
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
