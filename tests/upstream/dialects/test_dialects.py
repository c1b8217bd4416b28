"""Each engine's dialect, recorded from its documentation and reports, goes through the product: docs/engines.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.harness.answers import chat, text_of
from tests.harness.api import data_url, png, say
from tests.harness.processes import ROOT
from tests.harness.raw_model import ANSWER, STREAM, Piece, refusal
from tests.upstream.conftest import Unlearned

RECORDED = Path(__file__).parent / "recorded"
DIALECTS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(RECORDED.glob("*.yaml"))}
OPTIONAL = {"CHAT_TEMPERATURE": "0.5", "CHAT_MAX_TOKENS": "8000", "SYSTEM_PROMPT": "Be kind."}
IMAGE = {"type": "image_url", "image_url": {"url": data_url(png(), "image/png")}}
Body = dict[str, Any]


def _calls(body: Body) -> list[Any]:
    return [call for message in body["messages"] for call in message.get("tool_calls", ())]


# Which requests a recorded refusal is of.
CONCERNS: dict[str, Callable[[Body], bool]] = {
    "tools": lambda body: "tools" in body,
    "stream_options": lambda body: "stream_options" in body,
    "temperature": lambda body: "temperature" in body,
    "max_completion_tokens": lambda body: body.get("max_completion_tokens", 0) > 4084,
    "system": lambda body: body["messages"][0]["role"] == "system",
    "images": lambda body: "image_url" in str(body["messages"]),
    "length": lambda body: sum(message["role"] == "user" for message in body["messages"]) > 1,
    "ids": lambda body: any(len(call["id"]) != 9 for call in _calls(body)),
    "tool results": lambda body: any(message["role"] == "tool" for message in body["messages"]),
}
REFUSALS = [(name, number) for name, dialect in DIALECTS.items() for number in range(len(dialect["refusals"]))]


def _stream(recorded: str) -> tuple[Piece, ...]:
    return (STREAM, recorded.encode())


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", DIALECTS)
async def test_words_thinking_a_call_and_usage_are_read(unlearned: Unlearned, name: str) -> None:
    dialect = DIALECTS[name]

    def reply(body: Body) -> tuple[Piece, ...]:
        last = body["messages"][-1]
        return _stream(dialect["call"] if last["role"] == "user" and last["content"] == "call" else dialect["words"])

    async with unlearned(reply) as (upstream, client):
        said = await say(client, "words")
        called = await say(client, "call")
    for answer in (said, called):
        assert (text_of(answer.lines), "".join(answer.values("g"))[-3:], answer.errors) == (
            "Hello",
            dialect["thinking"],
            [],
        )
        assert answer.values("d")[0]["finishReason"] == "stop"
    prompt, completion = dialect["usage"]
    usage = said.values("d")[0]["usage"]
    assert (usage["promptTokens"], usage["completionTokens"]) == (prompt, completion)
    assert called.values("a")[0]["result"]["timezone"] == "UTC"
    _check_sent_back(dialect.get("sent_back", {}), upstream.bodies[-1]["messages"])


def _check_sent_back(expected: dict[str, Any], messages: list[Any]) -> None:
    """What the engine wants back stands in the message with the call, and nothing else does."""
    message = next(one for one in messages if "tool_calls" in one)
    (call,) = message["tool_calls"]
    usual = {"role", "content", "tool_calls"}
    assert {key: value for key, value in message.items() if key not in usual} == expected.get("message", {})
    assert {key: value for key, value in call.items() if key not in ("id", "type", "function")} == expected.get(
        "calls", {}
    )


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("name", "number"), REFUSALS)
async def test_after_a_refusal_the_conversation_goes_on(unlearned: Unlearned, name: str, number: int) -> None:
    dialect = DIALECTS[name]
    refused = dialect["refusals"][number]
    concerns, status = CONCERNS[refused["of"]], refused["status"]
    event = f"event: {refused['event']}\n".encode() if "event" in refused else b""
    streamed = (STREAM, event + b"data: " + orjson.dumps(refused["body"]) + b"\n\n")

    def reply(body: Body) -> tuple[Piece, ...]:
        if concerns(body):
            return streamed if status == 200 else refusal(status, refused["body"])
        calls = body["messages"][-1]["content"] == "call" and "tools" in body
        return _stream(dialect["call"]) if calls else ANSWER

    first_message = {"role": "user", "content": [IMAGE]} if refused["of"] == "images" else "call"
    async with unlearned(reply, OPTIONAL) as (upstream, client):
        first = await chat(client, {"message": first_message})
        second = await say(client, "and now?", first.conversation_id)
        asked = len(upstream.bodies)
        third = await say(client, "and then?", first.conversation_id)
    assert any(map(concerns, upstream.bodies)) or refused["of"] == "ids", "nothing was refused"
    assert ["takes no images" in words for words in first.errors] == [True] * (refused["of"] == "images")
    for answer in (second, third):
        assert (answer.text, answer.errors) == ("fine", [])
    if refused["of"] != "length":
        assert len(upstream.bodies) == asked + 1, "what was refused once is not sent again"


def test_every_recorded_dialect_has_its_row() -> None:
    table = (ROOT / "docs" / "engines.md").read_text()
    rows = set(re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)) - {"engine"}
    assert {dialect["name"] for dialect in DIALECTS.values()} <= rows
