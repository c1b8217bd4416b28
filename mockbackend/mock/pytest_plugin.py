"""Fixtures for pytest: a chat backend, or Azure OpenAI, that each test scripts for itself.

pytest imports this module wherever the package is installed: it imports little, and starts nothing until a test asks.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pluggy
import pytest

START_SECONDS, END_SECONDS = 120.0, 30.0
# Longer than any wait that the control API allows.
TIMEOUT_SECONDS = 90.0
API_VERSION = "2024-10-21"
FIXTURES = ("mock_backend", "mock_azure")
BODY_CHARACTERS = 300


class MockError(AssertionError):
    """The mock has refused something, or a wait was in vain."""


class Scenario:
    """The scenario of a test: its rules, what was called in it, and the verdict on that.

    `url` is where the program under test calls, with `headers`. All methods wait for their answer; in an async test
    call those that wait for the program, as `held`, with `asyncio.to_thread`.
    """

    side = "front"

    def __init__(self, server: Mapping[str, Any], name: str) -> None:
        self.name = name
        self.url: str = server["url"]
        self.login: str = server["login"]
        # It leads to the scenario as well, where a front end sends no other header.
        self.userid = name
        self._address = urlsplit(self.url).netloc
        self._authorization = "Basic " + base64.b64encode(self.login.encode()).decode()

    @property
    def headers(self) -> dict[str, str]:
        """What a call needs: the login, the user and the scenario."""
        return {"authorization": self._authorization, "userid": self.userid, "x-mock-scenario": self.name}

    def rules(self, *rules: Any, **options: Any) -> None:
        """Begin the scenario with these rules. `options` are a script's other keys, as `seed`, `now` and `strict`.

        A rule is a mapping. In place of rules there may be one list of them, or the path of a script, or of a folder of
        scripts, as a recording is.
        """
        if len(rules) == 1 and isinstance(rules[0], Path):
            if rules[0].is_dir():
                self._call("PUT", body=_of_folder(rules[0]))
                return
            self._call("PUT", body=rules[0].read_bytes(), media_type="application/yaml")
            return
        listed = rules[0] if len(rules) == 1 and isinstance(rules[0], list) else list(rules)
        self._call("PUT", body=json.dumps({**options, "rules": listed}).encode())

    def next(self, *rules: Mapping[str, Any]) -> None:
        """Put these rules in front of all others; each serves once."""
        self._call("POST", "/next", json.dumps(rules).encode())

    def journal(
        self,
        on: str | None = None,
        *,
        side: str | None = None,
        state: str | None = None,
        wait: int | None = None,
        timeout: float | None = None,
    ) -> list[dict[str, Any]]:
        """The calls that were made, oldest first; with `wait`, as soon as that many that fit have ended."""
        asked = {"on": on, "side": side, "state": state, "wait": wait, "timeout": timeout}
        query = urlencode({key: value for key, value in asked.items() if value is not None})
        found: list[dict[str, Any]] = self._call("GET", "/journal" + (query and f"?{query}"))
        return found

    def held(self, count: int = 1, timeout: float | None = None) -> list[dict[str, Any]]:
        """Wait until that many streams are held, and return their calls."""
        return self.journal(side=self.side, state="held", wait=count, timeout=timeout)

    def release(self, count: int | None = None) -> int:
        """Let held streams go on, by `count` deltas or lines if that is given. Returns how many streams were held."""
        body = json.dumps({} if count is None else {"count": count}).encode()
        released: int = self._call("POST", "/release", body)["released"]
        return released

    def report(self) -> dict[str, Any]:
        """The verdict on the program under test: {ok, findings: [{code, severity, calls, what, advice}]}."""
        found: dict[str, Any] = self._call("GET", "/report")
        return found

    def assert_well_behaved(self) -> None:
        """Fail if the verdict has a finding of severity fail, and say all findings."""
        report = self.report()
        if not report["ok"]:
            raise AssertionError("the verdict:\n" + "\n".join(map(_finding, report["findings"])))

    def delete(self) -> None:
        """Delete the scenario with all that is stored in it."""
        self._call("DELETE")

    def _call(self, method: str, path: str = "", body: bytes = b"", media_type: str = "application/json") -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        try:
            headers = {"authorization": self._authorization, "content-type": media_type}
            connection.request(method, f"/__mock__/scenarios/{self.name}{path}", body, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            raise MockError(_problems(answer))
        return json.loads(answer) if answer else None


def _of_folder(folder: Path) -> bytes:
    # Imported late: few tests replay a recording.
    from .script import ScriptError, load_folder

    try:
        return json.dumps(load_folder(folder)).encode()
    except ScriptError as error:
        raise MockError(str(error)) from None


class AzureScenario(Scenario):
    """The same for a program that calls Azure OpenAI or OpenAI itself. `url` is the emulator's."""

    side = "model"

    def __init__(self, server: Mapping[str, Any], name: str) -> None:
        super().__init__(server, name)
        self.url = server["emulator_url"]

    @property
    def headers(self) -> dict[str, str]:
        """What a call needs: a key, and the scenario, which the key names as well."""
        return {"api-key": self.name, "x-mock-scenario": self.name}


@pytest.fixture(scope="session")
def _mock_server() -> Iterator[Mapping[str, Any]]:
    """What a running `mockbackend mock` has said of itself."""
    # The mock ends with its command, and that ends when nobody can write to it: also if this process is killed.
    command = [sys.executable, "-m", "mockbackend", "mock", "--", "cat"]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        try:
            yield _started(process, log)
        finally:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def mock_backend(_mock_server: Mapping[str, Any], request: pytest.FixtureRequest) -> Iterator[Scenario]:
    """A chat backend, and the test's own scenario in it."""
    scenario = Scenario(_mock_server, _name(request.node))
    scenario.rules()
    yield scenario
    scenario.delete()


@pytest.fixture
def mock_azure(
    _mock_server: Mapping[str, Any], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AzureScenario]:
    """Azure OpenAI, to which the environment leads, and the test's own scenario in it."""
    scenario = AzureScenario(_mock_server, _name(request.node, "azure"))
    scenario.rules()
    variables = {
        "AZURE_OPENAI_ENDPOINT": scenario.url,
        "AZURE_OPENAI_API_KEY": scenario.name,
        "OPENAI_API_VERSION": API_VERSION,
        "OPENAI_BASE_URL": f"{scenario.url}/v1",
        "OPENAI_API_KEY": scenario.name,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield scenario
    scenario.delete()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pluggy.Result[pytest.TestReport], None]:
    """Add the journals of its scenarios to the report of a test that failed."""
    report = (yield).get_result()
    if report.failed and report.when == "call":
        values = getattr(item, "funcargs", {})
        for name in FIXTURES:
            if isinstance(scenario := values.get(name), Scenario):
                report.sections.append((f"journal of {name}", _shown(scenario)))


def _started(process: subprocess.Popen[bytes], log: Any) -> Mapping[str, Any]:
    """Wait for the line that says where it serves."""
    line, deadline = b"", time.monotonic() + START_SECONDS
    while process.stdout and not line.endswith(b"\n") and (left := deadline - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0] or not (more := process.stdout.read1()):  # type: ignore[attr-defined]
            break
        line += more
    if not line.endswith(b"\n"):
        process.kill()
        log.seek(0)
        raise RuntimeError(f"mockbackend mock has not started:\n{log.read().decode(errors='replace')}")
    found: Mapping[str, Any] = json.loads(line)
    return found


def _name(node: pytest.Item, kind: str = "") -> str:
    """The name of a test's scenario: readable, and the same in every run."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", node.name)[:100]
    return f"{readable}-{hashlib.sha256((node.nodeid + kind).encode()).hexdigest()[:8]}"


def _problems(answer: bytes) -> str:
    try:
        said = json.loads(answer)
        words = [said["error"]["message"]]
    except (ValueError, KeyError, TypeError):
        return answer.decode(errors="replace")
    for problem in said.get("problems", ()):
        where = ", ".join(f"{key} {problem[key]}" for key in ("rule", "key") if problem.get(key) is not None)
        words.append(f"  {where}: {problem.get('message')}")
    return "\n".join(words)


def _finding(finding: Mapping[str, Any]) -> str:
    return f"  {finding['severity']} {finding['code']}: {finding['what']} {finding['advice']}"


def _shown(scenario: Scenario) -> str:
    try:
        entries = scenario.journal()
    except (MockError, OSError) as error:
        return f"It cannot be read: {error}"
    return "\n".join(map(_entry, entries)) or "Nothing was called."


def _newest(body: Any) -> Any:
    """Of a body with messages the last one, which says most."""
    messages = body.get("messages") if isinstance(body, dict) else None
    return messages[-1] if isinstance(messages, list) and messages else body


def _entry(entry: Mapping[str, Any]) -> str:
    ended = entry["ended_at"]
    took = f"{ended - entry['at']} ms" if ended is not None else "not ended"
    rule = "no rule" if entry["rule"] is None else f"rule {entry['rule']}"
    body = json.dumps(_newest(entry["body"]), ensure_ascii=False)[:BODY_CHARACTERS] if entry["body"] else ""
    facts = f"{entry['status']} {entry['state']}, {entry['lines']} lines, {took}, {rule}"
    return f"{entry['n']} {entry['side']} {entry['on']}: {entry['method']} {entry['path']} {facts} {body}".rstrip()
