"""The service on the emulator in the dialect of another engine: it learns what that refuses, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.answers import Answer, text_of
from tests.harness.service import Server
from tests.mock.conftest import MakeScenario
from tests.mock.scenario import Scenario

DIALECTS = ("mistral", "vllm")
RULES: list[Any] = [
    {"when": {"tool_result": "timezone"}, "reasoning": "So. ", "text": "It is late."},
    {
        "when": "time",
        "reasoning": "Hm. ",
        "tool_calls": [{"name": "get_current_time", "arguments": {"timezone": "UTC"}}],
    },
    {"when": "long", "times": 1, "fault": {"kind": "context_length"}},
    {"reasoning": "Hm. ", "text": ["Hel", "lo."]},
]
# More than there is room for in vLLM, and a name that Mistral does not know.
SETTINGS = {"CHAT_MAX_TOKENS": "128000", "CHAT_TEMPERATURE": "0.5", "SYSTEM_PROMPT": "Be kind."}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that wants what no dialect has."""
    with Server(tmp_path_factory.mktemp("odd"), SETTINGS) as running:
        yield running


def seen(answer: Answer) -> tuple[str, str, list[str]]:
    return "".join(answer.values("g")), text_of(answer.lines), answer.errors


async def refused(made: Scenario) -> list[int]:
    return [call["status"] for call in await made.journal(side="model") if call["status"] != 200]


@pytest.mark.parametrize("name", DIALECTS)
async def test_words_thinking_and_a_call_come_through_what_the_engine_refuses(odd: Server, name: str) -> None:
    async with Scenario(odd, f"dialect-{name}") as made:
        await made.put({"dialect": name, "rules": RULES})
        first = await made.say("Hello")
        learned = await refused(made)
        called = await made.say("What time is it?", first.conversation_id)
        again = await made.say("Hello again", first.conversation_id)
        assert await refused(made) == learned, "what was refused once is not sent again"
        assert learned == {"mistral": [422, 422], "vllm": [400]}[name]
    assert seen(first) == ("Hm. ", "Hello.", [])
    assert seen(called) == ("Hm. So. ", "It is late.", [])
    assert called.values("a")[0]["result"]["timezone"] == "UTC"
    assert seen(again) == ("Hm. ", "Hello.", [])
    assert again.values("d")[0]["usage"]["completionTokens"] > 0


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_context_that_is_too_long_is_shortened(scenario: MakeScenario, name: str) -> None:
    made = await scenario({"dialect": name, "rules": RULES})
    first = await made.say("Hello")
    second = await made.say("a long story", first.conversation_id)
    assert 400 in await refused(made)
    assert seen(second) == ("Hm. ", "Hello.", [])


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_history_of_another_engine_is_made_fit(scenario: MakeScenario, name: str) -> None:
    """Azure's call ids are no ids at Mistral, which does not know `reasoning_content` either."""
    made = await scenario({"rules": [*RULES[:2], {**RULES[3], "dialect": name}]})
    called = await made.say("What time is it?")
    after = await made.say("Hello", called.conversation_id)
    statuses = await refused(made)
    assert seen(after) == ("Hm. ", "Hello.", [])
    assert seen(await made.say("Hello again", called.conversation_id)) == ("Hm. ", "Hello.", [])
    assert await refused(made) == statuses
    assert statuses == {"mistral": [422, 422, 400], "vllm": []}[name]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("kind", ["cut", "error_event"])
async def test_a_conversation_goes_on_after_an_answer_that_failed(scenario: MakeScenario, name: str, kind: str) -> None:
    failing = {"dialect": name, "when": "fail", "text": ["Hel", "lo."], "fault": {"kind": kind, "after": 1}}
    made = await scenario({"rules": [failing, {"dialect": name, "text": "Hello."}]})
    failed = await made.say("fail")
    after = await made.say("and now?", failed.conversation_id)
    assert text_of(failed.lines) == "Hel"
    assert len(failed.errors) == 1
    assert seen(after) == ("", "Hello.", [])
