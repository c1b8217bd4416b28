"""Scripts: what they make the emulator do, and which are refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from mockbackend.emulator.script import ScriptError, load_script
from tests.emulator.conftest import Emulate
from tests.emulator.serving import Served


async def said(served: Served, text: str, deployment: str = "gpt-4o") -> str:
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


REFUSED = [
    ("rules: [", "cannot be read"),
    ("[]", "the file: wants a mapping"),
    ("rules: {}", "rules: wants a list"),
    ("{}", "rules: wants a list"),
    ("{rules: [], more: 1}", "more: unknown key"),
    ("rules: [x]", "rule 1: the rule: wants a mapping"),
    ("rules: [{}, {txt: x}]", "rule 2: txt: unknown key; known are "),
    ("rules: [{text: 1}]", "rule 1: text: wants a text or a list of texts, not 1"),
    ("rules: [{text: [1]}]", "rule 1: text: wants a text or a list of texts"),
    ("rules: [{times: 0}]", "rule 1: 'times' must be at least one"),
    ("rules: [{times: x}]", "rule 1: times: wants a whole number, not 'x'"),
    ("rules: [{times: true}]", "rule 1: times: wants a whole number, not True"),
    ("rules: [{kind: video}]", "rule 1: kind: wants 'chat' or 'image' or 'embedding'"),
    ("rules: [{when: 1}]", "rule 1: when: wants a text, {equals: text} or {regex: text}, not 1"),
    ("rules: [{when: {equals: a, regex: b}}]", "rule 1: when: wants a text"),
    ("rules: [{when: {regex: '('}}]", "rule 1: when.regex: missing )"),
    ("rules: [{steps: []}]", "rule 1: steps: wants at least one step"),
    ("rules: [{steps: [{}], text: x}]", "rule 1: text: belongs in a step"),
    ("rules: [{steps: [{}, {fragment: 0}]}]", "rule 1: steps[1]: 'fragment' must be at least one"),
    ("rules: [{tokens_per_second: 0}]", "rule 1: 'tokens_per_second' must be above zero"),
    ("rules: [{first_token_after: -1}]", "rule 1: 'first_token_after' cannot be negative"),
    ("rules: [{finish: never}]", "rule 1: finish: wants 'stop' or "),
    ("rules: [{usage: {prompt_tokens: 1}}]", "rule 1: usage.completion_tokens: missing"),
    ("rules: [{tool_calls: [{}]}]", "rule 1: tool_calls[0].name: missing"),
    ("rules: [{tool_calls: [{name: f, arguments: 1}]}]", "rule 1: tool_calls[0].arguments: wants a mapping"),
    ("rules: [{fault: {}}]", "rule 1: fault.kind: wants one of account_blocked, answer_filter, "),
    ("rules: [{fault: {kind: crash}}]", "rule 1: fault.kind: wants one of"),
    ("rules: [{fault: {kind: image_gone}}]", "rule 1: fault.kind: wants one of"),
    ("rules: [{kind: image, fault: {kind: cut}}]", "rule 1: fault.kind: wants one of"),
    ("rules: [{kind: embedding, fault: {kind: image_gone}}]", "rule 1: fault.kind: wants one of"),
    ("rules: [{kind: image, text: x}]", "rule 1: text: unknown key"),
    ("rules: [{kind: image, delay: -1}]", "rule 1: 'delay' cannot be negative"),
    ("rules: [{kind: embedding, delay: -1}]", "rule 1: 'delay' cannot be negative"),
    ("rules: [{fault: {kind: cut, after: x}}]", "rule 1: fault.after: wants a whole number, not 'x'"),
    ("rules: [{fault: {kind: cut, after: -1}}]", "rule 1: fault: 'after' counts deltas"),
    ("rules: [{fault: {kind: status}}]", "rule 1: fault.status: missing"),
    ("rules: [{fault: {kind: status, status: 99}}]", "rule 1: fault: 'status' is no HTTP status: 99"),
    ("rules: [{fault: {kind: status, status: 500, retry_after: [1]}}]", "fault.retry_after: wants a number or a text"),
    ("rules: [{fault: {kind: no_done, after: 1}}]", "rule 1: fault.after: unknown key"),
]


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_a_wrong_script_is_refused_by_file_rule_and_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text(text)
    with pytest.raises(ScriptError) as caught:
        load_script(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)


def test_a_script_that_is_not_there_is_a_script_error(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"none\.yaml: cannot be read"):
        load_script(tmp_path / "none.yaml")


async def test_characters_may_be_written_as_json_escapes_them(emulate: Emulate) -> None:
    served = emulate(r'{"rules": [{"when": "wave", "text": "hi \ud83d\udc4b"}]}')
    assert await said(served, "wave") == "hi 👋"


def test_half_a_character_is_a_script_error(tmp_path: Path) -> None:
    path = tmp_path / "half.yaml"
    path.write_text(r'{"rules": [{"text": "hi \ud83d"}]}')
    with pytest.raises(ScriptError, match=r"half\.yaml: cannot be read"):
        load_script(path)
