"""Calls of a script that wait for the front end: its tools', and those that ask for approval; one rule has the turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from mockbackend.agent.tool_calls import NOT_ASKED
from tests.conftest import StartServer
from tests.harness.answers import Answer, chat
from tests.harness.http_client import PLAIN
from tests.harness.service import AUTH, Server
from tests.harness.waiting import until
from tests.mock.conftest import MakeScenario
from tests.mock.scenario import Scenario

FORM = {"name": "ask_form", "arguments": {"question": "Where to?"}, "client": True}
MAIL = {"name": "send_mail", "arguments": {"to": "ada"}, "approval": True, "result": {"sent": "{{text}}"}}
WEATHER = {"name": "weather", "arguments": {"city": "Oslo"}, "result": ["sunny"]}


def rule(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A turn of two steps: the calls, then words."""
    return {"steps": [{"tool_calls": list(calls)}, {"text": "It is done: {{tool.result}}"}], **more}


def answered(call_id: str, **part: Any) -> dict[str, Any]:
    """An assistant's message of AI SDK 6 with what came of a call."""
    return {"id": "m", "role": "assistant", "parts": [{"type": "tool-any", "toolCallId": call_id, **part}]}


def said(approval_id: str, call_id: str, *, approved: bool) -> dict[str, Any]:
    """The same with a user's answer."""
    return answered(call_id, state="approval-responded", approval={"id": approval_id, "approved": approved})


async def asked(made: Scenario, **more: Any) -> list[dict[str, Any]]:
    """A turn that ends with a question, as AI SDK 6 reads it: its questions."""
    chunks = await read(made, {"message": "a mail", "id": "trip", **more})
    assert chunks[-1]["finishReason"] == "tool-calls", chunks
    return [chunk for chunk in chunks if chunk["type"] == "tool-approval-request"]


async def read(made: Scenario, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The chunks of an answer."""
    sent = {"trigger": "submit-message", "approvals": True, **body}
    response = await made.client.post("/chat?protocol=ui", json=sent)
    assert response.status_code == 200, response.text
    chunks = [line.removeprefix("data: ") for line in response.text.split("\n\n")[:-2]]
    return [orjson.loads(chunk) for chunk in chunks]


def of_type(chunks: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [chunk for chunk in chunks if chunk["type"] == kind]


async def test_a_call_of_a_tool_that_the_front_end_sends_waits_for_it(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [rule({**FORM, "client": False})]})
    tools = [{"name": "ask_form", "parameters": {"type": "object"}}]
    await waits_and_goes_on(made, tools=tools)


async def test_a_call_that_the_script_says_is_the_clients_waits_for_it_undeclared(scenario: MakeScenario) -> None:
    await waits_and_goes_on(await scenario({"rules": [rule(FORM)]}))


async def waits_and_goes_on(made: Scenario, **more: Any) -> None:
    answer: Answer = await chat(made.client, {"message": "a trip", "id": "trip", **more})
    assert (answer.values("9")[0]["toolName"], answer.values("a")) == ("ask_form", [])
    assert answer.values("d")[0]["finishReason"] == "tool-calls"
    call_id = answer.values("9")[0]["toolCallId"]
    result = answered(call_id, state="output-available", output={"city": "Oslo"})
    onward = await chat(made.client, {"id": "trip", "messages": [result], **more})
    assert (onward.text, onward.values("f")) == ('It is done: {"city":"Oslo"}', answer.values("f"))


async def test_a_call_that_asks_has_its_result_after_a_yes(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [rule(MAIL)]})
    (question,) = await asked(made)
    ids = question["approvalId"], question["toolCallId"]
    chunks = await read(made, {"id": "trip", "messages": [said(*ids, approved=True)]})
    (returned,) = of_type(chunks, "tool-output-available")
    assert returned["output"] == {"sent": "a mail"}
    assert "".join(chunk["delta"] for chunk in of_type(chunks, "text-delta")) == 'It is done: {"sent":"a mail"}'
    *_, stored = (await made.client.get("/conversations/trip?protocol=ui")).json()["messages"]
    states = [part["state"] for part in stored["parts"] if part["type"] == "tool-send_mail"]
    assert states == ["output-available"]
    assert b"mock_calls" not in orjson.dumps(stored)


async def test_after_a_no_it_is_denied(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [rule(MAIL)]})
    (question,) = await asked(made)
    no = said(question["approvalId"], question["toolCallId"], approved=False)
    chunks = await read(made, {"id": "trip", "messages": [no]})
    assert len(of_type(chunks, "tool-output-denied")) == 1
    assert of_type(chunks, "tool-output-available") == []
    assert chunks[-1]["finishReason"] == "stop"


async def test_two_that_ask_have_each_its_own_result(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [rule(MAIL, {**MAIL, "result": 2})]})
    first, second = await asked(made)
    parts = [said(one["approvalId"], one["toolCallId"], approved=True)["parts"][0] for one in (first, second)]
    chunks = await read(made, {"id": "trip", "messages": [{"id": "m", "role": "assistant", "parts": parts}]})
    outputs = {one["toolCallId"]: one["output"] for one in of_type(chunks, "tool-output-available")}
    assert outputs == {first["toolCallId"]: {"sent": "a mail"}, second["toolCallId"]: 2}


async def test_without_approvals_it_is_not_run_and_the_result_says_why(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [rule(MAIL)]})
    answer = await made.say("a mail")
    assert answer.values("a")[0]["result"] == {"error": NOT_ASKED}
    assert answer.values("d")[0]["finishReason"] == "stop"


@pytest.mark.parametrize("result", [["sunny"], None, "words", {"error": "no weather"}])
async def test_a_call_of_a_tool_that_nobody_wrote_has_the_result_of_the_script(
    scenario: MakeScenario, result: Any
) -> None:
    made = await scenario({"rules": [rule({**WEATHER, "result": result})]})
    answer = await made.say("the weather")
    assert [value["result"] for value in answer.values("a")] == [result]
    assert answer.values("d")[0]["finishReason"] == "stop"


async def test_a_turn_that_goes_on_counts_its_steps_and_its_number_on(scenario: MakeScenario) -> None:
    first = {"when": {"text": "trip", "turn": 2, "step": 1}, "tool_calls": [FORM]}
    second = {"when": {"text": "trip", "turn": 2, "step": 2}, "text": "The second."}
    made = await scenario({"strict": True, "rules": [first, second, {"when": {"turn": 1}, "text": "The first."}]})
    await made.say("Hello", "trip")
    answer = await made.say("a trip", "trip")
    result = answered(answer.values("9")[0]["toolCallId"], state="output-available", output=1)
    onward = await chat(made.client, {"id": "trip", "messages": [result]})
    assert (onward.text, onward.errors) == ("The second.", [])


@pytest.mark.parametrize("sends_all", [True, False])
async def test_a_rule_of_the_wire_meets_a_turn_that_goes_on_by_its_question(
    scenario: MakeScenario, *, sends_all: bool
) -> None:
    busy = {"when": {"text": "a trip", "turn": 2}, "nth": 3, "wire": {"status": 503}}
    made = await scenario({"rules": [busy, rule(FORM, when="trip")]})
    await made.say("Hello", "trip")
    answer = await made.say("a trip", "trip")
    result = answered(answer.values("9")[0]["toolCallId"], state="output-available", output=1)
    users = [{"id": f"u{n}", "role": "user", "content": text} for n, text in enumerate(("Hello", "a trip"))]
    messages = [*users, result] if sends_all else [result]
    assert (await chat(made.client, {"id": "trip", "messages": messages})).status == 503
    assert (await chat(made.client, {"id": "trip", "messages": messages})).text == "It is done: 1"


async def test_a_line_for_the_mock_meets_a_turn_that_goes_on_too(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [rule(FORM, when={"equals": "a trip"})]})
    answer = await made.say("/mock unknown_line 1\na trip", "trip")
    result = answered(answer.values("9")[0]["toolCallId"], state="output-available", output=1)
    onward = await chat(made.client, {"id": "trip", "messages": [result]})
    assert (answer.codes[0], onward.codes[0], onward.text) == ("z", "z", "It is done: 1")


@pytest.mark.parametrize("script", [{"rules": [rule(MAIL)]}, {"rules": [rule(MAIL)], "dialect": "vllm"}])
async def test_another_program_gets_the_bare_call(server: Server, scenario: MakeScenario, script: Any) -> None:
    made = await scenario(script, "alone")
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a mail"}], "stream": True}
    headers = {"api-key": AUTH[1], "x-mock-scenario": made.name}
    async with httpx2.AsyncClient(base_url=server.url, headers=headers, **PLAIN) as client:
        response = await client.post("/__mock__/azure/v1/chat/completions", json=body)
    assert response.status_code == 200
    assert b"send_mail" in response.content
    assert b"mock_calls" not in response.content


@pytest.mark.slow
async def test_they_come_over_the_other_wire_too_and_outlast_a_restart(
    start_server: StartServer, tmp_path: Path
) -> None:
    path = tmp_path / "script.json"
    path.write_bytes(orjson.dumps({"rules": [rule(MAIL)]}))
    env = {"AZURE_OPENAI_API": "responses", "MOCK_SCRIPT": str(path)}
    server = start_server(env)
    body = {"message": "a mail", "id": "trip", "approvals": True}
    async with server.client() as client:
        first = (await client.post("/chat?protocol=ui", json=body)).text
    server.stop()
    question = next(orjson.loads(line[6:]) for line in first.split("\n\n") if "tool-approval-request" in line)
    yes = said(question["approvalId"], question["toolCallId"], approved=True)
    server.start()
    async with server.client() as client:
        onward = await client.post("/chat?protocol=ui", json={"id": "trip", "messages": [yes]})
    assert '"output":{"sent":"a mail"}' in onward.text


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ({"client": True, "result": 1}, "result: is of a tool of the service"),
        ({"client": True, "approval": True}, "approval: is of a tool of the service"),
        ({"approval": True}, "approval: give the 'result' that the call has after a yes"),
        ({"aproval": True}, "aproval: unknown key; did you mean 'approval'?"),
    ],
)
async def test_what_cannot_be_is_a_problem_of_the_script(server: Server, call: Any, problem: str) -> None:
    async with server.client(None) as client:
        script = {"rules": [{"tool_calls": [{"name": "f", **call}]}]}
        response = await client.put("/__mock__/scenarios/bad", json=script)
    assert response.status_code == 422
    (found,) = response.json()["problems"]
    assert f"{found['key']}: {found['message']}".startswith(f"tool_calls[0].{problem}"), found


async def found(made: Scenario) -> list[str]:
    """The codes of the verdict."""
    report = (await made.control.get(f"{made.path}/report")).json()
    return [finding["code"] for finding in report["findings"]]


async def test_the_journal_says_what_an_answer_waits_for(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [rule(FORM, MAIL, WEATHER)]})
    (question,) = await asked(made)
    calls = (await made.journal(side="front"))[0]["tool_calls"]
    assert [(one["name"], one["waits_for"]) for one in calls] == [
        *(("ask_form", "result"), ("send_mail", "approval"), ("weather", None)),
    ]
    assert calls[1]["id"] == question["toolCallId"]
    assert {entry["n"]: entry["tool_calls"] for entry in await made.journal(side="model")} == {2: []}


async def test_the_verdict_on_results_that_never_come_and_on_calls_that_nobody_knows(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [rule(FORM)]})
    answer = await made.say("a trip", "trip")
    assert await found(made) == ["result_never_sent"]
    call_id = answer.values("9")[0]["toolCallId"]
    result = {"state": "output-available", "output": 1}
    stray = await chat(made.client, {"id": "trip", "messages": [answered("call_other", **result)]})
    assert (stray.status, await found(made)) == (422, ["result_never_sent", "answered_unknown_call"])
    assert (await chat(made.client, {"id": "trip", "messages": [answered(call_id, **result)]})).status == 200
    assert await found(made) == ["answered_unknown_call"]


async def test_the_verdict_on_an_approval_that_is_sent_twice(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [rule(MAIL)]})
    (question,) = await asked(made)
    yes = said(question["approvalId"], question["toolCallId"], approved=True)
    await read(made, {"id": "trip", "messages": [yes]})
    assert await found(made) == []
    body = {"id": "trip", "messages": [yes], "trigger": "submit-message", "approvals": True}
    assert (await made.client.post("/chat", json=body)).status_code == 422
    assert await found(made) == ["approval_answered_twice"]


async def test_a_call_that_waits_poisons_no_history(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [rule(MAIL)]})
    (question,) = await asked(made)
    open_call = answered(question["toolCallId"], state="approval-requested", approval={"id": question["approvalId"]})
    users = [{"id": f"u{n}", "role": "user", "content": text} for n, text in enumerate(("a mail", "Hello", "Well?"))]
    await read(made, {"id": "trip", "messages": [users[0], open_call, users[1]]})
    # The client has not heard that it is closed.
    await read(made, {"id": "trip", "messages": [users[0], open_call, *users[1:]]})
    assert await found(made) == []


async def test_what_a_resumable_turn_waits_for_is_known_though_its_client_has_gone(scenario: MakeScenario) -> None:
    made = await scenario(
        {"rules": [{"steps": [{"text": "Well …", "hold": 1, "tool_calls": [FORM]}, {"text": "Done."}]}]}
    )
    body = {"message": "a trip", "id": "trip", "resumable": True}
    async with made.client.stream("POST", "/chat", json=body) as response:
        assert response.status_code == 200
        await made.journal(state="held", side="front", wait=1)
    await made.journal(state="client_gone", wait=1)
    await made.control.post(f"{made.path}/release", json={})
    await made.journal(side="model", state="done", wait=1)

    async def is_known() -> bool:
        return bool((await made.journal(side="front"))[0]["tool_calls"])

    await until(is_known)
    assert await found(made) == ["result_never_sent"]
