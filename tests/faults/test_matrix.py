"""Every kind of trouble with the model API, over the wire: what is shown, what is stored, and how often it is tried.

Each row is a line of docs/reliability.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from tests.faults.raw_rows import RAW_ROWS
from tests.harness.answers import chat
from tests.harness.api import stored
from tests.harness.emulator import KEY, Rule
from tests.harness.http_client import PLAIN
from tests.harness.processes import ROOT
from tests.harness.service import log_of
from tests.harness.world import World, start_world

TRIES = 2
WORDS = ["One ", "two ", "three."]
CALL = {"name": "get_current_time", "arguments": {"timezone": "Europe/Oslo"}}
FILTERED = "content filter refused the request"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of trouble. `rule` is how the emulator answers a prompt that is the row's name.

    `says` are words of the `3:` line, or None if there must be no such line; `kept` is what is stored of the answer.
    """

    name: str
    rule: Rule
    says: tuple[str, ...] | None = None
    tries: int = 1
    kept: str = ""
    finish: str = "error"
    incomplete: bool = True
    refused: bool = False
    waits: list[float] = field(default_factory=list)


def _status(name: str, status: int, *says: str, tries: int = 1, **fault: Any) -> Row:
    waits = [0.5] * (tries - 1)
    return Row(name, {"fault": {"kind": "status", "status": status, **fault}}, says, tries, waits=waits)


def _broken(name: str, kind: str, *says: str, **keys: Any) -> Row:
    """Trouble before the first word: retried."""
    return Row(name, {"text": WORDS, "fault": {"kind": kind, **keys}}, says, TRIES, waits=[0.5])


def _half(name: str, kind: str, *says: str, **keys: Any) -> Row:
    """Trouble after two words: never retried, since the user has read them."""
    return Row(name, {"text": WORDS, "fault": {"kind": kind, "after": 2, **keys}}, says, kept="One two ")


def _whole(name: str, rule: Rule, waits: list[float] | None = None) -> Row:
    """Trouble with a whole answer after all."""
    tries = 1 + len(waits or [])
    return Row(name, {"text": WORDS, **rule}, None, tries, "One two three.", "stop", False, waits=waits or [])


CUT, TIMED_OUT, INVALID = "cut off", "did not respond in time", "an invalid response"
BUSY, OWN = "rate limit is reached", "an internal error"
RATE = {"kind": "status", "status": 429}
UNKNOWN = {"kind": "status", "status": 400, "message": "Tools are out of fashion."}
ROWS = [
    _status("wrong key", 401, "AZURE_OPENAI_API_KEY"),
    _status(
        "no role", 401, "role", code="PermissionDenied", message="Principal does not have access to API/Operation."
    ),
    _status("network rule", 403, "network rules"),
    _status("private endpoint", 403, "network rules", message="Public access is disabled."),
    Row("account blocked", {"fault": {"kind": "account_blocked"}}, ("blocked this account",)),
    _status("no such deployment", 404, "AZURE_OPENAI_GPT_DEPLOYMENT_NAME"),
    _status("no such path", 404, "AZURE_OPENAI_API_VERSION", "AZURE_OPENAI_ENDPOINT", code="404", message="Not found"),
    _status("a page instead of the API", 404, "AZURE_OPENAI_ENDPOINT", body="html"),
    _status("version not served", 400, "AZURE_OPENAI_API_VERSION", message="API version not supported"),
    _status(
        "version too old", 400, "AZURE_OPENAI_API_VERSION", message="Model x is enabled only for api versions 2024-"
    ),
    _status("wrong kind of model", 400, "cannot answer this kind of request", code="OperationNotSupported"),
    # The second time in plain words.
    Row("refused for another reason", {"fault": UNKNOWN}, ("find the reason in the log",), tries=2),
    _whole("rate limit with retry-after-ms", {"fault": {**RATE, "retry_after_ms": 70}, "times": 1}, [0.07]),
    _whole("rate limit with retry-after", {"fault": {**RATE, "retry_after": 0.2}, "times": 1}, [0.2]),
    _status("rate limit with no wait named", 429, BUSY, "in a minute", tries=TRIES),
    _status("rate limit with a wait longer than ours", 429, BUSY, "in 30 seconds", retry_after=30),
    _status("rate limit for ten minutes", 429, BUSY, "in 10 minutes", retry_after=600),
    _status("rate limit for a day", 429, "quota", "24 hours", retry_after=86400),
    _status("the API's own limit", 408, "timed out", tries=TRIES),
    _status("server error", 500, OWN, tries=TRIES),
    _status("gateway's page", 502, OWN, tries=TRIES, body="html"),
    _status("empty error", 503, OWN, tries=TRIES, body="empty"),
    _whole("server error once", {"fault": {"kind": "status", "status": 500}, "times": 1}, [0.5]),
    _broken("page with status 200", "html", INVALID),
    _broken("error with status 200", "error_200", "failed while answering"),
    _broken("cut before the first word", "cut", CUT, after=0),
    _half("cut after some words", "cut", CUT),
    Row("cut within a call's arguments", {"tool_calls": [CALL], "fault": {"kind": "cut", "after": 3}}, (CUT,)),
    _broken("end before the first word", "end", CUT, after=0),
    _half("end without finish_reason", "end", CUT),
    _whole("no [DONE]", {"fault": {"kind": "no_done"}}),
    _broken("malformed event before the first word", "malformed", INVALID, after=0),
    _half("malformed event after some words", "malformed", INVALID),
    _broken("error event before the first word", "error_event", "failed while answering", after=0),
    _half("error event after some words", "error_event", "failed while answering"),
    _broken("silence before the first word", "stall", TIMED_OUT, after=0, seconds=30),
    _half("silence after some words", "stall", TIMED_OUT, seconds=30),
    Row("prompt filter", {"fault": {"kind": "prompt_filter"}}, (FILTERED, "rephrase"), refused=True),
    Row(
        "prompt filter, details elsewhere",
        {"fault": {"kind": "prompt_filter", "variant": "inner_error"}},
        (FILTERED,),
        refused=True,
    ),
    Row(
        "prompt filter without details",
        {"fault": {"kind": "prompt_filter", "variant": "none"}},
        (FILTERED,),
        refused=True,
    ),
    Row(
        "answer filter before the first word",
        {"text": WORDS, "fault": {"kind": "answer_filter", "after": 0}},
        finish="content-filter",
        incomplete=False,
    ),
    Row(
        "answer filter after some words",
        {"text": WORDS, "fault": {"kind": "answer_filter", "after": 2}},
        kept="One two ",
        finish="content-filter",
        incomplete=False,
    ),
    Row(
        "answer filter after stop",
        {"text": WORDS, "fault": {"kind": "async_filter", "block": True}},
        kept="One two three.",
        finish="content-filter",
        incomplete=False,
    ),
    _whole("late verdicts of the filter", {"fault": {"kind": "async_filter"}}),
    _whole("filter down", {"fault": {"kind": "filter_down"}}),
]
BY_NAME = {row.name: row for row in ROWS}
# What another wire makes of the same trouble: a response has no [DONE], and its last event says how it ended.
OTHERWISE = {
    "responses": {
        "no [DONE]": Row("no [DONE]", {"text": WORDS, "fault": {"kind": "no_done"}}, (CUT,), kept="One two three.")
    }
}
WIRES: dict[str, dict[str, str]] = {
    "chat": {},
    "responses": {"AZURE_OPENAI_API": "responses", "AZURE_OPENAI_API_VERSION": "2025-04-01-preview"},
}


@pytest.fixture(scope="module", params=WIRES)
def wire(request: pytest.FixtureRequest) -> str:
    """The wire over which chats are asked."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def running(wire: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    rules = [{"when": {"equals": row.name}, **row.rule} for row in ROWS]
    # Once the rule of a row is used up, the answer is its usual one.
    rules += [{"when": {"equals": row.name}, "text": WORDS} for row in ROWS if "times" in row.rule]
    env = {
        "UPSTREAM_MAX_TRIES": str(TRIES),
        "UPSTREAM_MAX_WAIT_SECONDS": "2",
        "UPSTREAM_READ_TIMEOUT_SECONDS": "1",
        **WIRES[wire],
    }
    with start_world(tmp_path_factory.mktemp("matrix"), rules, env) as both:
        # What the model does not support is learned by the first call.
        with httpx2.Client(auth=both.server.auth, headers={"userid": "first"}, timeout=20, **PLAIN) as http:
            assert http.post(f"{both.server.url}/chat", json={"message": "Hello"}).status_code == 200
        yield both


# Every kind over one of the wires: there are as many rows of each, an odd number.
@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", BY_NAME)
async def test_trouble_is_at_most_one_error_and_the_conversation_continues(
    running: World, wire: str, name: str
) -> None:
    row = OTHERWISE.get(wire, {}).get(name, BY_NAME[name])
    async with running.server.client() as client:
        answer = await chat(client, {"message": name})
        assert answer.status == 200
        # At most one error, which says what to do.
        assert len(answer.errors) == (row.says is not None)
        for words in row.says or ():
            assert words in answer.errors[0]
        # However it went, the step and the message end, and nothing follows.
        assert answer.codes.endswith("3ed" if row.says is not None else "ed")
        assert answer.codes.startswith("f")
        assert answer.values("d")[0]["finishReason"] == row.finish
        assert answer.text == row.kept
        # The number of tries is right, and each wait is shown.
        assert len(running.emulator.asked(name)) == row.tries
        retries = [item for items in answer.values("2") for item in items if item["type"] == "retry"]
        assert [retry["waitSeconds"] for retry in retries] == row.waits
        assert [retry["attempt"] for retry in retries] == list(range(1, len(row.waits) + 1))
        _check_nothing_inside(running, answer.body)

        user, said = await stored(client, answer.conversation_id)
        assert user["content"] == name
        assert said["content"] == row.kept
        marks = [{"type": "incomplete", **({"error": answer.errors[0]} if row.says else {})}] if row.incomplete else []
        assert said.get("annotations", []) == marks
        # A call that began has its result, without which no model would take the history.
        begun = [call["toolCallId"] for call in answer.values("b")]
        assert bool(begun) == ("tool_calls" in row.rule)
        calls = said.get("toolInvocations", [])
        assert [(call["toolCallId"], call["state"]) for call in calls] == [(begun_id, "result") for begun_id in begun]

        # The conversation can continue, and a refused prompt is never sent again.
        after = f"What comes after {name}?"
        again = await chat(client, {"id": answer.conversation_id, "message": after})
        assert (again.text, again.errors) == (f"You said: {after}", [])
        (sent,) = running.emulator.asked(after)
        assert users(sent) == ([after] if row.refused else [name, after])
        assert len(await stored(client, answer.conversation_id)) == 4
    _check_log(running, answer.headers["x-request-id"], row)


def users(sent: dict[str, Any]) -> list[str]:
    """What the users' messages of a request say, on either wire."""
    items: list[dict[str, Any]] = sent.get("messages") or sent["input"]
    found = [item for item in items if item.get("role") == "user"]
    contents = [one["content"] if isinstance(one["content"], str) else one["content"][0]["text"] for one in found]
    assert "messages" in sent or sent["store"] is False
    return contents


def _check_nothing_inside(running: World, body: bytes) -> None:
    for inside in (KEY, str(running.emulator.port), "127.0.0.1", "Traceback", "apim", ".py", "httpx", "openai."):
        assert inside not in body.decode()


def _check_log(running: World, request_id: str, row: Row) -> None:
    log = log_of(running.server, request_id)
    assert KEY not in log
    calls = re.findall(r"upstream chat .*apim-request-id=(\S+)", log)
    assert len(calls) >= row.tries, log
    assert f"finish={row.finish}" in log


def test_every_kind_of_trouble_has_its_row_on_the_page() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    on_page = re.findall(r"^\| ([^|]+?) \|", page, re.MULTILINE)
    for name in (*BY_NAME, *(row.name for row in RAW_ROWS)):
        assert on_page.count(name) == 1, name
