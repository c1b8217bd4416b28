"""The server of these clients: tools that ask their user first, and one that runs in the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.service import Server

SCRIPT = Path(__file__).with_name("script.yaml")
APP = "tests.turn.waiting.asking_app:app"


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("waiting-clients")
    settings = {"MOCK_SCRIPT": str(SCRIPT), "RAN_FILE": str(folder / "ran"), "KEEP_ALIVE_SECONDS": "0.2"}
    with Server(folder, settings, app=APP) as running:
        yield running


@pytest.fixture
def ran(backend: Server) -> Callable[[], list[str]]:
    """What tools that ask have run since the test began."""
    path = backend.log_path.with_name("ran")
    path.unlink(missing_ok=True)
    return lambda: path.read_text().splitlines() if path.exists() else []
