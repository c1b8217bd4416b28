"""Scripts that cannot be used: each problem names its rule and its key, and says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.mock.script import Script, ScriptError, load_script
from mockbackend.mock.script.problems import Problem, find_problems

FAULTS_OF_EMBEDDINGS = (
    "known: account_blocked, context_length, error_200, html, image_refused, prompt_filter, refuse, status"
)
PROBLEMS = [
    ("", "must be a mapping, not None"),
    ("[]", "must be a mapping, not []"),
    ("{}", "rules: is missing"),
    ("rules: {}", "rules: must be a list, not {}"),
    ("{rules: [], more: 1}", "more: unknown key; known: dialect, engine, now, recording, rules, seed, strict"),
    ("rules: [x]", "rule 1: must be a mapping, not 'x'"),
    ("rules: [{}, {txt: x}]", "rule 2: txt: unknown key; did you mean 'text'?"),
    (
        "rules: [{kind: search, 1: x}]",
        "rule 1: 1: unknown key; known: deployment, fault, kind, once, respond, source, times, when",
    ),
    ("rules: [{text: 1}]", "rule 1: text: must be text or a list, not 1"),
    ("rules: [{text: [1]}]", "rule 1: text[0]: must be text, not 1"),
    ("rules: [{times: 0}]", "rule 1: times: must be at least 1, not 0"),
    ("rules: [{times: x}]", "rule 1: times: must be a whole number, not 'x'"),
    ("rules: [{times: true}]", "rule 1: times: must be a whole number, not True"),
    ("rules: [{kind: imgae}]", "rule 1: kind: unknown kind 'imgae'; did you mean 'image'?"),
    ("rules: [{kind: [x]}]", "rule 1: kind: unknown kind ['x']; known: chat, embedding, image, indexing, search"),
    ("rules: [{when: 1}]", "rule 1: when: must be text or a mapping, not 1"),
    ("rules: [{when: {equals: a, regex: b}}]", "rule 1: when: give either 'equals' or 'regex'"),
    ("rules: [{when: {}}]", "rule 1: when: give either 'equals' or 'regex'"),
    ("rules: [{when: {regx: b}}]", "rule 1: when.regx: unknown key; did you mean 'regex'?"),
    (
        "rules: [{when: {regex: '('}}]",
        "rule 1: when: 'regex' is not a regular expression: missing ), unterminated subpattern at position 0",
    ),
    ("rules: [{steps: []}]", "rule 1: steps: must not be empty"),
    ("rules: [{steps: [{}], text: x}]", "rule 1: move 'text' into a step, since the rule has 'steps'"),
    ("rules: [{steps: [{}, {fragment: 0}]}]", "rule 1: steps[1].fragment: must be at least 1, not 0"),
    ("rules: [{tokens_per_second: 0}]", "rule 1: tokens_per_second: must be above 0, not 0"),
    ("rules: [{first_token_after: -1}]", "rule 1: first_token_after: must be at least 0, not -1"),
    (
        "rules: [{finish: never}]",
        "rule 1: finish: must be 'stop', 'length', 'tool_calls', 'content_filter' or 'function_call', not 'never'",
    ),
    ("rules: [{usage: {prompt_tokens: 1}}]", "rule 1: usage.completion_tokens: is missing"),
    ("rules: [{tool_calls: [{}]}]", "rule 1: tool_calls[0].name: is missing"),
    (
        "rules: [{tool_calls: [{name: f, arguments: 1}]}]",
        "rule 1: tool_calls[0].arguments: must be text or a mapping, not 1",
    ),
    (
        "rules: [{tool_calls: [{name: f, arguments: {a: {1: 2}}}]}]",
        "rule 1: tool_calls[0]: 'arguments' cannot be written as JSON: Dict key must be str",
    ),
    ("rules: [{kind: embedding, fault: {}}]", f"rule 1: fault.kind: is missing; {FAULTS_OF_EMBEDDINGS}"),
    (
        "rules: [{kind: embedding, fault: {kind: cut}}]",
        f"rule 1: fault.kind: unknown kind 'cut'; {FAULTS_OF_EMBEDDINGS}",
    ),
    (
        "rules: [{fault: {kind: mal_formed}}]",
        "rule 1: fault.kind: unknown kind 'mal_formed'; did you mean 'malformed'?",
    ),
    ("rules: [{kind: image, text: x}]", "rule 1: text: unknown key; known: corner, delay, deployment, fault, "),
    ("rules: [{kind: image, delay: -1}]", "rule 1: delay: must be at least 0, not -1"),
    ("rules: [{kind: embedding, delay: x}]", "rule 1: delay: must be a number, not 'x'"),
    ("rules: [{fault: {kind: cut, after: x}}]", "rule 1: fault.after: must be a whole number, not 'x'"),
    ("rules: [{fault: {kind: cut, after: -1}}]", "rule 1: fault.after: must be at least 0, not -1"),
    ("rules: [{fault: {kind: status}}]", "rule 1: fault.status: is missing"),
    ("rules: [{fault: {kind: status, status: 99}}]", "rule 1: fault.status: must be at least 200, not 99"),
    ("rules: [{fault: {kind: status, status: 600}}]", "rule 1: fault.status: must be at most 599, not 600"),
    (
        "rules: [{fault: {kind: status, status: 500, retry_after: [1]}}]",
        "rule 1: fault.retry_after: must be a number or text, not [1]",
    ),
    ("rules: [{fault: {kind: no_done, after: 1}}]", "rule 1: fault.after: unknown key; known: kind"),
]


def problems(folder: Path, text: str) -> list[str]:
    """The problems of a script, without the file's name."""
    path = folder / "answers.yaml"
    path.write_text(text)
    with pytest.raises(ScriptError) as caught:
        load_script(path)
    assert all(problem.startswith(f"{path}: ") for problem in caught.value.problems)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return [problem.removeprefix(f"{path}: ") for problem in caught.value.problems]


@pytest.mark.parametrize(("text", "problem"), PROBLEMS)
def test_a_problem_names_its_rule_and_its_key(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, text)
    assert found.startswith(problem)


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    script = """
      extra: 1
      rules:
        - {txt: x, times: 0, when: {regex: "("}}
        - {text: fine}
        - {kind: image, fault: {kind: image_slow, seconds: x, minutes: 1}}
        - {steps: [{text: 1}, {tool_calls: [{name: f, argumets: {}}, {}]}]}
    """
    assert [problem.split(": ")[:2] for problem in problems(tmp_path, script)] == [
        ["extra", "unknown key; known"],
        ["rule 1", "txt"],
        ["rule 1", "times"],
        ["rule 1", "when"],
        ["rule 3", "fault.seconds"],
        ["rule 3", "fault.minutes"],
        ["rule 4", "steps[0].text"],
        ["rule 4", "steps[1].tool_calls[0].argumets"],
        ["rule 4", "steps[1].tool_calls[1].name"],
    ]


KEYS = ["rules", "kind", "when", "regex", "text", "steps", "tool_calls", "usage", "fault", "after", 1, None]
LEAVES: list[object] = [None, True, 0, 1.5, "", "chat", "image", "cut", "status", "("]


@given(
    st.recursive(st.sampled_from(LEAVES), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner))
)
def test_a_document_has_problems_if_and_only_if_it_is_no_script(document: object) -> None:
    for value in (document, {"rules": [document]}):
        problems = find_problems(value, Script)
        assert bool(problems) != is_script(value)
        for problem in problems:
            assert problem.message
            assert leads_somewhere(value, problem)


def is_script(value: object) -> bool:
    try:
        msgspec.convert(value, Script)
    except msgspec.ValidationError:
        return False
    return True


def leads_somewhere(value: Any, problem: Problem) -> bool:
    """Whether the problem's path is one in the document, but for a last key that is missing."""
    for number, step in enumerate(problem.path, 1):
        if isinstance(value, list):
            value = value[int(step)]
            continue
        keys = {str(key): one for key, one in value.items()}
        if str(step) not in keys:
            return number == len(problem.path) and problem.message.startswith("is missing")
        value = keys[str(step)]
    return True
