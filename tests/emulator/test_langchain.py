"""LangChain's own standard suites pass on an emulator without a script."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.emulator import Emulator

HERE = Path(__file__).resolve().parent
# Its plugins of pytest's would load in every run of these tests.
PACKAGES = ("langchain-tests==1.1.9", "langchain-openai>=1.7,<2", "pytest-asyncio>=1.2")
# These fetch an image from the internet.
FETCHING = "image_inputs or anthropic_inputs"


@pytest.mark.slow
def test_the_standard_suites_pass_on_both_wires(tmp_path: Path) -> None:
    uv = shutil.which("uv")
    assert uv is not None, "uv is not in the search path; run the tests by `bash tests/run`"
    with Emulator() as emulator:
        wanted = [part for package in PACKAGES for part in ("--with", package)]
        options = ["-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-k", f"not ({FETCHING})", "--rootdir=."]
        ended = subprocess.run(
            [uv, "run", "--quiet", "--no-project", *wanted, "pytest", *options, "langchain_suites.py"],
            cwd=shutil.copytree(HERE, tmp_path / "suites", ignore=lambda _, names: {*names} - {"langchain_suites.py"}),
            # All of the environment: it may say where packages come from.
            env={**os.environ, "EMULATOR": emulator.url},
            capture_output=True,
            text=True,
            # Below that of all tests.
            timeout=280,
            check=False,
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None
    assert int(passed[1]) >= 75, ended.stdout
