"""`mockbackend mock` as a process under test."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.harness.processes import Process, environment, fork


class Mock:
    """A running mock: its process, what its line of JSON says, and its folder for temporary files."""

    def __init__(self, process: Process, out: Path, temporary: Path) -> None:
        self.process = process
        self._out = out
        self._temporary = temporary

    @property
    def out(self) -> str:
        """All that it and its command have printed."""
        return self._out.read_text()

    @property
    def started(self) -> dict[str, Any]:
        """What it printed when it could serve, waited for."""
        wait_for(lambda: "\n" in self.out or self.process.poll() is not None)
        line: dict[str, Any] = orjson.loads(self.out.partition("\n")[0])
        return line

    @property
    def folders(self) -> list[str]:
        """The data folders that lie there."""
        return sorted(path.name for path in self._temporary.iterdir())


@contextmanager
def mocking(folder: Path, arguments: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Iterator[Mock]:
    """A mock in a folder, which is also where it makes its own. It is killed at the end, where it has not ended."""
    temporary, out = folder / "tmp", folder / f"out-{time.monotonic_ns()}"
    temporary.mkdir(exist_ok=True)
    settings = environment({"TMPDIR": str(temporary), **(env or {})})
    with out.open("wb") as output, (folder / "log").open("ab") as log:
        process = fork(["mockbackend", "mock", *arguments], folder, settings, output, log)
    try:
        yield Mock(process, out, temporary)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def wait_for(found: Callable[[], bool], within: float = 30.0) -> None:
    """Wait until this is true, and no longer than that."""
    deadline = time.monotonic() + within
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether it runs; one that has ended, and that nobody has asked about, does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
