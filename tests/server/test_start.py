"""What a start says, and with which status it ends where it cannot go on."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from mockbackend import __version__
from tests.conftest import StartServer
from tests.harness.http_client import PLAIN
from tests.harness.processes import environment, fork, free_port, run
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.server.started import started

BAD = {"AZURE_OPENAI_ENDPOINT": "team.openai.azure.com", "LOG_LEVEL": "loud", "WEB_CONCURRENCY": "none"}


@pytest.mark.parametrize("command", ["serve", "check"])
def test_all_settings_that_are_wrong_are_listed_at_once(tmp_path: Path, command: str) -> None:
    ended = run([command], tmp_path, BAD)
    assert ended.returncode == 2
    assert sorted(line.partition(":")[0] for line in ended.stderr.splitlines()) == [
        "AZURE_OPENAI_API_KEY",
        "AZURE_OPENAI_ENDPOINT",
        "AZURE_OPENAI_GPT_DEPLOYMENT_NAME",
        "LOG_LEVEL",
        "WEB_CONCURRENCY",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_env_file_of_the_working_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=loud\n")
    ended = run(["serve"], tmp_path, {})
    assert ended.returncode == 2
    assert ended.stderr.startswith("LOG_LEVEL: ")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that others can reach, with a setting by its old name."""
    with Server(tmp_path_factory.mktemp("served"), {"MAX_PICTURE_BYTES": "1000"}, "serve") as running:
        yield running


def test_an_old_name_of_a_setting_is_logged(served: Server) -> None:
    assert_logged(served)


def test_an_old_name_of_a_setting_is_logged_by_plain_hypercorn(start_server: StartServer) -> None:
    assert_logged(start_server({"MAX_PICTURE_BYTES": "1000"}))


def assert_logged(server: Server) -> None:
    assert server.log.count("WARNING [-] mockbackend: MAX_PICTURE_BYTES has been renamed to MAX_IMAGE_BYTES.") == 1


@pytest.mark.slow
def test_the_version_is_printed(tmp_path: Path) -> None:
    ended = run(["--version"], tmp_path, {}, fresh=True)
    assert (ended.returncode, ended.stdout) == (0, f"mockbackend {__version__}\n")


@pytest.mark.slow
def test_nothing_slow_is_imported_before_the_socket_listens_or_wrong_settings_are_listed(tmp_path: Path) -> None:
    program = """import sys
from mockbackend.server import cli, serve
try:
    cli.main(["check"])
finally:
    print(*sys.modules)
"""
    command, env = [sys.executable, "-c", program], environment({"LOG_LEVEL": "loud"})
    ended = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (2, "LOG_LEVEL: must be DEBUG, INFO, WARNING or ERROR\n")
    assert {"openai", "langgraph", "hypercorn", "starlette"} & set(ended.stdout.split()) == set()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_reported_in_a_line(tmp_path: Path, server: Server, workers: str) -> None:
    ended = run(["serve"], tmp_path, {"PORT": str(server.port), "WEB_CONCURRENCY": workers})
    assert ended.returncode == 1
    remedy = "end the program that uses it, or choose another port with PORT"
    assert ended.stderr == f"cannot listen on 0.0.0.0:{server.port}: Address already in use; {remedy}\n"


def test_the_emulator_names_its_own_option_where_its_port_is_in_use(tmp_path: Path, server: Server) -> None:
    ended = run(["emulator", "--port", str(server.port)], tmp_path, {})
    assert ended.returncode == 1
    assert ended.stderr.endswith("or choose another port with --port\n")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_start_ends_with_one_block_for_people(start_server: StartServer, workers: str) -> None:
    server = start_server({"WEB_CONCURRENCY": workers}, kind="serve")
    said = server.log.partition(f"listening on http://0.0.0.0:{server.port}\n")[2]
    assert said == (
        f"  Page       http://127.0.0.1:{server.port}/\n"
        "  Login      u\n"
        "  Password   that of BACKEND_AUTH_PASSWORD\n"
        "  Engine     the EMULATOR of Azure OpenAI, not a model: no model API is configured\n"
        f"  curl -N -u 'u' -H 'userid: me' http://127.0.0.1:{server.port}/chat -d '{{\"message\": \"Hello\"}}'\n"
    )


def test_alone_it_shows_its_commands(tmp_path: Path) -> None:
    ended = run([], tmp_path, {})
    assert ended.returncode == 0
    assert {"serve", "check", "migrate", "emulator", "mock"} <= set(ended.stdout.split())


def test_flags_win_over_the_environment(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("rules: [{text: From the script.}]")
    settings = {"WEB_CONCURRENCY": "3", "MOCK_SCRIPT": "none.yaml", "BIND_HOST": "0.0.0.0"}
    flags = ("--host", "127.0.0.1", "--port", "0", "--workers", "1", "--script", str(script))
    with started(tmp_path, *flags, "--data-dir", str(tmp_path / "other"), **settings) as served:
        assert served.url.startswith("http://127.0.0.1:")
        login = (served.value("Login"), served.value("Password"))
        with httpx2.Client(base_url=served.url, auth=login, headers={"userid": "me"}, **PLAIN) as client:
            answer = client.post("/chat", json={"message": "Hi"}).text
    assert "".join(re.findall(r'^0:"(.*)"$', answer, re.MULTILINE)) == "From the script."
    assert (tmp_path / "other" / "login").read_text() == f"{login[0]}:{login[1]}\n"
    assert not (tmp_path / "data").exists()


def test_bind_host_is_where_it_listens(tmp_path: Path) -> None:
    with started(tmp_path, PORT=str(free_port()), BIND_HOST="127.0.0.1") as served:
        assert served.url.startswith("http://127.0.0.1:")


@pytest.mark.slow
def test_the_link_signs_in_once_at_any_worker(tmp_path: Path) -> None:
    with started(tmp_path, "--port", "0", "--workers", "2") as served:
        page, secret = served.value("Signed in").split("#sign-in=")
        assert page == f"{served.url}/"
        answers = []
        for sent in ("wrong", secret, secret, secret, secret):
            # A connection each, so that both workers are asked.
            with httpx2.Client(base_url=served.url, **PLAIN) as client:
                answers.append(client.post("/sign-in", json={"secret": sent}))
        assert [answer.status_code for answer in answers] == [403, 200, 403, 403, 403]
        assert answers[1].json() == {"login": served.value("Login"), "password": served.value("Password")}
        assert answers[1].headers["cache-control"] == "no-store"


async def test_where_others_can_reach_it_there_is_no_link(served: Server) -> None:
    assert "sign-in" not in served.log
    async with served.client(None) as client:
        assert (await client.post("/sign-in", json={"secret": "x"})).status_code == 404


async def test_a_free_port_is_taken_and_said(tmp_path: Path) -> None:
    log = tmp_path / "log"
    # The flag wins, and listens on this machine alone.
    env = environment({"DATA_DIR": str(tmp_path / "data"), "PORT": "1"})
    with log.open("wb") as output:
        process = fork(["mockbackend", "serve", "--port", "0"], tmp_path, env, output)
    try:

        async def listens() -> bool:
            return "listening on " in log.read_text()

        await until(listens, within=30)
        (url,) = set(re.findall(r"http://127\.0\.0\.1:[1-9]\d+", log.read_text()))
        async with httpx2.AsyncClient(base_url=url, **PLAIN) as client:
            assert (await client.get("/livez")).status_code == 200
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("content", ["", "mock:\n", "no login"])
def test_a_login_file_without_a_login_lets_nobody_in(tmp_path: Path, content: str) -> None:
    path = tmp_path / "data" / "login"
    path.parent.mkdir()
    path.write_text(content)
    ended = run(["serve"], tmp_path, {"PORT": str(free_port())})
    assert ended.returncode == 2
    said = "data/login: the login must be user:password; remove it to have one generated"
    assert ended.stderr.splitlines()[-1] == said


def test_a_login_that_cannot_be_read_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "data" / "login").mkdir(parents=True)
    ended = run(["serve"], tmp_path, {"PORT": str(free_port())})
    assert ended.returncode == 2
    assert ended.stderr == "data/login: the login cannot be read (Is a directory)\n"


def test_a_script_that_no_emulator_can_follow_is_reported(tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text("rules: 3\n")
    ended = run(["emulator", "--script", "script.yaml"], tmp_path, {})
    assert ended.returncode == 2
    assert "script.yaml" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_out_of_range_is_reported(tmp_path: Path, port: str) -> None:
    ended = run(["emulator", "--port", port], tmp_path, {})
    assert ended.returncode == 2
    assert "--port: must be a number from 0 to 65535" in ended.stderr
    assert len(ended.stderr) < 500, "the valid ports are not listed one by one"


@pytest.mark.parametrize(
    "alone", [pytest.param(True, id="-w 0"), pytest.param(False, id="with a worker", marks=pytest.mark.slow)]
)
def test_plain_hypercorn_lists_what_is_wrong_and_ends(tmp_path: Path, alone: bool) -> None:
    arguments = ["app:app", *(["-w", "0"] if alone else []), "-b", f"127.0.0.1:{free_port()}"]
    ended = run(arguments, tmp_path, {"LOG_LEVEL": "loud"}, module="hypercorn", fresh=not alone)
    assert ended.stderr == "LOG_LEVEL: must be DEBUG, INFO, WARNING or ERROR\n"
    # Hypercorn 0.18 forgets its worker's status.
    assert ended.returncode == (2 if alone else 0)
