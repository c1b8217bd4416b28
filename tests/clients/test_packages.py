"""The installed packages have exactly the requested versions, and no address of a registry is stored."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.clients.client import CLIENTS
from tests.clients.packages import WANTED

MANIFESTS = sorted(WANTED.rglob("package.json"))
EXACT = re.compile(r"\d+\.\d+\.\d+")


def test_every_client_has_packages() -> None:
    assert {path.parent.name for path in MANIFESTS} == {"packages", *(client.kind for client in CLIENTS)}


def test_every_version_is_exact_and_is_what_was_installed(packages: Path) -> None:
    for path in MANIFESTS:
        folder = packages / path.parent.relative_to(WANTED)
        for name, version in json.loads(path.read_text())["dependencies"].items():
            assert EXACT.fullmatch(version), name
            places = [up / "node_modules" / name / "package.json" for up in (folder, packages)]
            there = next(place for place in places if place.exists())
            assert json.loads(there.read_text())["version"] == version, name


def test_no_lock_file_and_no_address_is_kept() -> None:
    assert [path.name for path in WANTED.rglob("*.json")] == ["package.json"] * len(MANIFESTS)
    assert not [path for path in MANIFESTS if "://" in path.read_text()]
