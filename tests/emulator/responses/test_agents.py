"""OpenAI's agents package works with an emulator without a script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.emulator import Emulator

SUITE = Path(__file__).resolve().parent / "agents_suite.py"


@pytest.mark.slow
def test_its_agents_talk_call_tools_stream_and_hand_over() -> None:
    uv = shutil.which("uv")
    assert uv is not None, "uv is not in the search path; run the tests by `bash tests/run`"
    with Emulator() as emulator:
        ended = subprocess.run(
            [uv, "run", "--quiet", "--no-project", "--with", "openai-agents>=0.24,<1", "python", SUITE.name],
            cwd=SUITE.parent,
            # All of the environment: it may say where packages come from.
            env={**os.environ, "EMULATOR": emulator.url},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    seen = json.loads(ended.stdout)
    streamed, deltas, whole = seen.pop("deltas")
    assert streamed == whole == "You said: Hello in pieces"
    assert deltas > 1
    # A question, reasoning and an answer of each of two runs.
    assert seen.pop("session") == 6
    assert seen == {
        "words": "You said: Hello there",
        "tool": "get_weather answered: The weather in Oslo is sunny.",
        "calls": ["Oslo"],
        "structured": ["Event", 12],
        "previous": "You said: The second",
        "handoff": ["Spanish", True],
    }
