"""Fixtures of the emulator's tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from mockbackend.emulator.app import create_emulator
from mockbackend.emulator.script import load_script
from tests.harness.emulator import Served


class Emulate(Protocol):
    """Starts an emulator with this script (YAML) and key; it is ended with the test."""

    def __call__(self, script: str | None = None, api_key: str | None = None) -> Served: ...


@pytest.fixture
def emulate(tmp_path: Path) -> Iterator[Emulate]:
    """`emulate("rules: [...]")`, as often as a test needs one."""
    with ExitStack() as stack:

        def start(script: str | None = None, api_key: str | None = None) -> Served:
            loaded = None
            if script is not None:
                path = tmp_path / "script.yaml"
                path.write_text(script)
                loaded = load_script(path)
            return stack.enter_context(Served(create_emulator(loaded, api_key)))

        yield start


@pytest.fixture(scope="module")
def plain() -> Iterator[Served]:
    """One emulator without a script for all tests of a module."""
    with Served(create_emulator()) as served:
        yield served
