"""Fixtures of the mock's tests: those of the emulator, which answers by its scripts."""

from __future__ import annotations

from tests.emulator.conftest import emulate

__all__ = ["emulate"]
