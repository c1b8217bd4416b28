"""A data folder, a PostgreSQL to move it to, and the command that does it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mockbackend.settings import Settings
from mockbackend.storage import Storage, open_storage
from tests.harness.postgres import postgres
from tests.harness.processes import run


@pytest.fixture
def url() -> str:
    return postgres().url(postgres().new_schema())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def migrated(url: str, data: Path) -> tuple[int, list[str]]:
    """Exit status and lines."""
    ran = run(["migrate", "--from", str(data)], data.parent, {"DATABASE_URL": url})
    assert "Traceback" not in ran.stdout + ran.stderr, ran.stderr
    return ran.returncode, ran.stdout.splitlines() + ran.stderr.splitlines()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Storage]:
    storage = await open_storage(settings)
    try:
        yield storage
    finally:
        await storage.close()
