"""`mockbackend serve` with arguments of its own, and what its start says."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.processes import environment, fork


@dataclass(frozen=True)
class Started:
    """A server, and the log of its start."""

    url: str
    log: str

    def value(self, name: str) -> str:
        """What its block says under a name."""
        found = re.search(rf"^  {name} +(\S+)", self.log, re.MULTILINE)
        assert found, self.log
        return found[1]


@contextmanager
def started(folder: Path, *arguments: str, **settings: str) -> Iterator[Started]:
    """A server that serves, with a generated login; PORT is one that it may not take."""
    log = folder / "log"
    env = environment({"DATA_DIR": str(folder / "data"), "PORT": "1", **settings})
    with log.open("wb") as output:
        process = fork(["mockbackend", "serve", *arguments], folder, env, output)
    try:
        deadline = time.monotonic() + 30
        while "curl -N" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        found = re.search(r"listening on (\S+)", log.read_text())
        assert found, log.read_text()
        yield Started(found[1], log.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
