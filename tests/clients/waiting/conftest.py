"""A server whose turns wait for these clients; each test is a scenario, whose verdict finds nothing wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.clients.client import LOGIN, OpenPage, Page
from tests.harness.http_client import PLAIN
from tests.harness.postgres import postgres
from tests.harness.service import Server

SCRIPT = Path(__file__).with_name("script.yaml")
APP = "tests.turn.waiting.asking_app:app"


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The storage engine: SQLite, unless a module asks for both."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session")
def backend(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("waiting-clients")
    settings = {"RAN_FILE": str(folder / "ran"), "KEEP_ALIVE_SECONDS": "0.2", "UPSTREAM_MAX_TRIES": "1"}
    if engine == "postgres":
        settings["DATABASE_URL"] = postgres().url(postgres().new_schema())
    with Server(folder, settings, app=APP) as running:
        yield running


@pytest.fixture
def http(backend: Server, conversation_id: str) -> Iterator[httpx2.Client]:
    """A client of the API, of the same user and scenario as the pages. What they did must be right in the end."""
    headers = {**LOGIN, "x-mock-scenario": conversation_id}
    scenario = f"/__mock__/scenarios/{conversation_id}"
    with httpx2.Client(base_url=backend.url, headers=headers, timeout=30, **PLAIN) as client:
        assert client.put(scenario, content=SCRIPT.read_bytes()).status_code == 200
        yield client
        report = client.get(f"{scenario}/report").json()
        assert client.delete(scenario).is_success
        assert [finding for finding in report["findings"] if finding["severity"] == "fail"] == []


@pytest.fixture
def open_page(open_page: OpenPage, http: httpx2.Client) -> OpenPage:
    """The same for pages of the test's scenario."""
    headers = {name: http.headers[name] for name in (*LOGIN, "x-mock-scenario")}

    def open_(messages: list[Any] | None = None, **options: Any) -> Page:
        return open_page(messages, headers=headers, **options)

    return open_


@pytest.fixture
def ran(backend: Server) -> Callable[[], list[str]]:
    """What tools that ask have run since the test began."""
    path = backend.log_path.with_name("ran")
    path.unlink(missing_ok=True)
    return lambda: path.read_text().splitlines() if path.exists() else []
