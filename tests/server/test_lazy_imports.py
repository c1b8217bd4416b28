"""Packages that are loaded when they are asked for: what is there then, and what is not before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.harness.processes import ROOT, environment

pytestmark = pytest.mark.slow

START = """
import sys
from mockbackend.server.lazy_imports import defer

defer("openai.types", "langgraph_sdk", "not_installed_at_all", "not_installed.at_all")
"""


def run(program: str) -> str:
    """What a process of its own prints, since what is imported stays imported."""
    command = [sys.executable, "-c", START + program]
    ended = subprocess.run(command, cwd=ROOT, env=environment({}), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_service_is_imported_without_them() -> None:
    loaded = run("import mockbackend.app; print(*sys.modules)").split()
    assert {"openai", "openai.types", "langgraph.graph", "langgraph_sdk"} <= set(loaded)
    assert not {"openai.types.batch", "langgraph_sdk.client", "not_installed_at_all", "psycopg"} & set(loaded)


def test_they_are_whole_as_soon_as_they_are_asked_for() -> None:
    program = """
import threading
import openai, langgraph_sdk
from openai.types.chat import ChatCompletion

found = []
asked = [threading.Thread(target=lambda: found.append(openai.types.Batch.__name__)) for _ in range(4)]
for one in asked: one.start()
for one in asked: one.join()
print(*found, ChatCompletion.__name__, langgraph_sdk.get_client.__name__, hasattr(openai.types, "Nothing"))
"""
    assert run(program).split() == ["Batch"] * 4 + ["ChatCompletion", "get_client", "False"]


def test_what_is_loaded_already_stays() -> None:
    program = """
import json
before = json
defer("json")
assert sys.modules["json"] is before
print(json.dumps(1))
"""
    assert run(program).split() == ["1"]
