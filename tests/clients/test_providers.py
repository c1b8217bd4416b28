"""The emulator through the AI SDK's own providers for OpenAI and Azure, of each generation."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.clients.client import DRIVER
from tests.clients.packages import NODE
from tests.harness.emulator import Emulator
from tests.harness.processes import environment

GENERATIONS = ("ai-sdk-4", "ai-sdk-5", "ai-sdk-6", "ai-sdk-7")
SUNNY = 'weather answered: {"city":"Oslo","degrees":20}'
JOBS: dict[str, Any] = {
    "words": "You said: Hello",
    "streamed words": ["You said: Hello", "stop"],
    "tools": SUNNY,
    "streamed tools": [SUNNY, "stop"],
    "reasoning": ["You said: Hello", "stop"],
    "object": {"name": "Ada", "age": 36},
    "output": {"name": "Ada", "age": 36},
    "chat": "You said: Hello",
    "embedding": 1536,
    "image": "PNG",
    "image edit": ["PNG", 3],
}
Results = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def results(packages: Path) -> Iterator[Results]:
    """What came of each job, by the generation."""
    with Emulator() as emulator:

        @cache
        def run(generation: str) -> dict[str, Any]:
            env = environment({"PACKAGES": str(packages), "CLIENT": generation, "EMULATOR": emulator.url})
            ended = subprocess.run(
                [str(NODE), str(DRIVER / "providers.mjs")],
                env=env,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert ended.returncode == 0, ended.stderr
            found: dict[str, Any] = json.loads(ended.stdout)
            return found

        yield run


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("provider", ["openai", "azure"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_provider_does_its_job(results: Results, generation: str, provider: str, job: str) -> None:
    found = results(generation)
    # The first generation's Azure provider has no other way than chat.
    is_missing = (generation, provider, job) == ("ai-sdk-4", "azure", "chat")
    # Images are edited since the third.
    is_missing |= job == "image edit" and generation in GENERATIONS[:2]
    if is_missing:
        assert f"{provider}: {job}" not in found
    else:
        assert found[f"{provider}: {job}"] == JOBS[job]
