"""`mockbackend emulator`: a process that other programs take for Azure."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.harness.emulator import HI, KEY, VERSION
from tests.harness.http_client import PLAIN
from tests.harness.processes import Process, environment, execute, fork, free_port
from tests.harness.waiting import until

SCRIPT = "rules: [{text: Said by the script.}]"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def process(tmp_path: Path, port: int) -> Iterator[Process]:
    (tmp_path / "script.yaml").write_text(SCRIPT)
    arguments = ["--port", str(port), "--script", "script.yaml", "--api-key", KEY]
    with (tmp_path / "log").open("wb") as log:
        process = fork(["mockbackend", "emulator", *arguments], tmp_path, environment({}), log)
    yield process
    process.kill()
    process.wait()


async def test_it_answers_by_its_script_and_by_an_edit_of_it(process: Process, port: int, tmp_path: Path) -> None:
    path = f"http://127.0.0.1:{port}/openai/deployments/gpt-4o/chat/completions?api-version={VERSION}"
    async with httpx2.AsyncClient(**PLAIN) as client:

        async def answers() -> bool:
            try:
                return bool(await client.get(f"http://127.0.0.1:{port}/emulator/requests"))
            except httpx2.TransportError:
                return False

        await until(answers, within=30)
        refused = await client.post(path, json={"messages": HI}, headers={"api-key": "another"})
        assert refused.status_code == 401

        async def said() -> str:
            answer = await client.post(path, json={"messages": HI}, headers={"api-key": KEY})
            content: str = answer.json()["choices"][0]["message"]["content"]
            return content

        assert await said() == "Said by the script."
        (tmp_path / "script.yaml").write_text("rules: [{text: Edited.}]")

        async def is_edited() -> bool:
            return await said() == "Edited."

        await until(is_edited)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


@pytest.mark.parametrize(
    "fresh", [pytest.param(False, id="forked"), pytest.param(True, id="fresh", marks=pytest.mark.slow)]
)
async def test_a_free_port_is_taken_and_said(tmp_path: Path, fresh: bool) -> None:
    log, arguments = tmp_path / "log", ["mockbackend", "emulator", "--port", "0"]
    with log.open("wb") as output:
        if fresh:
            process = execute([sys.executable, "-m", *arguments], tmp_path, environment({}), output)
        else:
            process = fork(arguments, tmp_path, environment({}), output)
    try:

        async def said() -> bool:
            return re.search(r"http://127\.0\.0\.1:[1-9]\d*", log.read_text()) is not None

        await until(said, within=30)
        found = re.search(r"http://127\.0\.0\.1:[1-9]\d*", log.read_text())
        assert found is not None
        async with httpx2.AsyncClient(base_url=found[0], **PLAIN) as client:
            assert (await client.get("/emulator/requests")).status_code == 200
    finally:
        process.kill()
        process.wait()
