"""A process that is killed before any one statement of a turn's claim and end: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from mockbackend.agent.graph import compile_graph
from mockbackend.messages import text_of
from mockbackend.storage.embedded import EmbeddedStorage, checkpoints
from mockbackend.storage.embedded.database import Session
from mockbackend.storage.embedded.sqlite import Row
from mockbackend.turn.heartbeat import Heartbeat
from mockbackend.turn.recovery import Recovery
from mockbackend.turn.registry import RunRegistry
from tests.storage.contract.acts import ALL, SPENT, begin, end, found, ran, row_of, said_in, texts, turn_of
from tests.storage.contract.engines import Embedded

pytestmark = pytest.mark.slow
LOG = b'[["StepStarted",{"message_id":"m"}],["TextDelta",{"text":"cut"}]]'
# What is there before the turn, and how much of it stays.
BASES = {
    "first": (0, 0),
    "second": (1, 2),
    "later": (3, 6),
    "regenerated": (3, 4),
    "within a turn": (3, 3),
    "all": (3, 0),
}


class Killed(BaseException):
    """The process is no more."""


class Killer:
    """Kills before the statement of that number, from 1 on, and whatever would come after it."""

    def __init__(self, number: int) -> None:
        self._left = number

    def strike(self) -> None:
        self._left -= 1
        if self._left <= 0:
            raise Killed


class Connection:
    """A connection to the saver's database, each statement of which may be the last."""

    def __init__(self, connection: Any, killer: Killer) -> None:
        self._connection = connection
        self._killer = killer

    def execute(self, statement: str, values: Any = ()) -> Any:
        self._killer.strike()
        return self._connection.execute(statement, values)

    def commit(self) -> None:
        self._killer.strike()
        self._connection.commit()

    def rollback(self) -> None:
        self._killer.strike()
        self._connection.rollback()

    def close(self) -> None:
        self._connection.close()


@asynccontextmanager
async def killed_at(number: int, storage: EmbeddedStorage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """From here on the process dies before its statement of that number."""
    killer, execute = Killer(number), Session.execute

    def counted(session: Session, statement: str, *values: Any) -> list[Row]:
        killer.strike()
        return execute(session, statement, *values)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "execute", counted)
        patch.setattr(storage.turns._checkpoints, "conn", Connection(storage.turns._checkpoints.conn, killer))
        with contextlib.suppress(Killed):
            yield
        # What it has posted and not waited for dies as well.
        with contextlib.suppress(Killed):
            await storage.databases[-1].run(lambda session: session.execute("SELECT 1"))


async def recovered(engine: Embedded) -> EmbeddedStorage:
    """The next process, which has settled what the dead one left."""
    storage = await engine.open()
    assert isinstance(storage, EmbeddedStorage)
    heartbeat = Heartbeat(storage.turns, RunRegistry(), 600)
    await Recovery(storage, RunRegistry(), heartbeat).recover_all()
    await heartbeat.close()
    return storage


async def stock_texts(folder: Path) -> list[str]:
    """What each message says, as LangGraph's own saver reads them."""
    async with AsyncSqliteSaver.from_conn_string(str(folder / checkpoints.NAME)) as stock:
        state = await compile_graph(stock).aget_state({"configurable": {"thread_id": "c"}})
    return [text_of(one) for one in state.values.get("messages", [])]


@pytest.mark.parametrize("case", BASES)
async def test_a_kill_before_any_statement_loses_and_doubles_nothing(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, base = BASES[case]
    engine = Embedded(tmp_path / "before")
    storage = await engine.open()
    for number in range(count):
        await ran(storage, turn_of(f"t{number}", base_length=2 * number))
    before = await texts(storage)
    await engine.close()
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        await asyncio.to_thread(shutil.copytree, tmp_path / "before", folder)
        engine = Embedded(folder)
        try:
            is_over = await _killed(engine, folder, number, before, base, monkeypatch)
        finally:
            await engine.close()
        if is_over:
            break
    assert number > 15


async def _killed(
    engine: Embedded, folder: Path, number: int, before: list[str], base: int, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Whether the turn was over before the kill; what is left is as it should be."""
    dying = await engine.open()
    assert isinstance(dying, EmbeddedStorage)
    turn = turn_of("new", base_length=base)
    is_acknowledged = is_over = False
    async with killed_at(number, dying, monkeypatch):
        await begin(dying, turn)
        is_acknowledged = True
        await dying.turns.write_logs([(turn, LOG, SPENT)])
        await end(dying, turn)
        is_over = True
    await engine.crash(dying)
    storage = await recovered(engine)
    left = await texts(storage)
    kept = before[:base]
    unanswered, cut, whole = [*kept, "new?", ""], [*kept, "new?", "cut"], [*kept, "new?", "new!"]
    allowed = [whole] if is_over else [whole, cut, unanswered] if is_acknowledged else [before, unanswered]
    assert left in allowed, f"before statement {number}"
    assert await stock_texts(folder) == left
    if left:
        assert (await row_of(storage)).message_count == len(left)
    assert (await found(storage, "new?") == ["c"]) == ("new?" in left)
    _, claim = await begin(storage, following := turn_of("next", base_length=len(left)), window=ALL)
    assert claim
    assert said_in(claim) == "".join(left), "what was kept is not of this history"
    await end(storage, following)
    assert await texts(storage) == [*left, "next?", "next!"] == await stock_texts(folder)
    return is_over
