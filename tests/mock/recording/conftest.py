"""A service that records the emulator, and one that replays what it has written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.harness.emulator import Emulator, emulating
from tests.harness.service import Server


class Studio:
    """Starts services, each in a folder of its own, that record into `folder` or replay it."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.folder = path / "recording"
        self._path = path
        self._stack = stack
        self._servers = 0

    def emulator(self, rules: list[Any]) -> AbstractContextManager[Emulator]:
        """An emulator that is a real engine to the service."""
        return emulating(self._path, rules)

    def recording(self, engine: Mapping[str, str], **more: str) -> Server:
        """A service on that engine, which records."""
        return self.start({**engine, "MOCK_RECORD": str(self.folder), **more})

    def replaying(self, folder: Path | None = None, **more: str) -> Server:
        """A service on its emulator, which answers as was recorded."""
        return self.start({"MOCK_SCRIPT": str(folder or self.folder), **more})

    def start(self, env: Mapping[str, str]) -> Server:
        """A service with these settings."""
        self._servers += 1
        folder = self._path / f"server-{self._servers}"
        folder.mkdir()
        return self._stack.enter_context(Server(folder, env, "serve" if "WEB_CONCURRENCY" in env else "hypercorn"))

    def write(self, name: str, document: Any) -> Path:
        """Write a file of a recording."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(document if isinstance(document, bytes) else orjson.dumps(document))
        return path


def files_of(folder: Path) -> dict[str, bytes]:
    """All that is in a folder, and in its folders."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio of the test's own."""
    with ExitStack() as stack:
        yield Studio(tmp_path, stack)
