"""An engine, and the stores of two processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from mockbackend.storage import Storage
from tests.storage.contract.engines import ENGINES, OLDER, Engine, NewEngine

OLDER_ENGINES = [pytest.param(name, marks=pytest.mark.slow) for name in OLDER]


@pytest.fixture(scope="session", params=[*ENGINES, *OLDER_ENGINES])
def new_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewEngine]:
    with {**ENGINES, **OLDER}[request.param](tmp_path_factory.mktemp(request.param)) as new:
        yield new


@pytest.fixture
async def engine(new_engine: NewEngine) -> AsyncIterator[Engine]:
    made = new_engine()
    yield made
    await made.close()


@pytest.fixture
async def storage(engine: Engine) -> Storage:
    return await engine.open()


@pytest.fixture
async def other(engine: Engine) -> Storage:
    """What another process has open."""
    return await engine.open()
