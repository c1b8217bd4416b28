"""The log as JSON: every line is an object, and a turn's lines say what is known of it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.log import JSONLines, fields
from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.emulator import Rule
from tests.harness.processes import run
from tests.harness.service import Server
from tests.harness.world import World, start_world

JSON = {"LOG_FORMAT": "json", "LOG_LEVEL": "debug"}
RULES: list[Rule] = [
    {"when": {"equals": "the time"}, "fault": {"kind": "status", "status": 429, "retry_after_ms": 10}, "times": 1},
    {
        "when": {"equals": "the time"},
        "steps": [{"tool_calls": [{"name": "get_current_time", "arguments": {}}]}, {"text": "Late."}],
    },
    {"when": {"equals": "broken"}, "fault": {"kind": "status", "status": 400, "message": "se\ncret\x85"}},
]
OWNER = "ada@example.com"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with start_world(tmp_path_factory.mktemp("json"), RULES, JSON) as both:
        yield both


def lines(server: Server) -> list[dict[str, Any]]:
    """All that it has written, which is nothing but JSON."""
    return [orjson.loads(line) for line in server.log.splitlines()]


async def turn(server: Server, message: str) -> list[dict[str, Any]]:
    """The lines of one turn."""
    async with server.client(OWNER) as client:
        answer = await chat(client, {"message": message})
    request = answer.headers["x-request-id"]
    return [line for line in lines(server) if line.get("request") == request]


async def test_the_lines_of_a_turn_say_what_is_known_of_it(running: World) -> None:
    said = await turn(running.server, "the time")
    calls = [line for line in said if line["logger"] == "mockbackend.upstream" and line["level"] == "INFO"]
    assert [(line["kind"], line["status"], line["step"], line["retries"]) for line in calls] == [
        ("chat", 200, 1, 1),
        ("chat", 200, 2, 1),
    ]
    (failed,) = [line for line in said if line.get("reason")]
    assert (failed["reason"], failed["step"], failed["retries"]) == ("rate_limit", 1, 0)
    (tool,) = [line for line in said if "tool" in line]
    assert (tool["tool"], tool["outcome"], tool["step"]) == ("get_current_time", "ok", 1)
    (end,) = [line for line in said if "steps" in line]
    assert (end["mode"], end["outcome"], end["steps"], end["retries"], end["stored"]) == ("chat", "stop", 2, 1, True)
    assert end["input_tokens"] > 0
    assert end["output_tokens"] > 0
    assert 0 < end["first_token_ms"] <= end["duration_ms"]
    assert len({(line["turn"], line["conversation"], line["owner"]) for line in (*calls, failed, tool, end)}) == 1
    (begun,) = [line for line in said if line.get("route") == "/chat"]
    assert (begun["method"], begun["status"]) == ("POST", 200)


async def test_an_owner_is_the_same_in_each_turn_and_not_named(running: World) -> None:
    first, second = [(await turn(running.server, "Hello"))[-1] for _ in range(2)]
    assert first["owner"] == second["owner"]
    assert first["turn"] != second["turn"]
    assert OWNER not in running.server.log


async def test_what_was_said_breaks_no_line(running: World) -> None:
    said = await turn(running.server, "broken")
    assert any("se\\ncret" in line["message"] or "se\ncret" in line["message"] for line in said)
    assert running.server.log.replace("\n", "").isprintable()


def test_every_line_of_a_service_is_json(start_server: StartServer) -> None:
    server = start_server(
        {**JSON, "WEB_CONCURRENCY": "2", "BACKEND_AUTH_USERNAME": "", "BACKEND_AUTH_PASSWORD": ""}, "serve"
    )
    server.stop()
    messages = [line["message"] for line in lines(server)]
    assert any("listening on" in message for message in messages)
    assert any("curl -N" in message for message in messages)
    assert {line["level"] for line in lines(server)} <= {"DEBUG", "INFO", "WARNING"}


async def test_hypercorns_own_lines_are_json(running: World) -> None:
    running_on = [line for line in lines(running.server) if "Running on" in line["message"]]
    assert [line["logger"] for line in running_on] == ["hypercorn.error"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
async def test_the_access_log_is_json(start_server: StartServer, workers: int) -> None:
    hypercorn = f"exec {sys.executable} -m hypercorn -w {workers} --access-logfile - --bind 127.0.0.1:$PORT app:app"
    server = start_server(JSON, "serve", command=["sh", "-c", hypercorn])
    async with server.client() as client:
        assert (await client.get("/conversations", params={"q": "a secret"})).status_code == 200
        assert (await client.get("/images/token")).status_code == 404
    server.stop()
    accesses = [line for line in lines(server) if line["logger"] == "hypercorn.access"]
    assert {(line["path"], line["method"], line["status"]) for line in accesses} >= {
        ("/conversations", "GET", 200),
        ("/images/...", "GET", 404),
    }
    assert all(
        line["request"] and line["duration_ms"] >= 0 and line["client"].startswith("127.0.0.1:") for line in accesses
    )


def test_another_format_is_a_problem_of_the_settings(tmp_path: Any) -> None:
    done = run(["serve"], tmp_path, {"LOG_FORMAT": "xml"})
    assert (done.returncode, done.stderr.strip()) == (2, "LOG_FORMAT: must be text or json")


@given(st.text(alphabet=st.characters()), st.text(alphabet=st.characters()))
def test_any_value_stays_within_its_line(value: str, field: str) -> None:
    record = logging.LogRecord("mockbackend", logging.INFO, __file__, 1, "said %s", (value,), None)
    vars(record).update(fields(tool=field))
    written = JSONLines().format(record)
    assert len(written.splitlines()) == 1
    line = orjson.loads(written)
    assert line["message"] == "said " + value.encode(errors="replace").decode()
    assert line["tool"] == field.encode(errors="replace").decode()


def test_an_exception_is_a_field() -> None:
    try:
        raise ValueError("odd\nvalue")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    line = orjson.loads(JSONLines().format(record))
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: odd\nvalue")
