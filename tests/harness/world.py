"""A service and the emulator that it asks, each looked at from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.data_folder import rows
from tests.harness.emulator import KEY, Emulator, Rule, emulating
from tests.harness.service import Server


@dataclass(frozen=True)
class World:
    """The two of them."""

    emulator: Emulator
    server: Server

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the metadata database."""
        return rows(self.server.data_dir, statement, *values)


@contextmanager
def start_world(
    folder: Path,
    rules: list[Rule] | None = None,
    env: Mapping[str, str] | None = None,
    app: str = "app:app",
    *,
    fresh: bool = False,
    **deployments: str,
) -> Iterator[World]:
    """Both, running; `deployments` are those of `Emulator.settings`, `env` further settings."""
    with emulating(folder, rules or [], KEY) as emulator:
        settings = {**emulator.settings(**deployments), **(env or {})}
        with Server(folder, settings, app=app, fresh=fresh) as server:
            yield World(emulator, server)
