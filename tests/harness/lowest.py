"""Programs under the lowest versions of packages that pyproject.toml allows."""

from __future__ import annotations

import os
import subprocess
import tomllib
from typing import Any

import orjson
from packaging.requirements import Requirement

from tests.harness.processes import ROOT


def lowest(*packages: str) -> dict[str, str]:
    """The lowest version that is allowed of each."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {one.name: one for one in map(Requirement, project["dependencies"])}
    bounds = {
        name: next(one.version for one in required[name].specifier if one.operator == ">=").split(".")
        for name in packages
    }
    return {name: ".".join([*bound, "0", "0"][:3]) for name, bound in bounds.items()}


def run_with(versions: dict[str, str], module: str, *arguments: str) -> Any:
    """What a module prints last under these versions, which is JSON."""
    with_them = [argument for name, version in versions.items() for argument in ("--with", f"{name}=={version}")]
    command = ["uv", "run", "--no-sync", *with_them, "python", "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return orjson.loads(done.stdout.splitlines()[-1])
