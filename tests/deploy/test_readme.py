"""README's commands, as they stand there."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockbackend.settings import Settings
from tests.harness.processes import ROOT, environment
from tests.harness.service import Server

# Its first command makes an environment.
pytestmark = pytest.mark.slow

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
SETTINGS = {field.name.upper() for field in dataclasses.fields(Settings)}
LOGIN = {"BACKEND_AUTH_USERNAME": "me", "BACKEND_AUTH_PASSWORD": "secret"}


def block(words: str) -> str:
    """The commands of the only block that has these words."""
    found: list[str] = [commands for commands in BLOCKS if words in commands]
    assert len(found) == 1
    return found[0]


def shell(commands: str, port: int, folder: Path) -> str:
    """What they print; the README's port is this one."""
    script = "set -euo pipefail\n" + commands.replace(":8000", f":{port}")
    ran = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment({}), capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what serving needs of a clone: no lock file, no environment, no cache."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("pyproject.toml", "README.md", "LICENSE", "app.py"):
        shutil.copy(ROOT / name, folder)
    # What the package is built with.
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "mockbackend", folder / "mockbackend", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_first_command_makes_all_and_prints_a_call_that_works(clone: Path) -> None:
    install, _, start = BLOCKS[0].strip().partition(" && ")
    assert (install, start) == ("pip install uv", "uv run mockbackend serve")
    # Where packages come from is the machine's affair.
    own = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    nobody = {"BACKEND_AUTH_USERNAME": "", "BACKEND_AUTH_PASSWORD": "", "PYTHONPATH": "", "VIRTUAL_ENV": ""}
    with Server(clone, {**own, **nobody}, command=start.split(), within=240) as server:
        printed = re.search(r"^ *(curl .*)$", server.log, re.MULTILINE)
        assert printed, server.log
        said = shell(printed[1], server.port, clone)
    assert said.startswith('f:{"messageId":')
    assert said.splitlines()[-1].startswith('d:{"finishReason":"stop"')
    assert not (clone / ".venv" / "bin" / "pytest").exists(), "serving installs nothing of the tests"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service with the login that README's calls have."""
    with Server(tmp_path_factory.mktemp("served"), LOGIN, kind="serve", fresh=True) as server:
        yield server


def test_the_call_with_a_login_of_ones_own_works(served: Server, tmp_path: Path) -> None:
    start, call = block("BACKEND_AUTH_USERNAME=me").splitlines()
    assert start == " ".join(f"{name}={value}" for name, value in LOGIN.items()) + " uv run mockbackend serve"
    said = shell(call, served.port, tmp_path)
    assert [line for line in said.splitlines() if line.startswith("9:")]
    assert '"timezone":"Europe/Berlin"' in said


def test_the_calls_of_the_api_work(served: Server, tmp_path: Path) -> None:
    said = shell(block('"message": "Where should we go?"'), served.port, tmp_path)
    assert said.count('\nd:{"finishReason":"stop"') == 2
    assert "![Generated Image](http://" in said
    assert said.splitlines()[-1].startswith('{"id":"trip"')


def test_the_calls_of_the_documents_work(served: Server, tmp_path: Path) -> None:
    *first, ask = block("plan.md").splitlines()
    assert '"name":"plan.md"' in shell("\n".join(first), served.port, tmp_path)
    define = next(line for line in first if line.startswith("call()"))
    deadline = time.monotonic() + 30
    while '"status":"ready"' not in (rows := shell(f"{define}\ncall /files", served.port, tmp_path)):
        assert time.monotonic() < deadline, rows
        time.sleep(0.1)
    said = shell(f"{define}\n{ask}", served.port, tmp_path)
    assert "plan.md" in "".join(line for line in said.splitlines() if line.startswith("h:"))
