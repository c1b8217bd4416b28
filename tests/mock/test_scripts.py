"""Scripts over HTTP: all that is wrong with one at once, and what is too large."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import jsonschema_rs
import orjson
import pytest

from tests.harness.api import error_of, say
from tests.harness.service import Server
from tests.mock.conftest import MakeScenario

WRONG = """\
rules:
  - when: {regx: "a"}
    txt: Hello
    times: 0
    tool_calls:
      - name: f
        argumnts: {}
    fault:
      kind: cutt
      after: -1
  - kind: imgae
    revised_promt: x
  - when: {mode: imag}
    respond:
      - corner: prompt_refusd
"""


async def put(control: httpx2.AsyncClient, script: str | bytes, media_type: str = "") -> httpx2.Response:
    headers = {"content-type": media_type} if media_type else {}
    return await control.put("/__mock__/scenarios/script", content=script, headers=headers)


async def test_all_problems_are_said_at_once_with_line_key_and_suggestion(control: httpx2.AsyncClient) -> None:
    response = await put(control, WRONG)
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "invalid_script"
    found = {(one["rule"], one["key"], one["line"], one["did_you_mean"]) for one in response.json()["problems"]}
    assert found == {
        (0, "when.regx", 2, "regex"),
        (0, "txt", 3, "text"),
        (0, "times", 4, None),
        (0, "tool_calls[0].argumnts", 7, "arguments"),
        (0, "fault.kind", 9, "cut"),
        (0, "fault.after", 10, None),
        (1, "kind", 11, "image"),
        (1, "revised_promt", 12, "revised_prompt"),
        (2, "when.mode", 13, "image"),
        (2, "respond[0].corner", 15, "prompt_refused"),
    }
    assert all(one["message"] for one in response.json()["problems"])


ACROSS = """\
rules:
  - when:
      equals: a
      regex: "("
    once: true
    times: 0
    fault: {kind: cut, after: x}
    corner: jailbreak
  - on: join
    kind: chat
    respond:
      - wire:
          cut: 1
          end: 2
          body: html
    text: Hello
seed: 1.5
"""


async def test_mistakes_across_keys_are_said_with_the_others_each_with_its_line(control: httpx2.AsyncClient) -> None:
    response = await put(control, ACROSS)
    assert response.status_code == 422
    found = {(one["rule"], one["key"], one["line"]) for one in response.json()["problems"]}
    assert found == {
        (0, "when.regex", 4),
        (0, "times", 6),
        (0, "fault.after", 7),
        (0, "corner", 8),
        (1, "respond[0].wire.end", 14),
        (1, "respond[0].wire.body", 15),
        (1, "text", 16),
        (None, "seed", 17),
    }
    # Both what is wrong with a key and that it does not go with another.
    assert len(response.json()["problems"]) == len(found) + 2


@pytest.mark.parametrize("number", [".inf", "-.Inf", ".nan", "99999999999999999999"])
async def test_a_number_that_json_cannot_carry_is_said_in_its_line(control: httpx2.AsyncClient, number: str) -> None:
    response = await put(control, f"rules:\n- text: a\n  first_token_after: {number}")
    assert response.status_code == 422, response.text
    (problem,) = response.json()["problems"]
    assert (problem["line"], number in problem["message"]) == (3, True)


async def test_json_has_lines_as_well(control: httpx2.AsyncClient) -> None:
    response = await put(control, b'{\n "rules": [\n  {"txt": "x"}\n ]\n}', "application/json")
    assert [(one["line"], one["did_you_mean"]) for one in response.json()["problems"]] == [(3, "text")]


@pytest.mark.parametrize(
    ("text", "rule", "key"), [("- text: a\n- txt: b", 1, "txt"), ("text: a\ntimes: 0", 0, "times")]
)
async def test_rules_by_themselves_have_lines_too(scenario: MakeScenario, text: str, rule: int, key: str) -> None:
    made = await scenario(None, "lines")
    response = await made.control.post(f"{made.path}/next", content=text)
    assert response.status_code == 422, response.text
    assert [(one["rule"], one["key"], one["line"]) for one in response.json()["problems"]] == [(rule, key, 2)]


@pytest.mark.parametrize(
    ("text", "line"),
    [("rules:\n- when: [", 2), ("rules: [*a]", 1), ("rules: []\nrules: []", 2), (b"\xff", None), ("a: !!set {}", 1)],
)
async def test_what_is_no_yaml_names_the_line(control: httpx2.AsyncClient, text: str | bytes, line: int | None) -> None:
    response = await put(control, text)
    assert response.status_code == 422, response.text
    (problem,) = response.json()["problems"]
    assert problem["line"] in (line, None if line is None else line + 1)


@pytest.mark.parametrize("script", ["", "[]", "null", "3", '"x"', "{", "rules: 1", "{rules: [1, null, [], x]}"])
async def test_what_is_no_script_is_a_422(control: httpx2.AsyncClient, script: str) -> None:
    response = await put(control, script)
    assert response.status_code == 422, response.text
    assert response.json()["problems"]


async def test_the_old_script_stays_where_a_new_one_is_refused(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": "old"}]})
    assert (await made.control.put(made.path, content=WRONG)).status_code == 422
    assert (await made.say("hi")).text == "old"


async def test_a_script_is_taken_as_yaml_and_as_json_whatever_its_content_type(scenario: MakeScenario) -> None:
    made = await scenario()
    for text, kind in (
        ("rules: [{text: a}]", "application/yaml"),
        ("rules: [{text: a}]", "application/x-www-form-urlencoded"),
        ('{"rules": [{"text": "a"}]}', "text/plain"),
        ("{rules: [{text: a}]}", "text/plain"),
    ):
        response = await made.control.put(made.path, content=text, headers={"content-type": kind})
        assert response.json() == {"name": made.name, "rules": 1}
        assert (await made.state())["script"] == {"rules": [{"text": "a"}]}


@pytest.mark.slow
async def test_a_long_yaml_and_a_longer_json_are_413(control: httpx2.AsyncClient, server: Server) -> None:
    rules = [{"when": f"text {number}", "text": "x" * 10_000} for number in range(410)]
    large = orjson.dumps({"rules": rules})
    assert 4_000_000 < len(large) < 10_000_000
    assert error_of(await put(control, b"# YAML\n" + large), 413)["code"] == "too_large"
    assert error_of(await put(control, b" " * (10 * 1024 * 1024 + 1)), 413)["code"] == "too_large"
    async with server.client("ada") as client:
        client.headers["x-mock-scenario"] = "script"
        assert (await put(control, large, "application/json")).status_code == 200
        assert (await say(client, "text 399")).text == "x" * 10_000
    await control.delete("/__mock__/scenarios/script")


@pytest.mark.slow
async def test_many_problems_are_cut_short(control: httpx2.AsyncClient) -> None:
    response = await put(control, orjson.dumps({"rules": [{"txt": 1}] * 1100}))
    assert response.status_code == 422
    assert len(response.json()["problems"]) == 1001


@pytest.mark.slow
async def test_others_are_answered_while_a_long_script_is_read(control: httpx2.AsyncClient, server: Server) -> None:
    text = "rules:\n" + "- {when: a, text: b}\n" * 6000
    reading = asyncio.create_task(put(control, text))
    answered = 0
    async with server.client("ada") as client:
        while not reading.done():
            assert (await client.get("/livez")).status_code == 200
            answered += 1
    assert (await reading).status_code == 200
    # Without a thread of its own one or two may come before it, and no more while it is read.
    assert answered > 5
    await control.delete("/__mock__/scenarios/script")


async def test_the_schema_takes_what_is_taken_and_refuses_what_is_refused(control: httpx2.AsyncClient) -> None:
    validator = jsonschema_rs.validator_for((await control.get("/__mock__/schema.json")).json())
    taken: list[Any] = [
        {"rules": []},
        {"rules": [{"when": "hi", "text": "Hello"}, {"kind": "image", "revised_prompt": "x"}]},
        {"rules": [{"kind": "chat", "when": {"regex": "a"}, "steps": [{"text": "x"}]}]},
    ]
    refused: list[Any] = [{}, {"rules": [{"txt": "x"}]}, {"rules": [{"times": 0}]}, {"rules": [{"kind": "imgae"}]}]
    for script in taken:
        assert validator.is_valid(script), script
        assert (await control.put("/__mock__/scenarios/script", json=script)).status_code == 200
    for script in refused:
        assert not validator.is_valid(script), script
        assert (await control.put("/__mock__/scenarios/script", json=script)).status_code == 422
