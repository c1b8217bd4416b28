"""The packages, one server for all clients, one Node process for each generation, and pages in it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.clients.client import CLIENTS, LOGIN, Client, OpenPage, Page, Process
from tests.clients.packages import HERE, installed
from tests.harness.http_client import PLAIN
from tests.harness.service import Server

Stored = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def packages() -> Path:
    """Where the clients' packages are."""
    return installed()


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of all clients. Its keep-alives are frequent, so that any silence has some."""
    settings = {"MOCK_SCRIPT": str(HERE / "script.yaml"), "KEEP_ALIVE_SECONDS": "0.2", "UPSTREAM_MAX_TRIES": "1"}
    with Server(tmp_path_factory.mktemp("clients"), settings) as running:
        yield running


@pytest.fixture(scope="session")
def processes(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Process]]:
    """The Node process of a kind of client, started when it is first wanted."""
    folder = tmp_path_factory.mktemp("node")
    started: dict[str, Process] = {}
    with ExitStack() as stack:

        def process(kind: str) -> Process:
            if kind not in started:
                started[kind] = Process(kind, packages, folder / f"{kind}.log")
                stack.callback(started[kind].close)
            return started[kind]

        yield process


@pytest.fixture(params=[client for client in CLIENTS if client.resumes], ids=lambda client: client.name)
def resuming(request: pytest.FixtureRequest) -> Client:
    """Each client that joins a running answer. assistant-ui does not by itself."""
    chosen: Client = request.param
    return chosen


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    """Each client in turn."""
    chosen: Client = request.param
    return chosen


@pytest.fixture
def conversation_id() -> str:
    """The id that a front end makes up for a new conversation."""
    return f"chat-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def open_page(
    client: Client, backend: Server, conversation_id: str, processes: Callable[[str], Process]
) -> Iterator[OpenPage]:
    """`open_page(messages=..., resume=...)`: the conversation's page, as often as somebody goes there."""
    process = processes(client.kind)
    process("forget")
    pages: list[Page] = []

    def open_(messages: list[Any] | None = None, **options: Any) -> Page:
        name = f"{conversation_id}-{len(pages)}"
        common = {"id": conversation_id, "api": backend.url + client.api, "headers": LOGIN}
        pages.append(Page(process, name, {**common, "messages": messages or [], **options}))
        return pages[-1]

    yield open_
    problems = [page.held()["problems"] for page in pages if not page.is_left]
    for page in pages:
        page.leave()
    assert not any(problems), problems


@pytest.fixture
def http(backend: Server) -> Iterator[httpx2.Client]:
    """A logged-in client of the API, of the same user as the pages."""
    with httpx2.Client(base_url=backend.url, headers=LOGIN, timeout=30, **PLAIN) as logged_in:
        yield logged_in


@pytest.fixture
def stored(client: Client, http: httpx2.Client, conversation_id: str) -> Stored:
    """The conversation's messages as the server returns them, in the client's protocol."""

    def read() -> list[dict[str, Any]]:
        response = http.get(f"/conversations/{conversation_id}", params={"protocol": client.protocol})
        assert response.status_code == 200, response.text
        messages: list[dict[str, Any]] = response.json()["messages"]
        return messages

    return read
