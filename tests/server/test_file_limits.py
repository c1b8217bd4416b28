"""As many answers at once as the system lets the process have connections; more are refused, and none is cut."""

from __future__ import annotations

import asyncio
import re
import resource
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.harness.answers import chat, posting
from tests.harness.service import Server

SCRIPT = """
rules:
  - when: "speak slowly"
    text: ["word", " and", " word"]
    tokens_per_second: 0.1
"""


@pytest.mark.parametrize(("hard", "is_enough"), [(4096, True), (1024, False)])
def test_the_limit_is_raised_as_far_as_possible(tmp_path: Path, hard: int, is_enough: bool) -> None:
    with Server(tmp_path, kind="serve", limits={resource.RLIMIT_NOFILE: (256, hard)}) as server:
        limits = Path(f"/proc/{server.pid}/limits").read_text()
        warned = re.search(r"MAX_RUNNING_TURNS: this process may open (\d+) files", server.log)
    assert re.search(r"Max open files +(\d+)", limits)[1] == str(hard)  # type: ignore[index]
    assert (warned is None) == is_enough
    assert warned is None or warned[1] == str(hard)


@pytest.mark.slow
async def test_answers_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(SCRIPT)
    env = {"MOCK_SCRIPT": str(script), "MAX_RUNNING_TURNS_PER_USER": "100"}
    # 150 are for other things, and each answer of the emulator's needs three.
    with Server(tmp_path, env, "serve", limits={resource.RLIMIT_NOFILE: (180, 180)}) as server:
        async with server.client() as client, AsyncExitStack() as stack:
            streams = await asyncio.gather(
                *[stack.enter_async_context(posting(client, "speak slowly")) for _ in range(10)]
            )
            for stream in streams:
                assert await stream.until("0") == "word"
            refused = await chat(client, {"message": "one too many"})
            assert (refused.status, refused.json()["error"]["code"]) == (429, "too_many_turns")
        assert "Traceback" not in server.log
