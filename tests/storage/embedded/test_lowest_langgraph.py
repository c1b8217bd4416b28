"""The lowest versions of LangGraph and its saver that we allow read what we write."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mockbackend.storage.embedded import checkpoints
from mockbackend.storage.embedded.checkpoints import Checkpoints
from tests.storage.embedded.test_checkpoints import message

ROOT = Path(__file__).parents[3]
PACKAGES = ("langgraph", "langgraph-checkpoint-sqlite")


def lowest() -> dict[str, str]:
    """The lowest version that pyproject.toml allows of each."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {one.name: one for one in map(Requirement, project["dependencies"])}
    return {
        name: f"{next(one.version for one in required[name].specifier if one.operator == '>=')}.0" for name in PACKAGES
    }


@pytest.mark.slow
def test_the_lowest_versions_read_a_conversation_whole(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.db"
    checkpoints.prepare(path)
    saver = Checkpoints(path)
    for base, words in ((0, "ab"), (2, "cd"), (4, "ef"), (3, "gh")):
        saver.write("a", base, [message(word) for word in words])
    saver.conn.close()
    versions = lowest()
    with_them = [argument for name, version in versions.items() for argument in ("--with", f"{name}=={version}")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = ["uv", "run", "--no-sync", *with_them, "python", "-m", "tests.storage.embedded.read_thread"]
    done = subprocess.run([*command, str(path), "a"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [list(versions.values()), list("abcgh")]
