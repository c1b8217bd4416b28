"""One of the processes that run tests, as `workers` has forked it."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
import traceback
import warnings
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import pytest
from _pytest.config import apply_warning_filters
from _pytest.unraisableexception import collect_unraisable

# What it says: of a test that has ended its place among all, its reports and its warnings; or None, to have a module.
Said = tuple[int, list[dict[str, Any]], list[dict[str, Any]]] | None


def work(session: pytest.Session, number: int, pipe: Connection) -> NoReturn:
    """Run what comes through the pipe, in a process just forked, and end it."""
    status = 1
    try:
        _begin(session.config, number)
        _run_modules(session, pipe)
        _look_for_what_is_left_open(session.config)
        status = 0
    except (KeyboardInterrupt, ConnectionError, EOFError):
        # The first process says so, or nobody listens any more.
        session._setupstate.teardown_exact(None)
    except BaseException:
        traceback.print_exc()
    finally:
        # The interpreter would now free all that was imported, and so copy all of it.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
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


def _look_for_what_is_left_open(config: pytest.Config) -> None:
    """Warn as pytest does at its end: what nothing has closed is only seen once it is collected."""
    with warnings.catch_warnings():
        apply_warning_filters(config.getini("filterwarnings"), config.known_args_namespace.pythonwarnings or [])
        gc.collect()
        collect_unraisable(config)


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
