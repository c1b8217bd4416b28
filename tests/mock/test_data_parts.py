"""Data parts of a script: the service's front end gets them as if a tool had shown them, and no other program does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tests.conftest import StartServer
from tests.harness.answers import Answer
from tests.harness.api import say
from tests.harness.http_client import PLAIN
from tests.harness.service import AUTH, Server
from tests.mock.conftest import MakeScenario

CHART = {"name": "chart", "id": "c1", "data": {"points": [1, 2]}}
STATUS = {"name": "status", "id": "s", "data": "half way", "transient": True}
RULE = {"when": "chart", "text": "Here it is.", "data_parts": [CHART, STATUS]}
TIME = {"tool_calls": [{"name": "get_current_time", "arguments": {"timezone": "UTC"}}]}


def parts(answer: Answer, code: str) -> list[dict[str, Any]]:
    return [part for value in answer.values(code) for part in value]


def shown(part: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"data-{part['name']}", "id": part["id"], "data": part["data"]}


async def test_the_front_end_gets_them_before_the_words(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [RULE]})
    answer = await made.say("a chart please", "trip")
    assert answer.codes == "f82" + "0" * len(answer.values("0")) + "ed"
    assert answer.text == "Here it is."
    assert (parts(answer, "8"), parts(answer, "2")) == ([shown(CHART)], [shown(STATUS)])


async def test_those_that_are_kept_are_stored(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [RULE]})
    await made.say("a chart please", "trip")
    *_, old = (await made.client.get("/conversations/trip")).json()["messages"]
    *_, new = (await made.client.get("/conversations/trip?protocol=ui")).json()["messages"]
    assert old["annotations"] == [shown(CHART)]
    assert [part for part in new["parts"] if part["type"].startswith("data-")] == [shown(CHART)]


async def test_each_step_has_its_own(scenario: MakeScenario) -> None:
    later = {**CHART, "data": "later"}
    steps = [{**TIME, "data_parts": [CHART]}, {"text": "Done.", "data_parts": [later]}]
    made = await scenario({"rules": [{"when": "chart", "steps": steps}]})
    answer = await made.say("a chart", "trip")
    first, _, second = answer.codes.partition("e")
    assert ("8" in first, "8" in second) == (True, True)
    assert first.index("8") < first.index("9")
    assert parts(answer, "8") == [shown(CHART), shown(later)]
    *_, stored = (await made.client.get("/conversations/trip")).json()["messages"]
    assert stored["annotations"] == [shown(later)]


async def test_each_serving_has_its_own(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"respond": [{"text": "Here.", "data_parts": [CHART]}, {"text": "No."}]}]})
    assert [parts(await made.say("a chart"), "8") for _ in range(2)] == [[shown(CHART)], []]


async def test_templates_are_filled_in(scenario: MakeScenario) -> None:
    rule = {
        "when": {"text": {"regex": "chart of (\\w+)"}},
        "text": "Here.",
        "data_parts": [{**CHART, "data": [{"of": "{{match.1}}"}]}],
    }
    made = await scenario({"rules": [rule]})
    assert parts(await made.say("a chart of sales"), "8")[0]["data"] == [{"of": "sales"}]


async def test_without_words_they_come_with_the_usual_answer(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"data_parts": [CHART]}]})
    answer = await made.say("hello")
    assert (answer.text, parts(answer, "8")) == ("You said: hello", [shown(CHART)])


async def test_without_an_id_each_has_its_own_which_the_seed_decides(scenario: MakeScenario) -> None:
    part = {"name": "chart", "data": 1}
    script = {"seed": 7, "rules": [{"text": "Here.", "data_parts": [part, part]}]}
    made = await scenario(script)
    first = parts(await made.say("hello"), "8")
    assert len({one["id"] for one in first}) == 2
    await made.put(script)
    assert parts(await made.say("hello"), "8") == first


async def test_they_come_again_where_the_call_is_tried_again(scenario: MakeScenario) -> None:
    whole = {"text": "Here it is.", "data_parts": [CHART]}
    made = await scenario({"rules": [{"respond": [{**whole, "fault": {"kind": "cut", "after": 0}}, whole]}]})
    answer = await made.say("a chart", "trip")
    assert (answer.text, answer.errors) == ("Here it is.", [])
    assert parts(answer, "8") == [shown(CHART), shown(CHART)]
    *_, stored = (await made.client.get("/conversations/trip")).json()["messages"]
    assert stored["annotations"] == [shown(CHART)]


@pytest.mark.parametrize("script", [{"rules": [RULE]}, {"rules": [RULE], "dialect": "mistral"}])
async def test_another_program_gets_none(server: Server, scenario: MakeScenario, script: Any) -> None:
    made = await scenario(script, "alone")
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a chart"}], "stream": True}
    headers = {"api-key": AUTH[1], "x-mock-scenario": made.name}
    async with httpx2.AsyncClient(base_url=server.url, headers=headers, **PLAIN) as client:
        response = await client.post("/__mock__/azure/v1/chat/completions", json=asked)
    assert response.status_code == 200
    assert b"Here" in response.content
    assert b"mock_data_parts" not in response.content
    assert parts(await made.say("a chart"), "8") == [shown(CHART)]


async def test_they_come_over_the_other_wire_too(start_server: StartServer, tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_bytes(orjson.dumps({"rules": [RULE]}))
    server = start_server({"AZURE_OPENAI_API": "responses", "MOCK_SCRIPT": str(path)})
    async with server.client() as client:
        answer = await say(client, "a chart")
    assert answer.text == "Here it is."
    assert (parts(answer, "8"), parts(answer, "2")) == ([shown(CHART)], [shown(STATUS)])


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"name": "a b", "data": 1}, "data_parts[0].name: cannot be that: a name begins with a letter and has at most"),
        ({"name": "retry", "data": 1}, "data_parts[0].name: cannot be that: the names context, incomplete, picture, "),
        ({"name": "chart"}, "data_parts[0].data: is missing"),
        ({"name": "chart", "data": 1, "id": ""}, "data_parts[0].id: must "),
        ({"name": "chart", "data": 1, "di": "c1"}, "data_parts[0].di: unknown key; known: data, id, name"),
    ],
)
async def test_what_cannot_be_shown_is_a_problem_of_the_script(server: Server, part: Any, problem: str) -> None:
    async with server.client(None) as client:
        response = await client.put("/__mock__/scenarios/bad", json={"rules": [{"text": "x", "data_parts": [part]}]})
    assert response.status_code == 422
    (found,) = response.json()["problems"]
    assert f"{found['key']}: {found['message']}".startswith(problem), found
