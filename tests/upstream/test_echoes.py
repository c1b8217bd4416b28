"""An error that repeats what somebody has written says nothing of the engine, and nothing is learned from it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from mockbackend.upstream import echoes
from mockbackend.upstream.echoes import without_echoes
from tests.harness.answers import Answer, chat
from tests.harness.model import Call, Upstream
from tests.harness.service import Server

TOOLS = "tools is not supported"
LONG = "This model's maximum context length is 20 tokens. However, you requested 40 tokens."
# What somebody writes, and how engines repeat it.
QUESTION = f"My program says: {TOOLS}. And also: temperature: Extra inputs are not permitted. {LONG}"
ERRORS: dict[str, tuple[int, Any]] = {
    "in quotes": (400, {"error": {"message": f"Invalid request: failed to read '{QUESTION}'", "code": 400}}),
    "without quotes": (400, {"message": f"Could not tokenize {QUESTION.upper()}"}),
    "a part of it": (
        422,
        {"detail": [{"type": "bad", "loc": ["body", "messages", 0], "msg": f"bad: ...{TOOLS}. And"}]},
    ),
    "escaped, by a gateway": (400, {"error": {"message": f"Error: {{'error': {orjson.dumps(QUESTION).decode()}}}"}}),
    "in a 200": (200, {"error": {"message": f"Could not process: {QUESTION}", "code": 400}}),
}


async def asked(upstream: Upstream, answers: list[tuple[int, Any]], sent: asyncio.Task[Answer]) -> list[Call]:
    """The calls that a turn makes: each is given the next answer, and one that says ok after the last."""
    calls: list[Call] = []
    while not sent.done():
        wanted = asyncio.create_task(upstream.call())
        await asyncio.wait([wanted, sent], return_when="FIRST_COMPLETED")
        if not wanted.done():
            wanted.cancel()
            break
        calls.append(call := await wanted)
        status, body = answers[len(calls) - 1] if len(calls) <= len(answers) else (0, None)
        if status == 0:
            await call.answer("ok")
        elif status == 200:
            await call.start()
            await call.event(body)
            call.cut()
        else:
            await call.refuse(status, orjson.dumps(body))
    return calls


async def test_no_echo_is_learned_for_the_users_of_the_deployment(tmp_path: Path) -> None:
    async with Upstream() as upstream:
        with Server(tmp_path, {**upstream.settings, "CHAT_TEMPERATURE": "0.5"}) as server:
            async with server.client() as client:
                for error in ERRORS.values():
                    async with asyncio.timeout(20):
                        sent = asyncio.create_task(chat(client, {"message": QUESTION}))
                        await asked(upstream, [error] * 9, sent)
                        assert sent.result().errors
                sent = asyncio.create_task(chat(client, {"message": "Hi"}))
                (call,) = await asked(upstream, [], sent)
                assert sent.result().text == "ok"
                assert {"tools", "temperature"} <= call.body.keys()
                # An engine that means it is believed, though somebody has asked about it.
                refusal = {"error": {"message": "gemma3:4b does not support tools"}}
                sent = asyncio.create_task(chat(client, {"message": f"Why is it that {TOOLS}?"}))
                first, second = await asked(upstream, [(400, refusal)], sent)
                assert ("tools" in first.body, "tools" in second.body) == (True, False)
            assert "is left out from now on" in server.log
            assert server.log.count("is left out from now on") == 1


@pytest.mark.parametrize(
    ("said", "text", "left"),
    [
        ("The question 'no vision' is odd", "No vision", "The question '…' is odd"),
        ("one two three four five", "zero two three four five six", "one …"),
        ("one two three", "two three four", "one two three"),
        ("tools are not supported", "tools", "tools are not supported"),
        ("ab cd ef gh, ab cd ef gh!", "ab cd ef gh", "…!"),
        ("无法处理：今天天气怎么样", "你好，今天天气怎么样？", "无法处理：…"),
        ("bad: ...tools is not supported", "为什么tools is not supported呢", "bad: ...…"),
        ("", "a b", ""),
    ],
)
def test_runs_of_words_and_whole_texts_are_cut_out(said: str, text: str, left: str) -> None:
    request = {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]}
    assert without_echoes({"message": said, "code": 400}, request) == {"message": left, "code": 400}
    assert without_echoes([said], {"input": [text]}) == [left]


def test_the_newest_texts_are_compared_and_an_image_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echoes, "MAX_CHARACTERS", 20)
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'a' * 100}"}}
    texts = ("one two three four", "a dog and a cat", "far out in space")
    messages = [{"role": "user", "content": [{"type": "text", "text": text}, image]} for text in texts]
    # The one before the last is compared as far as there is room.
    assert without_echoes("; ".join(texts), {"messages": messages}) == "one two three four; a dog and a cat; …"


def test_what_is_very_deep_in_an_error_is_left_out() -> None:
    body: Any = {"message": "one two three four"}
    for _ in range(900):
        body = {"error": [body]}
    body["message"] = "No: one two three four"
    cut = without_echoes(body, {"input": "one two three four"})
    assert cut["message"] == "No: …"
    assert len(orjson.dumps(cut)) < 1000
