"""Two processes that do anything in any order and die at any time: what is stored is what a simple model has."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from mockbackend.messages import Message, text_of
from mockbackend.storage import Claim, Conversation, RunningTurn, Storage, TooManyTurns, Turn, Window
from tests.harness.examples import examples
from tests.storage.contract.acts import ALL, SPENT, answer, at_most, begin, kept, message, said_in, turn_of
from tests.storage.contract.engines import Engine, NewEngine
from tests.storage.contract.model import Modelled, Open

MOST = 2
T = TypeVar("T")
processes = st.integers(0, 1)
ids = st.sampled_from("abc")
users = st.sampled_from(["ann", "bob"])
parts = st.floats(0, 1)
windows = st.sampled_from([None, ALL])


class Processes(RuleBasedStateMachine):
    """The machine, for one engine."""

    new_engine: NewEngine

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._engine: Engine = self.new_engine()
        self._stores: list[Storage] = [self._do(self._engine.open()) for _ in range(2)]
        self._model: dict[str, Modelled] = {}
        self._seen: tuple[Conversation, list[Message]] | None = None
        self._over: list[Turn] = []
        self._number = 0
        self._looking = 0

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def teardown(self) -> None:
        self._do(self._engine.close())
        self._runner.close()

    def _next(self, user: str, conversation_id: str, part: float, count: int) -> Turn:
        self._number += 1
        return turn_of(f"t{self._number}", conversation_id, userid=user, base_length=round(part * count))

    def _others(self, user: str, conversation_id: str) -> int:
        """How many turns of the user run, in other conversations."""
        opened = [(name, one.open) for name, one in self._model.items() if one.owner == user]
        return len([name for name, turn in opened if name != conversation_id and turn and turn.owner is not None])

    def _opened(self, process: int, conversation_id: str) -> Modelled | None:
        """The conversation, if that process runs its turn."""
        one = self._model.get(conversation_id)
        return one if one and one.open and one.open.owner == process else None

    @rule(process=processes, user=users, name=ids, part=parts, with_base=st.booleans(), window=windows)
    def begin(self, process: int, user: str, name: str, part: float, *, with_base: bool, window: Window | None) -> None:
        one = self._model.get(name)
        turn = self._next(user, name, part, len(one.history) if one else 0)
        work = begin(
            self._stores[process], turn, title=turn.turn_id, running_limit=MOST, with_base=with_base, window=window
        )
        if one and (one.owner != user or one.is_hidden):
            assert self._do(work) == (None, None)
        elif self._others(user, name) >= MOST:
            with pytest.raises(TooManyTurns):
                self._do(work)
        else:
            row, claim = self._do(work)
            assert row
            one = self._model.setdefault(name, Modelled(user, turn.turn_id))
            assert (row.title, row.message_count, row.version) == (one.title, len(one.history), one.version)
            self._claimed(process, one, turn, claim, with_base=with_base)

    def _claimed(self, process: int, one: Modelled, turn: Turn, claim: Claim | None, *, with_base: bool) -> None:
        assert (claim is None) == (one.open is not None)
        if claim:
            assert claim.turn == turn
            assert said_in(claim) == ("".join(one.history[: turn.base_length]) if with_base else "")
            one.open = Open(turn, process)

    @rule(process=processes, user=users, name=ids)
    def cancelled_begin(self, process: int, user: str, name: str) -> None:
        one = self._model.get(name)
        turn = self._next(user, name, 1, len(one.history) if one else 0)

        async def cancelled() -> None:
            loop = asyncio.get_running_loop()

            def place(_: Conversation) -> Turn:
                loop.call_soon_threadsafe(task.cancel)
                return turn

            store = self._stores[process]
            work = store.turns.begin(user, name, "x", place, limits=at_most(9), with_base=True)
            task = asyncio.create_task(work)
            with contextlib.suppress(asyncio.CancelledError):
                _, claim = await task
                assert claim is None
            # What is asked of it next comes after what it still does.
            await store.conversations.get(user, name)

        self._do(cancelled())

    @precondition(lambda self: self._model)
    @rule(process=processes, name=ids)
    def look(self, process: int, name: str) -> None:
        """Read what a later claim is placed in."""
        store, one = self._stores[process], self._model.get(name)
        if one and not one.open and not one.is_hidden:
            row = self._do(store.conversations.get(one.owner, name))
            assert row
            self._seen = row, self._do(store.history.read(name))

    @precondition(lambda self: self._seen)
    @rule(process=processes, part=parts)
    def claim(self, process: int, part: float) -> None:
        assert self._seen
        row, history = self._seen
        one = self._model.get(row.id)
        user = one.owner if one else "ann"
        turn = self._next(user, row.id, part, len(history))
        work = self._stores[process].turns.claim(turn, row, f"{turn.turn_id} x", with_base=True, limits=at_most(MOST))
        if self._others(user, row.id) >= MOST:
            with pytest.raises(TooManyTurns):
                self._do(work)
            return
        claim = self._do(work)
        if not one or one.is_hidden or one.version != row.version:
            assert claim is None
        else:
            self._claimed(process, one, turn, claim, with_base=True)
            if claim:
                one.title = f"{turn.turn_id} x"

    @rule(process=processes, name=ids, keeps=st.booleans())
    def end(self, process: int, name: str, *, keeps: bool) -> None:
        if one := self._opened(process, name):
            assert one.open
            turn = one.open.turn
            new = kept([*turn.new_messages, *answer(turn)], turn.base_length) if keeps else []
            self._do(self._stores[process].turns.end(turn, answer(turn), b"[9]", SPENT, new))
            self._settled(one, f"{turn.turn_id}!")

    def _settled(self, one: Modelled, last: str) -> None:
        assert one.open
        self._over.append(one.open.turn)
        one.history, one.open, one.version = one.after(last), None, one.version + 1

    @precondition(lambda self: self._over)
    @rule(process=processes, data=st.data())
    def late(self, process: int, data: st.DataObject) -> None:
        """What comes after a turn's end changes nothing."""
        turn, turns = data.draw(st.sampled_from(self._over)), self._stores[process].turns
        self._do(turns.end(turn, answer(turn), b"[8]", SPENT))
        self._do(turns.write_logs([(turn, b"[8]", SPENT)]))
        self._do(turns.give_up(turn, b"[8]", SPENT))

    @rule(process=processes, name=ids)
    def write_log(self, process: int, name: str) -> None:
        if one := self._opened(process, name):
            assert one.open
            self._number += 1
            one.open.log = f"[{self._number}]".encode()
            self._do(self._stores[process].turns.write_logs([(one.open.turn, one.open.log, SPENT)]))

    @rule(process=processes, name=ids)
    def give_up(self, process: int, name: str) -> None:
        if one := self._opened(process, name):
            assert one.open
            self._do(self._stores[process].turns.give_up(one.open.turn, b"[7]", SPENT))
            one.open.owner, one.open.log = None, b"[7]"

    @rule(process=processes)
    def crash(self, process: int) -> None:
        self._do(self._engine.crash(self._stores[process]))
        self._reopen(process)

    @rule(process=processes, name=ids)
    def crash_in_end(self, process: int, name: str) -> None:
        if one := self._opened(process, name):
            assert one.open
            one.open.written = True
            turn = one.open.turn
            self._do(self._engine.crash_in_end(self._stores[process], turn, answer(turn)))
            self._reopen(process)

    def _reopen(self, process: int) -> None:
        for one in self._model.values():
            if one.open and one.open.owner == process:
                one.open.owner = None
        self._stores[process] = self._do(self._engine.open())

    @rule(process=processes)
    def recover(self, process: int) -> None:
        turns = self._stores[process].turns
        for left in self._do(turns.unfinished()):
            one = self._model[left.turn.conversation_id]
            assert one.open
            assert self._do(turns.take_over(left)) == (one.open.owner in (None, process))
            if one.open.owner is None:
                self._do(turns.end(left.turn, [message("assistant", left.turn.turn_id, "cut")], b"[]", SPENT))
                last = "cut"
                if one.open.written:
                    *_, stored = self._do(self._stores[process].history.read(left.turn.conversation_id))
                    last = text_of(stored)
                    assert last in ("cut", f"{left.turn.turn_id}!")
                self._settled(one, last)

    @rule(process=processes, user=users, name=ids)
    def rename(self, process: int, user: str, name: str) -> None:
        self._number += 1
        row = self._do(self._stores[process].conversations.change(user, name, title=f"n{self._number}"))
        one = self._model.get(name)
        assert (row is not None) == (one is not None and one.owner == user and not one.is_hidden)
        if one and row:
            one.title = f"n{self._number}"

    @rule(process=processes, user=users, name=ids)
    def hide(self, process: int, user: str, name: str) -> None:
        is_hidden = self._do(self._stores[process].conversations.hide(user, name))
        one = self._model.get(name)
        assert is_hidden == (one is not None and one.owner == user and not one.is_hidden)
        if one and is_hidden:
            one.is_hidden = True

    @rule(process=processes, name=ids)
    def erase(self, process: int, name: str) -> None:
        self._do(self._stores[process].conversations.erase(name))
        one = self._model.get(name)
        if one and one.is_hidden:
            del self._model[name]

    @invariant()
    def everything_is_as_the_model_has_it(self) -> None:
        # In one process after the other, of which each sees what every other does.
        self._looking = 1 - self._looking
        self._do(self._check(self._looking, self._stores[self._looking]))

    async def _check(self, process: int, store: Storage) -> None:
        for name in "abc":
            one = self._model.get(name)
            said = [text_of(stored) for stored in await store.history.read(name)]
            expected = [one.history if one else []]
            if one and one.open and one.open.written:
                expected.append(one.after(f"{one.open.turn.turn_id}!"))
            assert said in expected
            assert self._is_running(one.open if one else None, process, await store.turns.running(name))
        for user in ("ann", "bob"):
            theirs = {name: one for name, one in self._model.items() if one.owner == user and not one.is_hidden}
            rows = await store.conversations.page(user, limit=9, after=None, query="")
            assert {row.id: (row.title, row.version, row.message_count) for row in rows} == {
                name: (one.title, one.version, len(one.after("")) - 1 if one.open else len(one.history))
                for name, one in theirs.items()
            }
            rows = await store.conversations.page(user, limit=9, after=None, query="!")
            assert {row.id for row in rows} == {
                name for name, one in theirs.items() if any("!" in said for said in one.history)
            }
        hidden = {name for name, one in self._model.items() if one.is_hidden}
        assert set(await store.conversations.hidden()) == hidden

    def _is_running(self, expected: Open | None, process: int, found: RunningTurn | None) -> bool:
        if expected is None or found is None:
            return expected is None and found is None
        is_ours, is_alive = expected.owner == process, expected.owner is not None
        return found == RunningTurn(expected.turn, expected.log, SPENT, False, is_ours, is_alive)


@pytest.mark.slow
def test_what_is_stored_is_what_the_model_has(new_engine: NewEngine) -> None:
    class Machine(Processes):
        pass

    Machine.new_engine = staticmethod(new_engine)
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=examples(15), stateful_step_count=max(15, examples(30)))
    )
