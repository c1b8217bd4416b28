"""What the log tells of a turn, and that nothing that is logged forges a line of it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.log import _Lines
from tests.harness.answers import chat
from tests.harness.emulator import KEY, Rule
from tests.harness.raw_model import CHUNKED, DOCUMENT, STREAM, RawUpstream, calls, choice, event, words
from tests.harness.service import Server, log_of
from tests.harness.world import World, start_world

FORGED = "x\n2026-01-01 00:00:00,000 INFO [-] mockbackend: forged\r\x1b[2J\x85\u2028y"
LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ \[[0-9a-f-]+\] [\w.]+: .")
RULES: list[Rule] = [
    {
        "when": {"equals": "the time"},
        "steps": [{"tool_calls": [{"name": "get_current_time", "arguments": {}}]}, {"text": "Late."}],
    },
    {"when": {"equals": "refused"}, "fault": {"kind": "status", "status": 400, "message": f"secret {FORGED}"}},
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with start_world(tmp_path_factory.mktemp("log"), RULES, image="gpt-image-1") as both:
        yield both


async def _log(server: Server, prompt: str, mode: str = "chat") -> str:
    async with server.client() as client:
        answer = await chat(client, {"message": prompt, "mode": mode})
    return log_of(server, answer.headers["x-request-id"])


def refused(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} No\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


async def test_a_turn_is_told_from_its_calls_to_its_end(running: World) -> None:
    log = await _log(running.server, "the time")
    call = r"upstream chat gpt-4o 200 in \d+ ms apim-request-id=[\w-]{8,}"
    assert len(re.findall(call, log)) == 2
    assert "tool get_current_time done" in log
    ended = r"turn \w+ of conversation [\w-]+: mode=chat steps=2 finish=stop tokens=\d+\+\d+ history written, \d+ ms"
    assert len(re.findall(ended, log)) == 1


async def test_an_image_is_told_too(running: World) -> None:
    log = await _log(running.server, "a fox", "image")
    assert re.search(r"upstream images gpt-image-1 200 in \d+ ms", log)
    assert "mode=image" in log


async def test_what_the_model_api_said_is_in_the_log_on_request_and_forges_no_line(tmp_path: Path) -> None:
    with start_world(tmp_path, RULES, {"LOG_LEVEL": "DEBUG"}) as both:
        log = await _log(both.server, "refused")
        assert re.search(r"upstream chat failed after \d+ ms: status 400 apim-request-id=[\w-]{8,}", log)
        assert "secret" in log
        _check(both.server)


SAID = "the words of somebody"
ECHO = orjson.dumps({"error": {"code": SAID, "type": "invalid_request_error", "message": f"not allowed: {SAID}"}})
WHOLE = orjson.dumps({"object": "chat.completion", "choices": [{"message": {"content": SAID}}]})


WRONG: list[tuple[tuple[bytes, ...], str]] = [
    # What it repeats is cut out.
    ((refused(400, ECHO),), "status 400 type=invalid_request_error and a message of 14 characters"),
    ((refused(403, ECHO),), "status 403 type=invalid_request_error and a message of 14 characters"),
    ((refused(500, SAID.encode()),), "upstream chat failed after "),
    ((DOCUMENT % len(WHOLE), WHOLE), f"a JSON document of {len(WHOLE)} bytes, not with a stream"),
    ((DOCUMENT % len(SAID), SAID.encode()), f"a document of {len(SAID)} bytes, which is not JSON"),
    ((STREAM, b"data: " + ECHO + b"\n\n"), "an error inside a 200: type=invalid_request_error and a message of 34"),
    ((STREAM, words([SAID])), "a malformed event of "),
    ((CHUNKED, SAID.encode() + b"\r\n"), "upstream chat failed"),
]


async def test_an_answer_that_is_wrong_is_logged_without_its_words(tmp_path: Path) -> None:
    replies = {f"{SAID} {number}": answer for number, (answer, _) in enumerate(WRONG)}
    with RawUpstream(replies) as upstream, Server(tmp_path, upstream.settings) as server:
        logs = await asyncio.gather(*(_log(server, prompt) for prompt in replies))
        for log, (_, says) in zip(logs, WRONG, strict=True):
            assert says in log
        assert SAID not in server.log


async def test_neither_words_nor_keys_are_in_the_log(running: World) -> None:
    log = await _log(running.server, "between you and me")
    assert "between you and me" not in running.server.log
    assert KEY not in running.server.log
    assert log


async def test_a_name_that_the_model_or_a_client_made_up_forges_no_line(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    call = calls({"index": 0, "id": FORGED, "function": {"name": FORGED, "arguments": FORGED}})
    with RawUpstream({"call": (STREAM, call, event(choice({}, "tool_calls")))}) as upstream:
        settings = {**upstream.settings, "AGENT_MAX_STEPS": "2", "LOG_LEVEL": "DEBUG"}
        with Server(tmp_path_factory.mktemp("forged"), settings) as server:
            assert "tool x_2026-01-01_00_00_00_000_INFO" in await _log(server, "call")
            async with server.client() as client:
                for path in ("/conversations/a%0Ab%1B", "/images/%0d%0a2026", f"/{'%E2%80%A8'}"):
                    assert (await client.get(path)).status_code in (400, 404)
            _check(server)


def _check(server: Server) -> None:
    """Every line is one of ours, or belongs to the one before."""
    ours = [line for line in server.log.split("\n") if line and "hypercorn" not in line and "Running on" not in line]
    for line in ours:
        assert line.startswith("  ") or LINE.match(line), line
        assert line.isprintable() or line.startswith("  "), ascii(line)
    assert not [line for line in ours if line.startswith("2026-01-01 00:00:00,000")]


@given(st.text())
def test_any_logged_value_stays_within_its_line(value: str) -> None:
    record = logging.LogRecord("mockbackend", logging.INFO, __file__, 1, "said %s", (value,), None)
    written = _Lines("%(levelname)s [%(request_id)s] %(message)s").format(record)
    first, *more = written.splitlines()
    assert first.startswith("INFO [-] said ")
    assert all(line.startswith("  ") for line in more)
