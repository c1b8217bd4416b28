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
    ("rules: [{when: {equals: a, regex: b}}]", "rule 1: when.regex: give either 'equals' or 'regex'"),
    ("rules: [{when: {}}]", "rule 1: when: give either 'equals' or 'regex'"),
    ("rules: [{when: {regx: b}}]", "rule 1: when.regx: unknown key; did you mean 'regex'?"),
    (
        "rules: [{when: {regex: '('}}]",
        "rule 1: when.regex: is not a regular expression: missing ), unterminated subpattern at position 0",
    ),
    ("rules: [{steps: []}]", "rule 1: steps: must not be empty"),
    ("rules: [{steps: [{}], text: x}]", "rule 1: text: move it into a step, since the rule has 'steps'"),
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
        "rule 1: tool_calls[0].arguments: cannot be written as JSON: Dict key must be str",
    ),
    ("rules: [{data_parts: [{name: chart}]}]", "rule 1: data_parts[0].data: is missing"),
    (
        "rules: [{data_parts: [{name: x y, data: 1}]}]",
        "rule 1: data_parts[0].name: cannot be that: a name begins with a letter and has at most 64 letters",
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
        ["rule 1", "when.regex"],
        ["rule 3", "fault.seconds"],
        ["rule 3", "fault.minutes"],
        ["rule 4", "steps[0].text"],
        ["rule 4", "steps[1].tool_calls[0].argumets"],
        ["rule 4", "steps[1].tool_calls[1].name"],
    ]


# Keys that do not go together, each mapping with one that is wrong by itself, which hides none of them.
ACROSS = [
    ({"once": True, "times": 2}, {"times": "'once' or 'times'"}),
    ({"once": 1, "times": 2}, {"once": "true or false", "times": "'once' or 'times'"}),
    ({"deployment": "a", "when": {"deployment": "b"}}, {"deployment": "not in both"}),
    (
        {"text": "x", "delta": 1, "data": 1, "respond": [{"text": 1}]},
        {
            "delta": "unknown key",
            "respond[0].text": "must be text",
            "text": "an item of it",
            "data": "an item of it",
            "data ": "either 'text' or 'data'",
        },
    ),
    ({"text": "x", "finish": "stop", "steps": [{}]}, {"text": "into a step", "finish": "into a step"}),
    ({"on": "join", "nth": 2}, {"on": "give 'wire' too", "nth": "give 'wire' too"}),
    # What is not there may be what is wrong.
    ({"on": "join", "wires": {"cut": 1}}, {"wires": "did you mean 'wire'"}),
    ({"on": "join", "wire": {"cutt": 1}}, {"wire.cutt": "did you mean 'cut'"}),
    ({"on": "join", "corner": "proxy_bufers"}, {"corner": "proxy_buffers"}),
    ({"when": {"equls": "x"}}, {"when.equls": "did you mean 'equals'"}),
    (
        {"when": {"text": "a", "regex": "(", "equals": "b", "turn": 0}},
        {"when.turn": "at least 1", "when.regex": "'regex'", "when.regex ": "missing )", "when.equals": "'equals'"},
    ),
    (
        {"when": {"text": {"equals": "a", "regex": "("}}, "corner": "jailbreak", "fault": {"kind": "htm"}},
        {
            "when.text.regex": "'equals' or 'regex'",
            "when.text.regex ": "missing )",
            "corner": "leave 'fault'",
            "fault.kind": "'html'",
        },
    ),
    (
        {"wire": {"status": 99, "cut": 1, "body": "html", "message": "x", "retry_after": "ä"}},
        {
            "wire.status": "at least 200",
            "wire.cut": "leave it out",
            "wire.message": "JSON body",
            "wire.retry_after": "ASCII",
        },
    ),
    (
        {"wire": {"cut": 1, "end": 2, "late_error": 3, "body": "json", "buffered": True, "hold": -1, "split": 2}},
        {
            "wire.end": "choose one",
            "wire.late_error": "choose one",
            "wire.body": "give that too",
            "wire.hold": "at least 0",
            "wire.hold ": "sends all at once",
            "wire.split": "sends all at once",
        },
    ),
    (
        {"kind": "image", "image": "fox.png", "raw": "x", "delay": -1, "fault": {"kind": "image_redirect", "to": "\n"}},
        {"image": "data: URL", "raw": "data: URL", "delay": "at least 0", "fault.to": "ASCII"},
    ),
    ({"kind": "embedding", "delay": 1, "respond": [{}]}, {"delay": "an item of it"}),
    (
        {"tool_calls": [{"name": 1, "arguments": {"a": {1: 2}}}]},
        {"tool_calls[0].name": "text", "tool_calls[0].arguments": "JSON"},
    ),
    ({"fault": {"kind": "status", "status": 429, "retry_after": "1\r\nx: y"}}, {"fault.retry_after": "ASCII"}),
]


@pytest.mark.parametrize(("rule", "expected"), ACROSS, ids=str)
@pytest.mark.parametrize("more", [{}, {"tims": 1}])
def test_mistakes_across_keys_are_named_with_those_of_single_keys(
    rule: dict[str, Any], expected: dict[str, str], more: dict[str, int]
) -> None:
    found = find_problems({"rules": [{"kind": "chat", **rule, **more}], "strict": 1}, Script)
    said = sorted((problem.key, problem.message) for problem in found)
    wanted = sorted((key.strip(), words) for key, words in expected.items())
    if more:
        # What is missing may be what was misspelled.
        wanted = [one for one in wanted if one[1] != "give 'wire' too"]
        wanted.append(("tims", "did you mean 'times'" if "times" not in rule else "unknown key"))
    wanted = sorted([*wanted, ("strict", "true or false")])
    assert [key for key, _ in said] == [key for key, _ in wanted]
    for key, words in wanted:
        assert any(one == key and words in message for one, message in said), (key, words, said)


KEYS = ["rules", "kind", "when", "regex", "text", "steps", "tool_calls", "usage", "fault", "after", 1, None]
LEAVES: list[object] = [None, True, 0, 1.5, "", "chat", "image", "cut", "status", "("]


@given(
    st.recursive(st.sampled_from(LEAVES), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner))
)
def test_a_document_without_problems_is_a_script_and_each_problem_leads_somewhere(document: object) -> None:
    for value in (document, {"rules": [document]}):
        problems = find_problems(value, Script)
        # Of what has the right types only mistakes can be found, which types do not know.
        assert problems or is_script(value)
        assert not is_script(value) or all(is_mistake(problem) for problem in problems)
        for problem in problems:
            assert problem.message
            assert leads_somewhere(value, problem)


def is_script(value: object) -> bool:
    try:
        msgspec.convert(value, Script)
    except msgspec.ValidationError:
        return False
    return True


def is_mistake(problem: Problem) -> bool:
    return problem.did_you_mean is None and not problem.message.startswith(("must ", "unknown ", "is missing"))


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
