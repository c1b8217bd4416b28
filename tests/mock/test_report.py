"""The verdict over the wire: calls as clients make them, and the commands that print it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.harness.processes import run
from tests.harness.service import AUTH, Server
from tests.mock.conftest import MakeScenario
from tests.mock.scenario import Scenario
from tests.server.mocking import mocking

LOGIN = ":".join(AUTH)


async def report(made: Scenario) -> Any:
    response = await made.control.get(f"{made.path}/report")
    assert response.status_code == 200, response.text
    return response.json()


async def codes(made: Scenario) -> list[str]:
    return [finding["code"] for finding in (await report(made))["findings"]]


async def test_a_double_send_is_found_and_a_regeneration_is_not(scenario: MakeScenario) -> None:
    made = await scenario()
    user = {"id": "m-1", "role": "user", "content": "hi", "parts": [{"type": "text", "text": "hi"}]}
    sent = {"id": "trip", "messages": [user]}
    for again in ({"trigger": "submit-message"}, {"trigger": "regenerate-message"}):
        await made.client.post("/chat", json={**sent, **again})
    assert await report(made) == {"ok": True, "findings": []}
    await asyncio.gather(made.say("hello"), made.say("hello"))
    found = await report(made)
    assert not found["ok"]
    (finding,) = found["findings"]
    assert list(finding) == ["code", "severity", "calls", "what", "advice"]
    assert (finding["code"], finding["severity"]) == ("double_send", "fail")
    calls = {entry["n"]: entry for entry in await made.journal()}
    assert {calls[n]["body"]["message"] for n in finding["calls"]} == {"hello"}


async def test_a_lost_id_is_found_and_one_that_the_service_gave_is_not(scenario: MakeScenario) -> None:
    made = await scenario()
    first = await made.say("Where to?")
    turns = [("user", "Where to?"), ("assistant", first.text), ("user", "And then?")]
    messages = [{"role": role, "content": text} for role, text in turns]
    await made.client.post("/chat", json={"id": first.conversation_id, "messages": messages})
    assert await codes(made) == []
    messages[-1]["content"] = "And after that?"
    await made.client.post("/chat", json={"messages": messages})
    assert await codes(made) == ["id_lost"]


async def test_a_refusal_that_is_sent_again_is_found_but_not_the_services_own_retries(scenario: MakeScenario) -> None:
    busy = {"kind": "status", "status": 429, "retry_after_ms": 10}
    made = await scenario({"rules": [{"when": "busy", "times": 2, "fault": busy}]})
    await made.say("busy")
    statuses = [entry["status"] for entry in await made.journal(side="model")]
    assert (statuses, await codes(made)) == ([429, 429, 200], [])
    for _ in range(2):
        await made.client.post("/chat", json={"message": "hi", "mode": "dance"})
    assert await codes(made) == ["retried_refusal"]


async def test_a_program_that_calls_the_emulator_itself_is_judged(scenario: MakeScenario) -> None:
    busy = {"kind": "status", "status": 429, "retry_after": 30}
    made = await scenario({"rules": [{"times": 1, "fault": busy}]})
    headers = {"api-key": AUTH[1], "x-mock-scenario": made.name}
    for _ in range(2):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        await made.control.post("/__mock__/azure/v1/chat/completions", json=body, headers=headers)
    found = await report(made)
    assert [finding["code"] for finding in found["findings"]] == ["retry_after_ignored"]
    assert found["findings"][0]["what"].endswith("which said to wait 30 s.")


async def test_a_rule_that_never_served_is_found(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"when": "hi", "text": "Hello."}, {"when": "bye", "text": "Goodbye."}]})
    await made.say("hi")
    found = await report(made)
    assert (found["ok"], [finding["what"] for finding in found["findings"]]) == (True, ["Rule 1 has never served."])


async def test_of_a_scenario_that_is_not_there_is_a_404(server: Server) -> None:
    async with server.client(None) as client:
        assert (await client.get("/__mock__/scenarios/none/report")).status_code == 404
        assert (await client.post("/__mock__/scenarios/none/report")).status_code == 405


async def test_the_command_prints_it_and_fails_with_it(server: Server, scenario: MakeScenario, tmp_path: Path) -> None:
    made = await scenario()
    asked = ["report", server.url, "--login", LOGIN, "--scenario", made.name]
    ended = await asyncio.to_thread(run, asked, tmp_path, {})
    assert (ended.returncode, ended.stdout) == (0, f"{made.name}: ok\n")
    await asyncio.gather(made.say("hi"), made.say("hi"))
    ended = await asyncio.to_thread(run, ["report", server.url.replace("//", f"//{LOGIN}@")], tmp_path, {})
    assert ended.returncode == 1
    assert f"{made.name}: failed\n  fail double_send (calls " in ended.stdout
    assert "default: ok" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere is not an http:// or https:// URL"),
        (["http://127.0.0.1:9"], "cannot be asked"),
        (["{url}", "--login", "a:b"], "401: The login is missing or wrong."),
        (["{url}", "--login", LOGIN, "--scenario", "a/b"], "422: 'a/b' cannot be a scenario's name."),
        (["{url}", "--login", LOGIN, "--scenario", "none"], "404: There is no scenario named 'none'."),
    ],
)
def test_a_report_that_cannot_be_had_is_said(server: Server, tmp_path: Path, arguments: list[str], said: str) -> None:
    ended = run(["report", *(argument.format(url=server.url) for argument in arguments)], tmp_path, {})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


@pytest.mark.slow
def test_the_mock_prints_the_reports_that_failed_when_its_command_ends(tmp_path: Path) -> None:
    send = "curl -s -u mock:mock -H 'userid: ada' $MOCK_URL/chat -d '{\"message\": \"hi\"}'"
    with mocking(tmp_path, ["--", "sh", "-c", f"{send}; {send}; exit 3"]) as mock:
        assert mock.process.wait(30) == 3
        assert orjson.loads(mock.out.splitlines()[0])["login"] == "mock:mock"
    assert (tmp_path / "log").read_text().startswith("default: failed\n  fail double_send (calls 1, 3): ")


async def test_what_an_engine_refuses_is_no_call_that_a_rule_should_have_fitted(scenario: MakeScenario) -> None:
    made = await scenario({"strict": True, "dialect": "mistral", "rules": [{"when": "hi", "text": "Hello!"}]})
    assert (await made.say("hi")).text == "Hello!"
    assert "/mock cut" in (await made.say("/mock help")).text
    refused = [entry["n"] for entry in await made.journal(side="model") if entry["status"] == 422]
    assert refused
    assert await report(made) == {"ok": True, "findings": []}
    assert not set(refused) & set((await made.state())["unmatched"])
    assert (await made.say("Bonjour")).errors != []
    assert await codes(made) == ["unmatched_call"]
