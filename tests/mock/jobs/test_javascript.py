"""The helper in JavaScript: the jobs in Node, started both ways, and the file where browsers and tests get it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.clients.packages import NODE, installed
from tests.harness.http_client import PLAIN
from tests.harness.processes import ROOT, environment
from tests.harness.service import Server
from tests.server.mocking import is_alive, wait_for

JOBS = Path(__file__).with_name("jobs.test.mjs")


@pytest.mark.slow
def test_the_jobs(tmp_path: Path) -> None:
    mock = [sys.executable, "-m", "mockbackend", "mock", "--", str(NODE), "--test", "--test-reporter=spec", str(JOBS)]
    env = environment({"TMPDIR": str(tmp_path)})
    ended = subprocess.run(mock, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ℹ fail 0" in ended.stdout
    assert "ℹ skipped 0" in ended.stdout


@pytest.mark.slow
def test_the_jobs_under_vitest(tmp_path: Path) -> None:
    here = JOBS.with_name("vitest")
    vitest = installed(here) / "node_modules" / "vitest" / "vitest.mjs"
    runs = [str(NODE), str(vitest), "run", "--root", str(JOBS.parent), "--config", str(here / "vitest.config.mjs")]
    mock = [sys.executable, "-m", "mockbackend", "mock", "--", *runs]
    env = environment({"TMPDIR": str(tmp_path), "NO_COLOR": "1"})
    ended = subprocess.run(mock, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    count = len(re.findall("^test\\(", JOBS.read_text(), re.MULTILINE))
    assert re.search(rf"Tests +{count} passed \({count}\)", ended.stdout), ended.stdout


@pytest.mark.slow
def test_a_mock_of_its_own(tmp_path: Path) -> None:
    program = (
        f'import {{ mockBackend }} from "{ROOT}/clients/js/mock.mjs";'
        f'await using mock = await mockBackend({{ command: ["{sys.executable}", "-m", "mockbackend", "mock"] }});'
        'const s = await mock.scenario([{ text: "Hello!" }]);'
        "const login = { authorization: `Basic ${btoa(s.login)}`, userid: s.userid };"
        'const body = JSON.stringify({ message: "hi" });'
        'const answer = await fetch(`${mock.url}/chat`, { method: "POST", headers: { ...s.headers, ...login }, body });'
        "const health = await fetch(`${mock.url}/health`, { headers: login });"
        "console.log((await health.json()).pid, await answer.text());"
    )
    command = [str(NODE), "--input-type=module", "-e", program]
    env = environment({"TMPDIR": str(tmp_path)})
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert '0:"Hello!"' in ended.stdout
    wait_for(lambda: not is_alive(int(ended.stdout.split()[0])))


@pytest.mark.slow
def test_without_an_address_or_with_a_command_that_fails_it_says_so(tmp_path: Path) -> None:
    for options, said in (
        ("", "set MOCK_URL"),
        ('{ command: ["false"] }', "false ended with 1"),
        ('{ command: ["no-such"] }', "ENOENT"),
    ):
        program = f'import {{ mockBackend }} from "{ROOT}/clients/js/mock.mjs"; await mockBackend({options});'
        command = [str(NODE), "--input-type=module", "-e", program]
        ended = subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 1
        assert said in ended.stderr


async def test_anyone_gets_the_file_from_the_service(server: Server) -> None:
    async with httpx2.AsyncClient(base_url=server.url, **PLAIN) as anyone:
        response = await anyone.get("/__mock__/mock.mjs")
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.text == (ROOT / "clients" / "js" / "mock.mjs").read_text()
    assert 60 <= len(response.text.splitlines()) <= 100
