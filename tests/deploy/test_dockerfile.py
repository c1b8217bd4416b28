"""deploy/Dockerfile's own steps, tried in a fresh environment: there need be no Docker for that."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.harness.http_client import PLAIN
from tests.harness.processes import ROOT
from tests.harness.service import Server

# It installs the packages into a new environment.
pytestmark = pytest.mark.slow

TEXT = (ROOT / "deploy" / "Dockerfile").read_text()
# These change the machine itself, and need no trying.
OF_THE_SYSTEM = ("apt-get ", "useradd ")


def steps() -> list[tuple[str, str]]:
    """Instruction and argument of each step."""
    whole = re.sub(r"\\\n\s*", "", TEXT)
    return re.findall(r"^([A-Z]+) (.+)$", whole, re.MULTILINE)


def argument(name: str) -> str:
    """The argument of the only instruction of this name."""
    (found,) = [value for instruction, value in steps() if instruction == name]
    return found


def test_its_steps_install_start_and_answer(tmp_path: Path) -> None:
    app, venv = tmp_path / "app", tmp_path / "venv"
    app.mkdir()
    subprocess.run([os.environ.get("UV", "uv"), "venv", "--quiet", "--seed", venv], check=True)
    path = f"{venv}/bin:{os.environ['PATH']}"
    for instruction, value in steps():
        if instruction == "COPY":
            source, target = value.split()
            _copy(ROOT / source, app / target)
        elif instruction == "RUN" and not value.startswith(OF_THE_SYSTEM):
            subprocess.run(value, shell=True, cwd=app, env={**os.environ, "PATH": path}, check=True)  # noqa: S602
    modules = {path.with_suffix("") for path in app.rglob("*.py")}
    assert {path.parent.parent / path.name.partition(".")[0] for path in app.rglob("*.pyc")} == modules
    fixed = dict(pair.split("=", 1) for pair in argument("ENV").split())
    assert fixed.keys() == {"PORT", "DATA_DIR", "PYTHONUNBUFFERED"}
    environment = {"PATH": path, "PYTHONPATH": ""}
    with Server(app, environment, command=json.loads(argument("CMD")), data_dir=tmp_path / "data") as server:
        hello = {"message": {"role": "user", "content": "Hello"}}
        answer = httpx2.post(f"{server.url}/chat", json=hello, auth=server.auth, headers={"userid": "user-1"}, **PLAIN)
        assert re.search(r'^0:".+"$', answer.text, re.MULTILINE), answer.text
        health = json.loads(argument("HEALTHCHECK").partition("CMD ")[2])
        checking = {**os.environ, "PATH": path, "PORT": str(server.port)}
        subprocess.run(health, env=checking, check=True, timeout=10)
        assert (tmp_path / "data").is_dir()
        assert server.stop() == 0
    assert subprocess.run(health, env=checking, stderr=subprocess.DEVNULL, timeout=10).returncode != 0


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def test_it_is_run_by_a_user_of_its_own_who_may_write_its_data() -> None:
    user = argument("USER")
    assert user not in ("root", "0")
    assert f"install -d -m 700 -o {user} -g {user} {argument('VOLUME')}" in TEXT
    assert f"DATA_DIR={argument('VOLUME')}" in argument("ENV")
