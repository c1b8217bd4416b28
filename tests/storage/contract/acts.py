"""What the tests do to a store again and again: turns that begin, end, and are taken over."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from mockbackend.messages import Message, Part, text_of
from mockbackend.storage import Claim, ClaimLimits, Conversation, Exchange, RunningTurn, Spent, Storage, Turn, Window
from mockbackend.storage.exchanges import exchanges

Role = Literal["user", "assistant"]
# What a turn spends where that is of no account.
SPENT = Spent(1)
# Room for all that was kept.
ALL = Window("chat", None, 2_000)
# What a user may store where that is of no account.
ROOM = 10**9


def at_most(running: int) -> ClaimLimits:
    """So many running turns, and enough of all else."""
    return ClaimLimits(running, 10_000)


def message(role: Role, turn: str, text: str, *parts: Part) -> Message:
    """A message of that turn which says this, and holds these parts."""
    words: Part = {"type": "text", "text": text}
    return {"id": f"{turn}-{role}", "role": role, "turn": turn, "at": 1, "parts": [words, *parts]}


def turn_of(turn: str = "t1", conversation_id: str = "c", *, userid: str = "ann", base_length: int = 0) -> Turn:
    """A turn in which the user says its name."""
    new = [message("user", turn, f"{turn}?")]
    return Turn(userid, conversation_id, turn, f"{turn}-assistant", 1, "data", base_length, new)


def answer(turn: Turn, *parts: Part) -> list[Message]:
    """What the model says to it."""
    return [message("assistant", turn.turn_id, f"{turn.turn_id}!", *parts)]


def kept(messages: list[Message], position: int = 0, *, without: Collection[int] = ()) -> list[Exchange]:
    """The exchanges of these messages, with the texts as bytes but for those at these places; each takes ten tokens."""
    return [
        one
        if one.position in without
        else one._replace(wire="".join(map(text_of, one.messages)).encode(), shape="chat", kept_tokens=10, kept_sent=2)
        for one in exchanges(messages, position)
    ]


def said_in(claim: Claim) -> str:
    """All that the history before a turn says, whatever the claim has of it."""
    words = [text_of(one) for one in claim.base]
    for one in claim.exchanges or []:
        words += [text_of(message) for message in one.messages] if one.wire is None else [one.wire.decode()]
    return "".join(words)


async def begin(
    storage: Storage,
    turn: Turn,
    *,
    title: str = "Hello",
    running_limit: int = 20,
    with_base: bool = True,
    window: Window | None = None,
) -> tuple[Conversation | None, Claim | None]:
    """Begin that turn, whatever its conversation is."""
    return await storage.turns.begin(
        *(turn.userid, turn.conversation_id, title, lambda _: turn),
        limits=at_most(running_limit),
        with_base=with_base,
        window=window,
    )


async def begun(storage: Storage, turn: Turn, *, title: str = "Hello", running_limit: int = 20) -> Claim:
    """The claim of that turn, which is got."""
    _, claim = await begin(storage, turn, title=title, running_limit=running_limit)
    assert claim is not None
    return claim


async def end(storage: Storage, turn: Turn, *parts: Part, keeps: bool = True) -> None:
    """End it with its answer; `keeps` what it has for later requests."""
    answers = answer(turn, *parts)
    new = kept([*turn.new_messages, *answers], turn.base_length) if keeps else []
    await storage.turns.end(turn, answers, b"[]", SPENT, new)


async def ran(storage: Storage, turn: Turn, *parts: Part, title: str = "Hello", keeps: bool = True) -> Turn:
    """A turn from its begin to its end."""
    await begun(storage, turn, title=title)
    await end(storage, turn, *parts, keeps=keeps)
    return turn


async def conversation_of_two(storage: Storage) -> None:
    """A conversation of two turns, t1 and t2."""
    await ran(storage, turn_of())
    await ran(storage, turn_of("t2", base_length=2))


async def row_of(storage: Storage, conversation_id: str = "c", userid: str = "ann") -> Conversation:
    """The conversation's row, which is there."""
    row = await storage.conversations.get(userid, conversation_id)
    assert row is not None
    return row


async def running(storage: Storage, conversation_id: str = "c") -> RunningTurn:
    """The conversation's running turn, which is there."""
    found = await storage.turns.running(conversation_id)
    assert found is not None
    return found


async def log_of(storage: Storage, turn: Turn) -> tuple[bytes, bool] | None:
    """The log of that turn as others read it, and whether it is final; None if its row is gone."""
    read = await storage.turns.follow(turn).read()
    return (read.log, read.is_over) if read else None


async def texts(storage: Storage, conversation_id: str = "c") -> list[str]:
    """What each of the settled messages says."""
    return [text_of(one) for one in await storage.history.read(conversation_id)]


async def found(storage: Storage, query: str, userid: str = "ann") -> list[str]:
    """The ids of the user's conversations that a search finds."""
    rows = await storage.conversations.page(userid, limit=100, after=None, query=query)
    return [row.id for row in rows]
