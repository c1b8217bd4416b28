"""A run in several forked processes tells what a run in one would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.harness.processes import environment
from tests.server.mocking import is_alive

pytest_plugins = ["pytester"]
ARGUMENTS = ("-p", "tests.harness.workers", "-p", "no:cacheprovider", "-p", "no:mockbackend")
# The number of the process that forks, and of this one.
WHERE = "import os\nHERE = os.getpid()\n"


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*ARGUMENTS, *arguments)


def test_each_test_runs_once_and_a_fixture_is_made_where_it_is_new(pytester: pytest.Pytester) -> None:
    made = """
import pytest

@pytest.fixture(scope="SCOPE")
def SCOPE_one():
    print("SCOPE begins in", os.getpid())
    yield os.getpid()
    print("SCOPE ends in", os.getpid())
"""
    pytester.makeconftest(
        WHERE
        + "import atexit\n"
        + "atexit.register(os.write, 1, b'the first process ends\\n')\n"
        + made.replace("SCOPE", "session")
    )
    module = (
        WHERE
        + made.replace("SCOPE", "module")
        + """
@pytest.mark.parametrize("number", range(20))
def test_it(module_one, session_one, number):
    assert module_one == session_one == os.getpid() != HERE
"""
    )
    pytester.makepyfile(test_one=module, test_two=module, test_three=module, test_four=module)
    result = run(pytester, "--workers", "2", "-rA")
    result.assert_outcomes(passed=80)
    begun = Counter(line for line in result.outlines if " begins in " in line)
    assert begun == Counter(line.replace(" ends in ", " begins in ") for line in result.outlines if " ends in " in line)
    assert {line.split()[0] for line in begun} == {"module", "session"}
    assert [number for line, number in begun.items() if line.startswith("session")] == [1, 1]
    assert sum(number for line, number in begun.items() if line.startswith("module")) == 4
    # Each test is one dot, and what is to happen at the end of the first process happens there.
    assert sum(line.count(".") for line in re.findall(r"^test_\w+\.py (\.+)", result.stdout.str(), re.MULTILINE)) == 80
    assert result.outlines.count("the first process ends") == 1


@pytest.mark.slow
def test_what_tests_print_at_the_same_time_is_told_apart(pytester: pytest.Pytester) -> None:
    module = """
import pathlib, time

def test_it():
    print("said by NAME")
    pathlib.Path("NAME").touch()
    while not pathlib.Path("OTHER").exists():
        time.sleep(0.01)
    raise AssertionError
"""
    one, two = (
        module.replace("NAME", name).replace("OTHER", other) for name, other in (("one", "two"), ("two", "one"))
    )
    pytester.makepyfile(test_one=one, test_two=two)
    result = run(pytester, "--workers", "2")
    result.assert_outcomes(failed=2)
    assert [result.outlines.count(f"said by {name}") for name in ("one", "two")] == [1, 1]


@pytest.mark.slow
def test_what_fails_is_shown_as_in_one_process(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_one="""
        import pytest, sys

        @pytest.fixture
        def broken():
            yield
            raise OSError("the fixture's end")

        def test_fails():
            print("said before")
            print("complained before", file=sys.stderr)
            assert [1, 2] == [1, 3]

        def test_is_skipped():
            pytest.skip("not today")

        def test_passes_and_its_end_fails(broken):
            pass
        """,
        test_two="""
        import warnings

        def test_warns():
            warnings.warn("an old name")
        """,
    )
    alone, forked = run(pytester), run(pytester, "--workers", "3", "--junitxml", "report.xml")
    for result in (alone, forked):
        result.assert_outcomes(passed=2, failed=1, errors=1, skipped=1, warnings=1)
        result.stdout.fnmatch_lines(["*At index 1 diff: 2 != 3", "said before", "complained before"])
        result.stdout.fnmatch_lines(["*OSError: the fixture's end"])
        result.stdout.fnmatch_lines(["*UserWarning: an old name"])
    assert alone.ret == forked.ret == 1
    report = (pytester.path / "report.xml").read_text()
    assert report.count("<testcase ") == 4


def test_a_process_that_dies_is_a_failure_of_its_test_and_the_rest_is_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, pytest

        @pytest.mark.parametrize("number", range(9))
        def test_it(number):
            if number == 4:
                os.kill(os.getpid(), 9)
        """
    )
    result = run(pytester, "--workers", "2")
    result.assert_outcomes(passed=8, failed=1)
    result.stdout.fnmatch_lines(["*test_it?4?*", "the process that ran it has ended with -9"])


@pytest.mark.slow
@pytest.mark.parametrize("stopped", [("-x",), ()])
def test_what_ignores_its_end_is_killed(pytester: pytest.Pytester, stopped: tuple[str, ...]) -> None:
    pytester.makepyfile(
        test_one="""
        import pathlib, signal, time

        def test_waits():
            signal.signal(signal.SIGABRT, signal.SIG_IGN)
            pathlib.Path("waits").touch()
            time.sleep(60)
        """,
        test_two="""
        import pathlib, time

        def test_fails():
            while not pathlib.Path("waits").exists():
                time.sleep(0.01)
            raise AssertionError
        """,
    )
    pytester.makeconftest("from tests.harness import workers\nworkers.TO_DIE = 0.5\n")
    result = run(pytester, "--workers", "2", "-o", "faulthandler_timeout=0.5", *stopped)
    result.assert_outcomes(failed=1 if stopped else 2)
    assert ("the process that ran it has ended with -9" in result.outlines) is not bool(stopped)


@pytest.mark.slow
def test_a_process_that_dies_is_seen_though_another_has_its_pipe(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, time

        def test_it():
            if (pid := os.fork()) == 0:
                time.sleep(20)
                os._exit(0)
            print("child", pid, flush=True)
            os.kill(os.getpid(), 9)
        """
    )
    result = run(pytester, "--workers", "1", "-s", "-W", "ignore::DeprecationWarning")
    os.kill(next(int(line.split()[-1]) for line in result.outlines if "child" in line), signal.SIGKILL)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the process that ran it has ended with -9"])
    assert result.duration < 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("last", "status"),
    [("import atexit; atexit.register(os.kill, os.getpid(), 11)", -11), ("import socket; kept = socket.socket()", 1)],
)
def test_what_happens_behind_the_last_test_is_an_error(pytester: pytest.Pytester, last: str, status: int) -> None:
    # Held by a circle, it is found when the process ends.
    pytester.makepyfile(
        f"import os\n\ndef test_it():\n    {last}\n    circle = [locals()]\n    circle.append(circle)\n"
    )
    result = run(
        pytester,
        "--workers",
        "1",
        "-W",
        "error::pytest.PytestUnraisableExceptionWarning",
        "-W",
        "error::ResourceWarning",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"the process that ran this last has ended with {status}"])


@pytest.mark.slow
def test_a_plugin_that_fails_in_a_process_is_shown(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(WHERE + "def pytest_runtest_logreport():\n    assert os.getpid() == HERE, 'not here'\n")
    pytester.makepyfile("def test_it(): pass")
    result = run(pytester, "--workers", "1")
    result.assert_outcomes(failed=1)
    result.stderr.fnmatch_lines(["AssertionError: not here*"])
    result.stdout.fnmatch_lines(["the process that ran it has ended with 1"])


@pytest.mark.slow
def test_a_test_that_takes_too_long_is_ended_and_says_where_it_stands(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import time

        def test_waits():
            time.sleep(60)

        def test_passes():
            pass
        """
    )
    result = run(pytester, "--workers", "1", "-o", "faulthandler_timeout=0.5")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["the process that ran it has ended with -6"])
    result.stderr.fnmatch_lines(['*.py", line 4 in test_waits'])


@pytest.mark.slow
def test_the_first_failure_ends_the_run_if_so_wanted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest, time

        @pytest.mark.parametrize("number", range(1000))
        def test_it(number):
            time.sleep(0.01)
            assert number != 3
        """
    )
    result = run(pytester, "--workers", "2", "-x")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])
    assert result.parseoutcomes()["passed"] < 100


@pytest.mark.slow
def test_what_cannot_be_collected_is_told_and_nothing_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one="import no_such_module", test_two="def test_it(): pass")
    result = run(pytester, "--workers", "2")
    assert result.ret == 2
    result.assert_outcomes(errors=1)


@pytest.mark.slow
def test_no_process_is_left_when_the_run_is_broken_off(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import os, time\ndef test_waits():\n    print('worker', os.getpid(), flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-m", "pytest", *ARGUMENTS, "-s", "-q", "--workers", "1", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment({}), stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout
        while (line := process.stdout.readline().split())[:1] != [b"worker"]:
            assert process.poll() is None
        worker = int(line[1])
        os.killpg(process.pid, signal.SIGINT)
        printed = process.stdout.read()
        assert process.wait(30) == 2, printed
    assert b"KeyboardInterrupt" in printed
    assert not is_alive(worker)
