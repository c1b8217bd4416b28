"""Fixtures of the emulator's tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.harness.emulator import Emulator, emulating


class Emulate(Protocol):
    """Starts an emulator with this script (YAML) and key; it is ended with the test."""

    def __call__(self, script: str | None = None, api_key: str | None = None) -> Emulator: ...


@pytest.fixture
def emulate(tmp_path: Path) -> Iterator[Emulate]:
    """`emulate("rules: [...]")`, as often as a test needs one."""
    with ExitStack() as stack:

        def start(script: str | None = None, api_key: str | None = None) -> Emulator:
            return stack.enter_context(emulating(tmp_path, script or [], api_key))

        yield start


@pytest.fixture(scope="module")
def plain() -> Iterator[Emulator]:
    """One emulator without a script for all tests of a module."""
    with Emulator() as served:
        yield served
