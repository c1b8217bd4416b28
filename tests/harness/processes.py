"""Processes of the code under test: executed in a fresh interpreter, or forked from one that has imported it."""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Protocol, TypeAlias

from tests.harness.preloaded import NUMBER, Job

ROOT = Path(__file__).resolve().parent.parent.parent
# What a process needs of the machine; no setting of the developer's shell reaches the service under test.
_chance = random.SystemRandom()
MEASURED = "COVERAGE_PROCESS_CONFIG"
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", MEASURED)

# A process has what these name from its start, and a fork has it from the process that forks.
LOADED_WITH = ("LD_PRELOAD", "CLOCK_OFFSET")
# numpy's import would start threads, which no fork has.
WITHOUT_THREADS = {"OPENBLAS_NUM_THREADS": "1"}


# Below those that the kernel gives to connections: with other tests running beside, one of these would be in use before
# the server listens.
PORTS = range(15_000, 32_000)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.bind(("127.0.0.1", port := _chance.choice(PORTS)))
            return port


def living_of_group(group: int) -> list[int]:
    """The processes of a group that are not over; those that nobody has waited for are."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return []
    living = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in brackets, may hold anything.
            state, _, its_group, *_ = stat.read_text(errors="replace").rpartition(")")[2].split()
            if int(its_group) == group and state not in "ZX":
                living.append(int(stat.parent.name))
    return living


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process under test: nothing of the developer's shell but what any process needs."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **settings}


# The soft and the hard limit of a resource, by its number in the module `resource`.
Limits: TypeAlias = Mapping[int, tuple[int, int]]


class Process(Protocol):
    """What a test does with a process that it has started, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


def execute(command: list[str], folder: Path, env: dict[str, str], log: IO[bytes]) -> Process:
    """Start a command in a session of its own."""
    return subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)


def run(
    arguments: list[str], folder: Path, settings: Mapping[str, str], *, module: str = "mockbackend", fresh: bool = False
) -> subprocess.CompletedProcess[str]:
    """What `python -m mockbackend` prints, and how it ends; forked unless a `fresh` interpreter is wanted."""
    command, env = [module, *arguments], environment(settings)
    if fresh:
        whole = [sys.executable, "-m", *command]
        return subprocess.run(whole, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        status = fork(command, folder, env, out, error).wait(60)
        printed = []
        for file in (out, error):
            file.seek(0)
            printed.append(file.read().decode())
    return subprocess.CompletedProcess(command, status, *printed)


def fork(
    arguments: list[str],
    folder: Path,
    env: dict[str, str],
    out: IO[bytes],
    error: IO[bytes] | None = None,
    limits: Limits | None = None,
) -> Process:
    """Start what `python -m` with these arguments starts, without its imports: 0.1 CPU seconds instead of 2."""
    reader, writer = os.pipe()
    try:
        bounds = [(number, *bound) for number, bound in (limits or {}).items()]
        control = _preloaded(*(env.get(name) for name in LOADED_WITH))
        Job(arguments, str(folder), env, bounds).send(control, out.fileno(), (error or out).fileno(), writer)
    finally:
        os.close(writer)
    return Forked(reader, " ".join(arguments))


class Forked:
    """A process that `preloaded` has forked; what is known of it comes through the pipe."""

    def __init__(self, pipe: int, name: str) -> None:
        self._pipe = os.fdopen(pipe, "rb", buffering=0)
        self._name = name
        self._status: int | None = None
        self._reading = threading.Lock()
        self.pid = self._read()

    def _read(self) -> int:
        data = self._pipe.read(NUMBER.size)
        if not data:
            self._pipe.close()
            raise RuntimeError(f"the process that forks has ended, and {self._name} with it")
        number: int = NUMBER.unpack(data)[0]
        return number

    def poll(self) -> int | None:
        """The exit status, negative where a signal ended it; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, waited for; TimeoutExpired where it runs on."""
        status = self._ended(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self._name, timeout or 0)
        return status

    def _ended(self, timeout: float | None) -> int | None:
        with self._reading:
            if self._status is None and select.select([self._pipe], [], [], timeout)[0]:
                self._status = self._read()
                self._pipe.close()
            return self._status

    def send_signal(self, sig: int) -> None:
        """Send a signal to it alone; nothing when it is over."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def start_preloading() -> None:
    """Start the process that forks now; processes that are forked from this one use it as well."""
    _preloaded(*(None for _ in LOADED_WITH))


# Kept, since a process that is forked from this one forgets the rest, and Python warns of one that nothing refers to.
_forking: list[subprocess.Popen[bytes]] = []


@cache
def _preloaded(*loaded_with: str | None) -> socket.socket:
    """The way to the process that forks, one for all tests of this one, and one for each clock."""
    env = {name: value for name, value in zip(LOADED_WITH, loaded_with, strict=True) if value is not None}
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.preloaded", str(theirs.fileno())],
            cwd=ROOT,
            env=environment({**env, **WITHOUT_THREADS}),
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    @atexit.register
    def end() -> None:
        ours.close()
        process.wait()

    _forking.append(process)
    return ours
