"""`mockbackend mock`: a service for tests that leaves nothing, and a command beside it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import orjson
import pytest

from tests.harness.answers import chat
from tests.harness.emulator import HI
from tests.harness.http_client import PLAIN
from tests.harness.processes import environment, run
from tests.server.mocking import is_alive, mocking, wait_for

KEY = {"api-key": "any"}
USER = {"userid": "ada"}
ENGINE = {
    "AZURE_OPENAI_ENDPOINT": "https://team.openai.azure.com",
    "OPENAI_BASE_URL": "not a URL",
    "DATABASE_URL": "postgresql://<user>:<password>@<host>/<database>",
    "AZURE_SEARCH_ENDPOINT": "https://search.example",
    "BACKEND_AUTH_USERNAME": "me",
    "PUBLIC_URL": "https://chat.example?",
    "TRUSTED_PROXIES": "nobody",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "collector",
    "CORS_ALLOW_ORIGINS": "nowhere",
    "DRAIN_SECONDS": "long",
    "DATA_DIR": "data",
    "PORT": "1",
    "WEB_CONCURRENCY": "none",
}


def shell(words: str) -> list[str]:
    return ["--", "sh", "-c", words]


async def test_it_says_where_it_serves_and_leaves_nothing(tmp_path: Path) -> None:
    with mocking(tmp_path) as mock:
        started = mock.started
        assert started == {
            "url": started["url"],
            "emulator_url": f"{started['url']}/__mock__/azure",
            "login": "mock:mock",
            "pid": mock.process.pid,
        }
        async with httpx2.AsyncClient(base_url=started["url"], auth=("mock", "mock"), headers=USER, **PLAIN) as client:
            answer = await chat(client, {"id": "trip", "message": "Hello"})
            assert answer.text
            elsewhere = await client.get("/conversations", headers={"origin": "https://anywhere.example"})
            assert elsewhere.headers["access-control-allow-origin"] == "*"
            assert [row["id"] for row in elsewhere.json()] == ["trip"]
            body = {"model": "gpt-4o", "messages": HI}
            emulated = await client.post(f"{started['emulator_url']}/v1/chat/completions", json=body, headers=KEY)
            assert emulated.status_code == 200
        (folder,) = mock.folders
        assert folder.startswith("mockbackend-mock-")
        mock.process.send_signal(signal.SIGTERM)
        assert mock.process.wait(30) == 0
        assert mock.folders == []
        assert len(mock.out.splitlines()) == 1
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.slow
async def test_many_wrong_logins_are_refused_at_once(tmp_path: Path) -> None:
    with mocking(tmp_path) as mock:
        async with httpx2.AsyncClient(base_url=mock.started["url"], auth=("mock", "wrong"), **PLAIN) as client:
            async with asyncio.timeout(5):
                assert {(await client.get("/health")).status_code for _ in range(30)} == {401}


@pytest.mark.slow
def test_neither_an_engine_nor_a_place_is_taken_from_a_developer(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=loud\nAZURE_OPENAI_API_KEY=0123456789abcdef\n")
    with mocking(tmp_path, shell('curl -s -u mock:mock "$MOCK_URL/health"'), ENGINE) as mock:
        assert mock.process.wait(30) == 0
        health = orjson.loads(mock.out.splitlines()[1])
        assert (health["engine"], mock.started["login"]) == ("emulator", "mock:mock")
    assert not (tmp_path / "data").exists()


def test_other_settings_are_taken_from_the_environment(tmp_path: Path) -> None:
    ended = run(["mock", *shell("true")], tmp_path, {"MAX_TURN_SECONDS": "long"})
    assert ended.returncode == 2
    assert ended.stderr == "MAX_TURN_SECONDS: must be a number\n"


def test_a_command_finds_the_service_and_the_emulator_in_its_environment(tmp_path: Path) -> None:
    names = ("URL", "LOGIN"), ("ENDPOINT", "API_KEY", "API_VERSION"), ("BASE_URL", "API_KEY", "API_VERSION")
    prefixes = "MOCK", "AZURE_OPENAI", "OPENAI"
    wanted = [f"${prefix}_{name}" for prefix, own in zip(prefixes, names, strict=True) for name in own]
    before = os.umask(0)
    os.umask(before)
    printing = f"for one in {' '.join(wanted)}; do echo $one; done; umask"
    ended = run(["mock", *shell(printing)], tmp_path, {"OPENAI_API_KEY": "sk-of-the-shell"})
    assert ended.returncode == 0
    started, *printed = ended.stdout.splitlines()
    url, emulator = (orjson.loads(started)[name] for name in ("url", "emulator_url"))
    version = "2024-10-21"
    assert printed == [
        *(url, "mock:mock"),
        *(emulator, "mock", version),
        *(f"{emulator}/v1", "mock", version),
        f"{before:04o}",
    ]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        # A command that another test runs ends with 0.
        pytest.param("exit 0", 0, marks=pytest.mark.slow),
        ("exit 7", 7),
        pytest.param("kill -9 $$", 137, marks=pytest.mark.slow),
        pytest.param("kill -TERM $$", 143, marks=pytest.mark.slow),
    ],
)
def test_the_status_of_the_command_is_that_of_the_mock(tmp_path: Path, words: str, status: int) -> None:
    with mocking(tmp_path, shell(words)) as mock:
        assert mock.process.wait(30) == status
        assert mock.folders == []


def test_what_follows_the_dashes_is_the_commands(tmp_path: Path) -> None:
    words = ["--port", "1", "--", "--help"]
    ended = run(["mock", "--", "printf", "%s\\n", *words], tmp_path, {})
    assert ended.stdout.splitlines()[1:] == words


@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        ("no-such-program", 127, "no-such-program was not found; check its name, and PATH"),
        ("./text", 126, "./text is not a program; make it executable"),
        ("./broken", 126, "the command cannot be run: Exec format error"),
    ],
)
def test_a_command_that_cannot_be_run_is_said(tmp_path: Path, program: str, status: int, said: str) -> None:
    for name, mode in (("text", 0o600), ("broken", 0o700)):
        (tmp_path / name).write_text("words")
        (tmp_path / name).chmod(mode)
    ended = run(["mock", "--", program], tmp_path, {})
    assert (ended.returncode, ended.stderr) == (status, f"{said}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "0"], "argument --workers: must be a number from 1 to 999"),
        (["--port", "http"], "argument --port: must be a number from 0 to 65535"),
        (["npm", "test"], "unrecognized arguments: npm test. Put -- before the command that is to run"),
        (["--"], "name a command after --, or leave the -- out"),
        (["--script", "none.yaml"], "none.yaml: cannot be read: No such file or directory"),
        (["--script", "bad.yaml"], "bad.yaml: rule 1: wen: unknown key; did you mean 'when'?"),
    ],
)
def test_wrong_arguments_are_said_before_anything_starts(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "bad.yaml").write_text("rules: [{wen: hi}]")
    ended = run(["mock", *arguments], tmp_path, {})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith(f"{said}\n")


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run(["mock", "--port", str(taken.getsockname()[1])], tmp_path, {})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Address already in use" in ended.stderr
    assert ended.stderr.endswith("or choose another port with --port\n")


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_signal_is_passed_on_once_and_the_command_ends_when_it_likes(tmp_path: Path, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    words = f'trap "echo {name}; sleep 0.3; exit 5" {name}; echo ready; while :; do sleep 0.02; done'
    with mocking(tmp_path, shell(words)) as mock:
        wait_for(lambda: mock.out.endswith("ready\n"))
        mock.process.send_signal(number)
        assert mock.process.wait(30) == 5
        assert mock.out.splitlines()[1:] == ["ready", name]
        assert mock.folders == []


@pytest.mark.slow
def test_nothing_is_left_running_when_the_mock_is_killed(tmp_path: Path) -> None:
    # What ignores the signal, and what it has started, end as well.
    words = 'trap "" TERM; sh -c \'trap "" TERM; echo $$; while :; do sleep 0.05; done\' & echo $$; wait'
    with mocking(tmp_path, ["--workers", "2", *shell(words)]) as mock:
        wait_for(lambda: len(mock.out.splitlines()) == 3)
        workers = Path(f"/proc/{mock.process.pid}/task/{mock.process.pid}/children").read_text()
        running = [int(pid) for pid in (*mock.out.splitlines()[1:], *workers.split())]
        assert all(map(is_alive, running))
        mock.process.kill()
        wait_for(lambda: not any(map(is_alive, running)))
        left = mock.folders
        assert len(left) == 1
        with mocking(tmp_path) as following:
            assert following.started
            assert len(following.folders) == 1
            assert following.folders != left


@pytest.mark.slow
def test_two_at_once_have_a_folder_each(tmp_path: Path) -> None:
    with mocking(tmp_path) as one, mocking(tmp_path) as other:
        assert one.started["url"] != other.started["url"]
        assert len(one.folders) == 2
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(30) == 0
        assert len(other.folders) == 1
        assert other.process.poll() is None


@pytest.mark.slow
def test_a_full_folder_for_temporary_files_is_said(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=True)
    try:
        ended = run(["mock", *shell("true")], tmp_path, {"TMPDIR": str(disk)})
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"TMPDIR: {disk}/mockbackend-mock-")
    assert ended.stderr.endswith("database or disk is full)\n")


@pytest.mark.slow
def test_on_a_terminal_the_keys_reach_the_command_alone(tmp_path: Path) -> None:
    words = (
        'trap "echo INT" INT; echo ready; while :; do read line && echo "read $line"; [ "$line" = end ] && exit 4; done'
    )
    mine, theirs = os.openpty()
    command = [sys.executable, "-m", "mockbackend", "mock", *shell(words)]
    program = (
        f"import fcntl, os, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv({sys.executable!r}, {command!r})"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env=environment({"TMPDIR": str(tmp_path)}),
        start_new_session=True,
    )
    shown = ""

    def shows(words: str) -> bool:
        nonlocal shown
        if select.select([mine], [], [], 0.1)[0]:
            shown += os.read(mine, 4096).decode()
        return words in shown

    try:
        wait_for(lambda: shows("ready"))
        os.write(mine, b"\x03")
        wait_for(lambda: shows("INT"))
        os.write(mine, b"one\n")
        wait_for(lambda: shows("read one"))
        # Ctrl-Z stops both; whoever continues the mock continues the command.
        os.write(mine, b"\x1a")
        wait_for(lambda: "\nState:\tT" in Path(f"/proc/{process.pid}/status").read_text())
        os.write(mine, b"two\n")
        process.send_signal(signal.SIGCONT)
        wait_for(lambda: shows("read two"))
        os.write(mine, b"end\n")
        assert process.wait(30) == 4
        assert shown.count("INT") == shown.count("trap") + 1
    finally:
        process.kill()
        process.wait(30)
        os.close(mine)
        os.close(theirs)
