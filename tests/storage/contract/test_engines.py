"""The table of engines that the contract's suite runs on."""

from __future__ import annotations

from tests.harness.processes import ROOT
from tests.storage.contract.engines import ENGINES


def test_every_engine_of_the_package_has_its_row() -> None:
    folders = {path.parent.name for path in ROOT.glob("mockbackend/storage/*/turns.py")}
    assert folders == set(ENGINES)
