"""Run the tests in several processes, forked once the tests are collected: `pytest --workers 4`.

With pytest-xdist each process collects all tests by itself, a tenth of a quick run. A worker has them from the fork.

A worker is given a module at a time, so that fixtures of a module are made once; what has slow tests goes first, then
what has many. Before the last test of a module it asks for the next one: pytest must know which test follows, to keep
the fixtures that this needs as well. For each test that has ended it sends what was reported. A worker that dies is a
failure of the test that it ran, and another takes its place.

It needs what pytest keeps to itself (`_setupstate`, `_tmp_path_factory`, `collect_unraisable`): tried with pytest 9.2.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import Literal

import pytest

from tests.harness.worker import Said, work

# Seconds that a process has to end after it was told to.
TO_DIE = 10.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--workers`."""
    parser.addoption("--workers", type=int, default=0, help="processes that run the tests, forked from this one")


def pytest_configure(config: pytest.Config) -> None:
    """Keep numpy from starting threads where it is imported."""
    if config.option.workers:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run them in workers, where these are wanted and all tests could be collected."""
    workers = session.config.option.workers
    if not workers or session.testsfailed or session.config.option.collectonly:
        return None
    _Run(session).run(workers)
    return True


def by_module(items: list[pytest.Item]) -> list[list[int]]:
    """The tests of each module, by their place among all: modules with slow tests first, then those of many tests."""
    modules: dict[str, list[int]] = {}
    slow = set()
    for number, item in enumerate(items):
        module = item.nodeid.partition("::")[0]
        modules.setdefault(module, []).append(number)
        if item.get_closest_marker("slow"):
            slow.add(module)
    return [modules[name] for name in sorted(modules, key=lambda name: (name not in slow, -len(modules[name])))]


@dataclass(slots=True, eq=False)
class _Worker:
    """A process, the tests that it has not ended, in their order, and when it was last heard of."""

    pid: int
    pipe: Connection
    # Becomes readable when the process ends, whoever else has its end of the pipe.
    pidfd: int
    left: deque[int] = field(default_factory=deque)
    ended: int = 0
    heard: float = field(default_factory=time.monotonic)
    aborted: bool = False

    def stop_if_it_hangs(self, longest: float) -> None:
        """End it if its test takes too long: it says where it stands, if it still can."""
        silent = time.monotonic() - self.heard
        if silent > longest and not self.aborted:
            self.aborted = True
            os.kill(self.pid, signal.SIGABRT)
        elif silent > longest + TO_DIE:
            os.kill(self.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Its exit status, once it has ended."""
        self.pipe.close()
        os.close(self.pidfd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class _Run:
    """All tests of a session, run by workers; what they report is reported here."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._config = session.config
        self._modules = deque(by_module(session.items))
        self._workers: list[_Worker] = []
        self._forked = 0
        self._longest = float(self._config.getini("faulthandler_timeout") or math.inf)
        # Each worker has a folder below, which is made before there are several of them.
        self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]

    def run(self, workers: int) -> None:
        try:
            for _ in range(min(workers, len(self._modules))):
                self._fork()
            while self._workers:
                self._hear_all()
                if self._session.shouldfail:
                    raise self._session.Failed(self._session.shouldfail)
                if self._session.shouldstop:
                    raise self._session.Interrupted(self._session.shouldstop)
        finally:
            self._end_all()

    def _hear_all(self) -> None:
        ready = wait([of for worker in self._workers for of in (worker.pipe, worker.pidfd)], timeout=1.0)
        for worker in list(self._workers):
            if worker.pipe in ready:
                self._hear(worker)
            elif worker.pidfd in ready:
                self._ended(worker)
            else:
                worker.stop_if_it_hangs(self._longest)

    def _end_all(self) -> None:
        # A worker whose pipe is closed ends with its test.
        for worker in self._workers:
            worker.pipe.close()
        while self._workers:
            ready = wait([worker.pidfd for worker in self._workers], timeout=1.0)
            for worker in list(self._workers):
                if worker.pidfd in ready:
                    self._workers.remove(worker)
                    worker.reap()
                else:
                    worker.stop_if_it_hangs(self._longest)

    def _fork(self) -> None:
        if len(threads := os.listdir("/proc/self/task")) > 1:
            raise RuntimeError(f"imports of tests have started {len(threads) - 1} threads, which no fork would have")
        ours, theirs = Pipe()
        self._forked += 1
        if (pid := os.fork()) == 0:
            for pipe in (ours, *(worker.pipe for worker in self._workers)):
                pipe.close()
            work(self._session, self._forked, theirs)
        theirs.close()
        worker = _Worker(pid, ours, os.pidfd_open(pid))
        self._workers.append(worker)
        self._give(worker)

    def _give(self, worker: _Worker) -> None:
        module = self._modules.popleft() if self._modules else []
        worker.left.extend(module)
        # It may have died meanwhile, which is seen elsewhere.
        with suppress(BrokenPipeError):
            worker.pipe.send(module)

    def _hear(self, worker: _Worker) -> None:
        try:
            said: Said = worker.pipe.recv()
        except (EOFError, OSError):
            # It died, perhaps in the middle of what it said.
            self._ended(worker)
            return
        worker.heard = time.monotonic()
        if said is None:
            self._give(worker)
            return
        number, reports, warned = said
        worker.left.remove(number)
        worker.ended = number
        for of in warned:
            self._config.hook.pytest_warning_recorded.call_historic(kwargs=of)
        from_data = self._config.hook.pytest_report_from_serializable
        self._report(number, [from_data(config=self._config, data=data) for data in reports])

    def _report(self, number: int, reports: list[pytest.TestReport]) -> None:
        hook = self._config.hook
        item = self._session.items[number]
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in reports:
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _ended(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        # It may have closed the pipe and live on.
        if not wait([worker.pidfd], timeout=TO_DIE):
            os.kill(worker.pid, signal.SIGKILL)
        status = worker.reap()
        if worker.left:
            self._fail(worker.left.popleft(), f"the process that ran it has ended with {status}", "call")
        elif status:
            self._fail(worker.ended, f"the process that ran this last has ended with {status}", "teardown")
        if worker.left:
            self._modules.appendleft(list(worker.left))
        if self._modules:
            self._fork()

    def _fail(self, number: int, happened: str, when: Literal["call", "teardown"]) -> None:
        item = self._session.items[number]
        self._report(number, [pytest.TestReport(item.nodeid, item.location, {}, "failed", happened, when)])
