"""A data folder, a PostgreSQL to move it to, and the command that does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mockbackend.settings import Settings
from mockbackend.storage import Storage, open_storage
from tests.harness.postgres import postgres
from tests.harness.processes import run
from tests.server.commands import run_here


@pytest.fixture
def url() -> Iterator[str]:
    with postgres().schema() as schema:
        yield postgres().url(schema)


@pytest.fixture
def new_url() -> str:
    """Of a schema that nobody has made tables in."""
    return postgres().url(postgres().new_schema())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def migrated(url: str, data: Path, *, forked: bool = False) -> tuple[int, list[str]]:
    """Exit status and lines."""
    start = run if forked else run_here
    arguments = ["migrate", "--from", str(data)]
    ran = await asyncio.to_thread(start, arguments, data.parent, {"DATABASE_URL": url})
    assert "Traceback" not in ran.stdout + ran.stderr, ran.stderr
    return ran.returncode, ran.stdout.splitlines() + ran.stderr.splitlines()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Storage]:
    storage = await open_storage(settings)
    try:
        yield storage
    finally:
        await storage.close()
