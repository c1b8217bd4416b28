"""Run the tests in several processes, forked once the tests are collected: `pytest --workers 4`.

With pytest-xdist each process collects all tests by itself, a tenth of a quick run. A worker has them from the fork.
It takes one module after another, so fixtures of a module are made once; what has slow tests goes first, then what
has many. A worker that dies is a failure of the test that it ran, and another takes its place.
"""

from __future__ import annotations

import atexit
import math
import os
import signal
import threading
import time
import traceback
import warnings
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, NoReturn

import pytest

# What a worker says of a test that has ended: its place among all, reports, and warnings; None before its module's last
# test, when it may have another module.
Said = tuple[int, list[dict[str, Any]], list[dict[str, Any]]] | None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--workers`."""
    parser.addoption("--workers", type=int, default=0, help="processes that run the tests, forked from this one")


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


@dataclass(slots=True)
class _Worker:
    """A process and the tests that it has not ended, the one that it runs first."""

    pid: int
    pipe: Connection
    left: deque[int] = field(default_factory=deque)
    heard: float = field(default_factory=time.monotonic)


class _Run:
    """All tests of a session, run by workers; what they report is reported here."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._config = session.config
        self._modules = deque(by_module(session.items))
        self._workers: dict[Connection, _Worker] = {}
        self._forked = 0
        self._longest = float(self._config.getini("faulthandler_timeout") or math.inf)
        # Each worker has a folder below, which is made before there are several of them.
        self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]

    def run(self, workers: int) -> None:
        try:
            for _ in range(min(workers, len(self._modules))):
                self._fork()
            while self._workers:
                for pipe in wait(list(self._workers), timeout=1.0):
                    assert isinstance(pipe, Connection)
                    self._hear(self._workers[pipe])
                self._abort_what_hangs()
                if self._session.shouldfail:
                    raise self._session.Failed(self._session.shouldfail)
                if self._session.shouldstop:
                    raise self._session.Interrupted(self._session.shouldstop)
        finally:
            # A worker whose pipe is closed ends with its test.
            for worker in self._workers.values():
                worker.pipe.close()
            for worker in self._workers.values():
                os.waitpid(worker.pid, 0)

    def _abort_what_hangs(self) -> None:
        """End a worker whose test takes too long; it says where it stands."""
        for worker in self._workers.values():
            if time.monotonic() - worker.heard > self._longest:
                worker.heard = math.inf
                os.kill(worker.pid, signal.SIGABRT)

    def _fork(self) -> None:
        ours, theirs = Pipe()
        if threading.active_count() > 1:
            raise RuntimeError(f"imports of tests have started threads, which no fork has: {threading.enumerate()}")
        self._forked += 1
        if (pid := os.fork()) == 0:
            ours.close()
            for worker in self._workers.values():
                worker.pipe.close()
            work(self._session, self._forked, theirs)
        theirs.close()
        self._workers[ours] = worker = _Worker(pid, ours)
        self._give(worker)

    def _give(self, worker: _Worker) -> None:
        module = self._modules.popleft() if self._modules else []
        worker.left.extend(module)
        # Of one that has ended meanwhile its pipe tells.
        with suppress(BrokenPipeError):
            worker.pipe.send(module)

    def _hear(self, worker: _Worker) -> None:
        try:
            said: Said = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._ended(worker)
            return
        worker.heard = time.monotonic()
        if said is None:
            self._give(worker)
            return
        number, reports, warned = said
        worker.left.remove(number)
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
        del self._workers[worker.pipe]
        worker.pipe.close()
        _, status = os.waitpid(worker.pid, 0)
        if not worker.left:
            return
        ran = worker.left.popleft()
        item = self._session.items[ran]
        happened = f"the process that ran it has ended with {os.waitstatus_to_exitcode(status)}"
        self._report(ran, [pytest.TestReport(item.nodeid, item.location, {}, "failed", happened, "call")])
        if worker.left:
            self._modules.appendleft(list(worker.left))
        if self._modules:
            self._fork()


def work(session: pytest.Session, number: int, pipe: Connection) -> NoReturn:
    """Run what comes through the pipe, in a process just forked, and end it."""
    status = 1
    try:
        _begin(session.config, number)
        _run_modules(session, pipe)
        status = 0
    except (KeyboardInterrupt, BrokenPipeError, EOFError):
        # The first process says so, or nobody listens any more.
        session._setupstate.teardown_exact(None)
    except BaseException:
        traceback.print_exc()
    finally:
        # The interpreter would now free all that was imported, and so copy all of it.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        os._exit(status)


def _begin(config: pytest.Config, number: int) -> None:
    # What is to happen at the end of the first process happens there.
    atexit._clear()
    config.pluginmanager.unregister(name="terminalreporter")
    # It would start a thread for each test, to look whether that takes too long.
    config.pluginmanager.unregister(name="faulthandler")
    # What a test prints lies in a file that was opened before the fork.
    capture = config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()
    factory: Any = config._tmp_path_factory  # type: ignore[attr-defined]
    factory._basetemp = factory.getbasetemp() / f"worker-{number}"
    factory._basetemp.mkdir(mode=0o700)


def _run_modules(session: pytest.Session, pipe: Connection) -> None:
    said = _Said(session.config)
    session.config.pluginmanager.register(said)

    def run(number: int, following: int | None) -> None:
        item, nextitem = session.items[number], None if following is None else session.items[following]
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        pipe.send((number, said.reports, said.warnings))
        said.clear()

    module: list[int] = pipe.recv()
    while module:
        for number, following in pairwise(module):
            run(number, following)
        # What the next module needs as well is kept for it.
        pipe.send(None)
        next_module: list[int] = pipe.recv()
        run(module[-1], next_module[0] if next_module else None)
        module = next_module


class _Said:
    """What is reported in a worker while it runs a test."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.clear()

    def clear(self) -> None:
        self.reports: list[dict[str, Any]] = []
        self.warnings: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        assert data is not None
        self.reports.append(data)

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: tuple[str, int, str] | None
    ) -> None:
        # What it is about need not be fit to be sent.
        of = warning_message
        sent = warnings.WarningMessage(str(of.message), of.category, of.filename, of.lineno)
        self.warnings.append({"warning_message": sent, "when": when, "nodeid": nodeid, "location": location})
