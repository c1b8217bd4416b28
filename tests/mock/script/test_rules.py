"""Rules: which calls they serve, and what they answer."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.emulator.conftest import Emulate
from tests.harness.emulator import Emulator


async def said(served: Emulator, text: str, deployment: str = "gpt-4o") -> str:
    content: str = (await served.chat(text, deployment)).json()["choices"][0]["message"]["content"]
    return content


@pytest.mark.parametrize(
    ("when", "fitting", "other"),
    [
        ("Weather", "the WEATHER today", "whether"),
        ("a.b (c", "A.B (C", "axb (c"),
        ("{equals: Hi}", "Hi", "Hi there"),
        ("{regex: '^h[ie]$'}", "he", "hie"),
    ],
)
async def test_a_rule_serves_the_messages_that_fit(emulate: Emulate, when: str, fitting: str, other: str) -> None:
    served = emulate(f"rules: [{{when: {when}, text: found}}]")
    assert await said(served, fitting) == "found"
    assert await said(served, other) == f"You said: {other}"


async def test_the_first_rule_that_fits_serves_and_a_deployment_narrows_it(emulate: Emulate) -> None:
    served = emulate("rules: [{deployment: gpt-4o-mini, text: mini}, {text: first}, {text: second}]")
    assert await said(served, "x", "gpt-4o-mini") == "mini"
    assert await said(served, "x") == "first"


async def test_a_rule_that_is_used_up_is_passed_over(emulate: Emulate) -> None:
    served = emulate("rules: [{times: 2, text: one}, {times: 1, text: two}]")
    assert [await said(served, "x") for _ in range(4)] == ["one", "one", "two", "You said: x"]


async def test_steps_follow_the_assistant_messages_of_the_turn_and_the_last_repeats(emulate: Emulate) -> None:
    served = emulate("rules: [{steps: [{text: zero}, {text: one}, {text: two}]}]")
    turn: list[dict[str, Any]] = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    turn.append({"role": "user", "content": "c"})
    heard = []
    for number in range(4):
        answer = await served.post("chat/completions", "gpt-4o", {"messages": turn})
        heard.append(answer.json()["choices"][0]["message"]["content"])
        turn.append({"role": "assistant", "content": f"said {number}"})
    assert heard == ["zero", "one", "two", "two"]


async def test_a_text_is_split_into_words_and_a_list_is_left_as_it_is(emulate: Emulate) -> None:
    served = emulate('rules: [{when: a, text: "  Hello  there,\\nyou "}, {text: ["Hel", "lo ", "", "日本"]}]')
    assert (await served.stream("a")).texts == ["  Hello", "  there,", "\nyou", " "]
    deltas = [choice["delta"] for choice in (await served.stream("b")).choices][1:-1]
    assert deltas == [{"content": text} for text in ("Hel", "lo ", "", "日本")]


async def test_an_empty_text_is_an_answer_of_its_own(emulate: Emulate) -> None:
    stream = await emulate('rules: [{text: "", finish: length}]').stream()
    assert (stream.texts, stream.finish) == ([], ["length"])


async def test_reasoning_comes_first_and_counts(emulate: Emulate) -> None:
    served = emulate("rules: [{reasoning: Let me see, text: Fine}]")
    stream = await served.stream(stream_options={"include_usage": True})
    thoughts = [choice["delta"].get("reasoning_content") for choice in stream.choices]
    assert thoughts == [None, "Let", " me", " see", None, None]
    assert stream.documents[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 3
    message = (await served.chat()).json()["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("Let me see", "Fine")


async def test_arguments_may_be_broken_and_the_id_given(emulate: Emulate) -> None:
    served = emulate("""rules: [{tool_calls: [{name: f, arguments: '{"a', id: x}, {name: g, arguments: {b: [1]}}]}]""")
    answer = (await served.chat()).json()["choices"][0]
    first, second = answer["message"]["tool_calls"]
    assert (first["id"], first["function"]) == ("x", {"name": "f", "arguments": '{"a'})
    assert second["id"].startswith("call_")
    assert second["function"] == {"name": "g", "arguments": '{"b":[1]}'}


async def test_usage_and_finish_are_the_scripts(emulate: Emulate) -> None:
    served = emulate("rules: [{text: x, finish: length, usage: {prompt_tokens: 10, completion_tokens: 5}}]")
    answer = (await served.chat(max_tokens=1)).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    usage = answer["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (10, 5, 15)


@pytest.mark.parametrize("streamed", [True, False])
async def test_the_pace_is_kept(emulate: Emulate, streamed: bool) -> None:
    served = emulate("rules: [{text: a b c d e f, tokens_per_second: 50, first_token_after: 0.1}]")
    begun = time.monotonic()
    await (served.stream() if streamed else served.chat())
    assert time.monotonic() - begun >= 0.2
