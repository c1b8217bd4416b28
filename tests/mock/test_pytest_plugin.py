"""The pytest plugin, as a project has it that installs the package."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mockbackend.mock.pytest_plugin import _name
from mockbackend.mock.store import NAME
from tests.harness.processes import ROOT, environment
from tests.server.mocking import is_alive, wait_for

pytest_plugins = ["pytester"]
PROJECT = """
    import os, urllib.request, json

    def ask(mock, text):
        request = urllib.request.Request(mock.url + "/chat", json.dumps({"message": text}).encode(), mock.headers)
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def test_passes(mock_backend):
        mock_backend.rules({"when": "hi", "text": "Hello!"})
        assert '0:"Hello!"' in ask(mock_backend, "hi")
        # It is there while its test runs, and gone afterwards.
        assert mock_backend.headers["x-mock-scenario"] == mock_backend.userid
        print("pid", json.load(urllib.request.urlopen(urllib.request.Request(
            mock_backend.url + "/health", headers=mock_backend.headers)))["pid"])

    def test_fails(mock_backend):
        ask(mock_backend, "what was sent")
        assert not mock_backend.journal("chat", wait=1)

    def test_scenarios_of_other_tests_are_gone(mock_backend):
        request = urllib.request.Request(mock_backend.url + "/__mock__/scenarios", headers=mock_backend.headers)
        names = json.load(urllib.request.urlopen(request))
        assert names == ["default", mock_backend.name]

    def test_asks_for_none():
        assert "MOCK_URL" not in os.environ
"""


@pytest.mark.slow
def test_a_failed_tests_report_has_its_journal(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PROJECT)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rA")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["*journal of mock_backend*", "1 front chat: POST /chat 200 done,*what was sent*", "2 model chat: POST *"]
    )
    assert result.stdout.str().count("journal of mock_backend") == 1
    # The server is gone when the run is over: its worker has ended.
    (pid,) = [int(line.split()[1]) for line in result.outlines if line.startswith("pid ")]
    wait_for(lambda: not is_alive(pid))


@pytest.mark.slow
def test_the_readmes_script_and_test_work_as_they_stand_there(pytester: pytest.Pytester) -> None:
    section = (ROOT / "README.md").read_text().split("## Answers on demand\n")[1].split("\n## ")[0]
    script, test = re.findall(r"```(?:yaml|python)\n(.*?)```", section, re.DOTALL)
    assert len((script + test).splitlines()) <= 20
    pytester.path.joinpath("script.yaml").write_text(script)
    pytester.makepyfile(test)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.slow
def test_each_worker_of_xdist_has_a_server_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_one(mock_backend, number, worker_id):
            mock_backend.next({"text": "Hello."})
            print("server", worker_id, mock_backend.url)
        """
    )
    result = pytester.runpytest_subprocess("-n", "2", "-rA", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=6)
    servers = {tuple(line.split()[1:]) for line in result.outlines if line.startswith("server ")}
    assert len(servers) == len({worker for worker, _ in servers}) == 2


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_no_server(tmp_path: Path) -> None:
    waits = "import time\ndef test_waits(mock_backend):\n    print(mock_backend.url, flush=True)\n    time.sleep(60)\n"
    (tmp_path / "test_it.py").write_text(waits)
    command = [sys.executable, "-m", "pytest", "-s", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    with subprocess.Popen(command, cwd=tmp_path, env=environment({}), stdout=subprocess.PIPE) as process:
        assert process.stdout
        while b"http://" not in process.stdout.readline():
            assert process.poll() is None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        (mock,) = [int(pid) for pid in children]
        os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(mock))


@pytest.mark.slow
def test_a_plugin_that_nobody_asks_starts_and_imports_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import mockbackend.mock.pytest_plugin;"
        "print(*(name for name in set(sys.modules) - before if not name.startswith('mockbackend')))"
    )
    imported = subprocess.check_output([sys.executable, "-c", program], cwd=tmp_path, env=environment({}), text=True)
    packages = {name.partition(".")[0] for name in imported.split()}
    assert packages <= sys.stdlib_module_names


def test_a_scenario_is_named_by_its_test_the_same_in_every_run(request: pytest.FixtureRequest) -> None:
    name = _name(request.node)
    assert name == _name(request.node)
    assert name.startswith("test_a_scenario_is_named_by_its_test_the_same_in_every_run-")
    assert name != _name(request.node, "azure")
    in_two_files = [SimpleNamespace(name="test_one", nodeid=f"test_{file}.py::test_one") for file in "ab"]
    assert len({_name(node) for node in in_two_files}) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("odd", ["a/b c", "ä" * 300, "..", ""])
def test_any_test_gives_a_name_that_a_scenario_may_have(request: pytest.FixtureRequest, odd: str) -> None:
    assert NAME.fullmatch(_name(request.node))
