"""The Procfile's line where a PaaS gives PORT, WEB_CONCURRENCY and DATABASE_URL, and a new disk at each start."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mockbackend.settings import Settings
from tests.harness.api import say, texts
from tests.harness.postgres import postgres
from tests.harness.processes import ROOT
from tests.harness.service import Server

PAGE = (ROOT / "docs" / "paas.md").read_text()


@pytest.mark.slow
async def test_nothing_is_lost_with_the_disk(tmp_path: Path) -> None:
    # As Heroku has it.
    url = postgres().url(postgres().new_schema()).replace("postgresql://", "postgres://")
    honcho = [sys.executable, "-m", "honcho", "-f", str(ROOT / "Procfile"), "start", "web"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    settings = {"DATABASE_URL": url, "WEB_CONCURRENCY": "2", "PATH": path, "DATA_DIR": ""}
    said = []
    for number in range(2):
        disk = tmp_path / f"disk{number}"
        disk.mkdir()
        with Server(disk, settings, command=honcho, within=90) as server:
            async with server.client() as client:
                await say(client, f"Hello {number}", "a")
                said = await texts(client, "a")
            server.stop()
            assert "Traceback" not in server.log
        assert [found.name for found in disk.iterdir()] == [server.log_path.name]
    assert [text for role, text in said if role == "user"] == ["Hello 0", "Hello 1"]


@pytest.mark.slow
def test_the_service_is_compiled_where_the_platform_builds_it(tmp_path: Path) -> None:
    shutil.copy(ROOT / "app.py", tmp_path)
    shutil.copytree(ROOT / "mockbackend", tmp_path / "mockbackend", ignore=shutil.ignore_patterns("__pycache__"))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run([ROOT / "bin" / "post_compile"], cwd=tmp_path, env={"PATH": path}, check=True)
    modules = {path.with_suffix("") for path in tmp_path.rglob("*.py")}
    assert {path.parent.parent / path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")} == modules


def test_the_page_names_settings_that_there_are() -> None:
    set_there = set(re.findall(r"^ *([A-Z_]+)=", PAGE, re.MULTILINE))
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE))
    assert {"PUBLIC_URL", "TRUSTED_PROXIES", "DATABASE_URL", "WEB_CONCURRENCY"} <= set_there | named
    assert set_there | named <= {field.name.upper() for field in dataclasses.fields(Settings)}
    # Heroku's own.
    assert "$DATABASE_CONNECTION_POOL_URL" in PAGE
