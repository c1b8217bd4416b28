"""`mockbackend mock`: the service on the emulator for tests, with a folder of its own, and a command beside it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import orjson

from .. import log as logs
from ..mock.script import ScriptError, load_scenarios
from ..settings import Settings, SettingsError, load_settings
from .command import NOT_EXECUTABLE, SIGNALS, Command, find_problem
from .listening import listen
from .mock_folder import mock_folder
from .report import ReportError, in_words, read
from .serve import load
from .workers import Supervisor, Work

HOST = "127.0.0.1"
USERNAME = PASSWORD = "mock"  # noqa: S105
EMULATOR_PATH = "/__mock__/azure"
# The emulator takes any key.
KEY = "mock"
API_VERSION = "2024-10-21"
# What ends it. The others have a meaning only for a command.
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Fields that the environment does not set: what names an engine or a place, and what a mock is by itself. `.env` is not
# read at all, since it is a developer's, and tests should be the same everywhere.
FIXED = frozenset(
    field.name
    for field in dataclasses.fields(Settings)
    if field.name.startswith(("azure_", "openai_", "database_", "backend_auth_", "otel_"))
) | {
    "data_dir",
    "mock_record",
    "cors_allow_origins",
    "public_url",
    "trusted_proxies",
    "bind_host",
    "port",
    "web_concurrency",
    "drain_seconds",
}


def run(port: int, script: Path | None, workers: int, arguments: list[str]) -> int:
    """Serve until a signal, or the end of the command of these arguments, and return the exit status."""
    if not hasattr(os, "fork"):
        print("mockbackend mock needs a system that can fork processes", file=sys.stderr)
        return 1
    if arguments and (problem := find_problem(arguments)):
        status, words = problem
        print(words, file=sys.stderr)
        return status
    if script is not None:
        try:
            load_scenarios(script)
        except ScriptError as error:
            print(error, file=sys.stderr)
            return 2
    settings = _settings(script, workers)
    listening = listen(HOST, port, "--port")
    if listening is None:
        return 1
    signals = [number for number in (SIGNALS if arguments else ENDING) if not _is_for_nohup(number)]
    for number in ENDING:
        if number in signals:
            signal.signal(number, _leave)
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(mock_folder())
        except OSError as error:
            words = f"cannot make a folder for temporary files: {error.strerror}; set TMPDIR to one that has room"
            print(words, file=sys.stderr)
            return 1
        try:
            return _serve(dataclasses.replace(settings, data_dir=folder), listening, arguments, signals)
        except SettingsError as error:
            # A worker's. What moves the folder is this variable.
            raise SettingsError([problem.replace("DATA_DIR", "TMPDIR") for problem in error.problems]) from error


def _is_for_nohup(number: signal.Signals) -> bool:
    return number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """End before there is anything to drain."""
    sys.exit(128 + number)


def _settings(script: Path | None, workers: int) -> Settings:
    fixed = FIXED if script is None else FIXED | {"mock_script"}
    defaults = Settings(
        backend_auth_username=USERNAME,
        backend_auth_password=PASSWORD,
        cors_allow_origins=("*",),
        mock_script=str(script or ""),
        web_concurrency=workers,
        drain_seconds=0.0,
        log_level="WARNING",
    )
    return load_settings(None, defaults, fixed)


def _serve(
    settings: Settings, listening: socket.socket, arguments: list[str], signals: Sequence[signal.Signals]
) -> int:
    url = f"http://{HOST}:{listening.getsockname()[1]}"
    logs.configure(settings.log_level, settings.log_format)
    work = load(settings, url, for_tests=True)
    command = Command(arguments, _variables(url)) if arguments else None
    return _MockSupervisor(settings.web_concurrency, listening, work, signals, url, command).run()


def _variables(url: str) -> dict[str, str]:
    """What a command finds in its environment."""
    return {
        "MOCK_URL": url,
        "MOCK_LOGIN": f"{USERNAME}:{PASSWORD}",
        "AZURE_OPENAI_ENDPOINT": url + EMULATOR_PATH,
        "AZURE_OPENAI_API_KEY": KEY,
        "AZURE_OPENAI_API_VERSION": API_VERSION,
        "OPENAI_API_VERSION": API_VERSION,
        "OPENAI_BASE_URL": f"{url}{EMULATOR_PATH}/v1",
        "OPENAI_API_KEY": KEY,
    }


class _MockSupervisor(Supervisor):
    """The parent of the workers and of the command, if there is one. It ends when the command does."""

    def __init__(
        self,
        count: int,
        listening: socket.socket,
        work: Work,
        signals: Sequence[signal.Signals],
        url: str,
        command: Command | None,
    ) -> None:
        super().__init__(count, listening, work, signals)
        self._url = url
        self._command = command

    def _on_first_serving(self) -> None:
        started = {
            "url": self._url,
            "emulator_url": self._url + EMULATOR_PATH,
            "login": f"{USERNAME}:{PASSWORD}",
            "pid": os.getpid(),
        }
        print(orjson.dumps(started).decode(), flush=True)
        if self._command is not None:
            with self._signals_blocked():
                if not self._stopping:
                    self._start_command(self._command)

    def _start_command(self, command: Command) -> None:
        try:
            command.start(self._lifeline)
        except OSError as error:
            print(f"the command cannot be run: {error.strerror}", file=sys.stderr)
            self._status = NOT_EXECUTABLE
            self._stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._command is not None and self._command.pid:
            self._command.send(number)
        else:
            super()._on_signal(number, frame)

    def _reap(self) -> None:
        pid, status = os.waitpid(-1, os.WUNTRACED)
        if self._command is not None and pid == self._command.pid:
            if os.WIFSTOPPED(status):
                self._command.stopped(os.WSTOPSIG(status))
            else:
                self._status = self._command.ended(os.waitstatus_to_exitcode(status))
                _print_failures(self._url)
                self._stop()
        elif pid in self._workers and not os.WIFSTOPPED(status):
            self._ended(pid, os.waitstatus_to_exitcode(status))


def _print_failures(url: str) -> None:
    """Print the reports of the scenarios that failed and are still there."""
    try:
        reports = read(url, None, f"{USERNAME}:{PASSWORD}")
    except ReportError as error:
        print(error, file=sys.stderr)
        return
    for name, report in reports.items():
        if not report["ok"]:
            print(in_words(name, report), file=sys.stderr)
