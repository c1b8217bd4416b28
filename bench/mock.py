"""Measure what the mock costs: `python -m bench.mock [--rounds N]`.

A turn on the emulator engine, with the journal and without it; the start of `mockbackend mock` and of `serve`; a reset.
"""

import argparse
import base64
import http.client
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.driving import ask_once, run_load
from bench.environment import own_python
from bench.job import PASSWORD, USER, Job
from bench.measure import loaded
from bench.processes import ROOT, clean_environment, stop
from bench.servers import Server, free_port, wait_until_listening

TOKENS = 20
SCRIPT = {"rules": [{"when": f"tokens={TOKENS}", "text": ["a word, "] * TOKENS}]}
WITHOUT_JOURNAL = (
    "from mockbackend.mock.store import journal\n"
    "journal.Journal.begin = lambda self, scenario, *_, **__: journal.Entry(self._database, scenario, None, 0)\n"
    "from mockbackend.server.cli import main\n"
    "main(['serve'])"
)
ARGUMENTS = {
    "serve": ["-m", "mockbackend", "serve"],
    "without the journal": ["-c", WITHOUT_JOURNAL],
    "mock": ["-m", "mockbackend", "mock"],
}
TURNS = 300


@contextmanager
def running(kind: str) -> Iterator[Server]:
    """A service on the emulator, started in one of these ways."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-mock-") as name:
        folder = Path(name)
        (folder / "script.yaml").write_text(json.dumps(SCRIPT))
        login = {"BACKEND_AUTH_USERNAME": USER, "BACKEND_AUTH_PASSWORD": PASSWORD}
        env = clean_environment(
            **login, DATA_DIR=name, LOG_LEVEL="WARNING", PORT=str(port), MOCK_SCRIPT=str(folder / "script.yaml")
        )
        more = ["--port", str(port)] if kind == "mock" else []
        command = [str(own_python()), *ARGUMENTS[kind], *more]
        process = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True, stdout=subprocess.DEVNULL)
        try:
            yield Server("ours", process, port, folder)
        finally:
            stop(process)


def turn_ms(kind: str) -> float:
    """CPU of a turn of 20 tokens, the emulator's part included, in milliseconds."""
    with running(kind) as server:
        wait_until_listening(server)
        run_load(Job(server.port, f"tokens={TOKENS}", turns=50, at_once=4))
        tally, seconds = loaded(server, Job(server.port, f"tokens={TOKENS}", turns=TURNS, at_once=4))
        return seconds / tally.turns * 1e3


def start_s(kind: str) -> float:
    """Seconds from the start of the process until it accepts connections and answers."""
    began = time.perf_counter()
    with running(kind) as server:
        wait_until_listening(server)
        if kind == "serve":
            ask_once(server.port)
        else:
            _call(server.port, "GET", "/livez", "mock:mock")
        return time.perf_counter() - began


def reset_ms() -> list[float]:
    """Milliseconds of a DELETE of a scenario in which a turn was answered and nothing runs."""
    found = []
    with running("serve") as server:
        wait_until_listening(server)
        login = f"{USER}:{PASSWORD}"
        for number in range(30):
            path = f"/__mock__/scenarios/reset-{number}"
            _call(server.port, "PUT", path, login, json.dumps(SCRIPT))
            headers = {"userid": "ada", "x-mock-scenario": f"reset-{number}"}
            _call(server.port, "POST", "/chat", login, json.dumps({"message": f"tokens={TOKENS}"}), headers)
            began = time.perf_counter()
            _call(server.port, "DELETE", path, login)
            found.append((time.perf_counter() - began) * 1e3)
    return found


def _call(
    port: int, method: str, path: str, login: str, body: str | None = None, headers: dict[str, str] | None = None
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    authorization = {"authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    connection.request(method, path, body, {**authorization, **(headers or {})})
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status >= 300:
        raise SystemExit(f"bench: {method} {path} answered {response.status}")


def main() -> None:
    """Measure, in turn and round by round, and print the medians."""
    parser = argparse.ArgumentParser(prog="python -m bench.mock", description="Measure what the mock costs.")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = max(1, parser.parse_args().rounds)
    start_s("serve")
    turns = [(turn_ms("serve"), turn_ms("without the journal")) for _ in range(rounds)]
    starts = [(start_s("mock"), start_s("serve")) for _ in range(rounds)]
    with_it, without = (median(side) for side in zip(*turns, strict=True))
    mock, serve = (median(side) for side in zip(*starts, strict=True))
    reset = sorted(reset_ms())
    print("| what | value | beside |\n|---|---|---|")
    print(f"| CPU of a turn on the emulator | {with_it:.1f} ms | {without:.1f} ms without the journal |")
    print(f"| start of `mockbackend mock` | {mock:.2f} s | {serve:.2f} s of `serve`, with its first answer |")
    print(f"| DELETE of a scenario | {median(reset):.1f} ms | {reset[-1]:.1f} ms the slowest of {len(reset)} |")


if __name__ == "__main__":
    main()
