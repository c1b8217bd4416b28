"""Scenarios over the service: each a world of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing

import httpx2
import pytest

from mockbackend.mock.store import DEFAULT, MockStore, TooManyScenarios, scenarios
from tests.conftest import StartServer
from tests.documents.waiting import indexed
from tests.harness.api import error_of, listed, say, texts
from tests.harness.service import Server
from tests.mock.conftest import MakeScenario
from tests.mock.scenario import Scenario


async def test_two_scenarios_share_neither_rules_nor_rows(scenario: MakeScenario, server: Server) -> None:
    one = await scenario({"rules": [{"when": "hi", "text": "one"}]}, "one")
    two = await scenario({"rules": [{"when": "hi", "text": "two"}]}, "two")
    assert [(await each.say("hi", "trip")).text for each in (one, two)] == ["one", "two"]
    assert await texts(one.client, "trip") == [("user", "hi"), ("assistant", "one")]
    assert await texts(two.client, "trip") == [("user", "hi"), ("assistant", "two")]
    async with server.client("ada") as outside:
        assert await listed(outside) == []
        assert (await say(outside, "hi", "trip")).text == "You said: hi"


async def test_the_wire_shows_a_conversation_by_its_own_id(scenario: MakeScenario) -> None:
    made = await scenario()
    answer = await made.say("hi", "trip")
    assert answer.conversation_id == "trip"
    assert await listed(made.client) == ["trip"]
    renamed = await made.client.patch("/conversations/trip", json={"title": "Oslo"})
    assert (renamed.json()["id"], renamed.json()["title"]) == ("trip", "Oslo")
    named = (await made.say("hello")).conversation_id
    assert "\x1f" not in named
    pages = await made.client.get("/conversations", params={"limit": 1})
    assert [row["id"] for row in (await made.client.get(pages.links["next"]["url"])).json()] == ["trip"]


async def test_a_userid_names_a_scenario_for_front_ends_that_cannot_send_a_header(
    scenario: MakeScenario, server: Server
) -> None:
    made = await scenario({"rules": [{"text": "mine"}]})
    async with server.client(made.name) as client:
        assert (await say(client, "hi")).text == "mine"


async def test_a_header_that_names_no_scenario_is_a_404_that_says_how_to_make_one(server: Server) -> None:
    async with server.client("ada") as client:
        response = await client.get("/conversations", headers={"x-mock-scenario": "nowhere"})
    assert "PUT /__mock__/scenarios/nowhere" in error_of(response, 404)["message"]


@pytest.mark.parametrize("name", ["a/b", ".hidden", "ä", "x" * 129, "a b", "a%1Fb"])
async def test_a_name_that_cannot_be_one_is_a_422(control: httpx2.AsyncClient, name: str) -> None:
    response = await control.put(f"/__mock__/scenarios/{name}", json={"rules": []})
    assert error_of(response, 422)["code"] == "bad_name"


async def test_a_scenario_goes_with_all_that_is_stored_in_it(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"when": "hi", "text": "hello"}]})
    await made.say("hi", "trip")
    uploaded = await made.client.post("/files", files={"file": ("a.txt", b"words")})
    assert uploaded.status_code == 202
    await made.next({"text": "from the queue"})
    await made.put({"rules": []})
    assert await listed(made.client) == []
    assert (await made.client.get("/files")).json() == []
    assert await made.journal(on="chat") == []
    assert (await made.say("hi", "trip")).text == "You said: hi"


async def test_a_deletion_ends_the_answers_that_run(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": "one two three four five six seven", "tokens_per_second": 2}]})
    asked = asyncio.create_task(made.client.post("/chat", json={"message": "hi", "id": "trip"}))
    await made.journal(side="model", state="running", wait=1)
    began = time.monotonic()
    assert (await made.control.delete(made.path)).status_code == 204
    assert time.monotonic() - began < 2
    assert '"finishReason":"stop"' in (await asked).text
    assert (await made.control.get(made.path)).status_code == 404


@pytest.mark.slow
async def test_a_reset_takes_less_than_20_ms_where_nothing_runs(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": "hello"}]})
    fastest = 1.0
    for number in range(20):
        await made.say("hi", f"trip-{number}")
        began = time.perf_counter()
        await made.put({"rules": [{"text": "hello"}]})
        fastest = min(fastest, time.perf_counter() - began)
    assert fastest < 0.02


async def test_a_document_is_embedded_within_the_scenario_of_its_owner(scenario: MakeScenario) -> None:
    made = await scenario()
    await made.client.post("/files", files={"file": ("a.txt", b"A fox sleeps.")})
    (entry,) = await made.journal(on="embedding", wait=1)
    assert (entry["side"], entry["turn"], entry["body"]["input"]) == ("model", None, ["A fox sleeps."])


@pytest.mark.slow
async def test_after_a_change_of_the_model_it_is_embedded_there_as_well(scenario: MakeScenario, server: Server) -> None:
    made = await scenario()
    row = await indexed(made.client, "a.txt", b"A fox sleeps.")
    with closing(sqlite3.connect(server.data_dir / "documents.db")) as database, database:
        database.execute("UPDATE files SET model = 'of before' WHERE file_id = ?", (row["id"],))
    # Another's file wakes the worker, which looks for such files when it has nothing else to do.
    async with server.client("bob") as bob:
        await indexed(bob, "b.txt", b"A hen wakes.")
    entries = await made.journal(on="embedding", wait=2)
    assert [entry["body"]["input"] for entry in entries] == [["A fox sleeps."]] * 2


async def test_next_serves_once_before_all_other_rules(scenario: MakeScenario, control: httpx2.AsyncClient) -> None:
    made = await scenario({"rules": [{"text": "always"}]})
    assert (await made.next([{"text": "first"}, {"when": "budget", "text": "second"}])).json()["rules"] == 2
    said = [(await made.say(text)).text for text in ("hi", "hi", "my budget", "my budget")]
    assert said == ["first", "always", "second", "always"]
    assert [entry["rule"] for entry in await made.journal(side="model")] == ["next", 0, "next", 0]


async def test_next_makes_the_scenario_that_is_missing(scenario: MakeScenario, control: httpx2.AsyncClient) -> None:
    made = await scenario()
    await control.delete(made.path)
    assert (await made.next({"text": "made"})).status_code == 200
    assert (await made.say("hi")).text == "made"


async def test_what_is_learned_from_a_refusal_stays_in_its_scenario_and_goes_with_its_script(
    scenario: MakeScenario,
) -> None:
    refusing = {"rules": [{"fault": {"kind": "refuse", "parameter": "stream_options"}}]}
    one, other = await scenario(refusing, "refusing"), await scenario(None, "taking")

    async def asked(of: Scenario) -> list[bool]:
        """Whether each call of the model had the parameter, of two messages."""
        for text in ("hi", "and on"):
            assert (await of.say(text)).errors == []
        return ["stream_options" in call["body"] for call in await of.journal(side="model")]

    assert await asked(one) == [True, False, False]
    assert await asked(other) == [True, True]
    await one.put(refusing)
    assert await asked(one) == [True, False, False]


async def test_default_is_set_back_and_keeps_what_is_stored(control: httpx2.AsyncClient, server: Server) -> None:
    path = "/__mock__/scenarios/default"
    async with server.client("eve") as eve:
        await control.put(path, json={"rules": [{"when": "hi", "text": "set"}]})
        assert (await say(eve, "hi", "kept")).text == "set"
        assert (await control.delete(path)).status_code == 204
        assert (await control.get(f"{path}/journal")).json() == []
        assert (await say(eve, "hi", "kept")).text == "You said: hi"
        assert len(await texts(eve, "kept")) == 4


@pytest.mark.slow
async def test_a_thousand_scenarios_are_the_most(start_server: StartServer) -> None:
    async with start_server().client(None) as control:
        for number in range(999):
            assert (await control.put(f"/__mock__/scenarios/many-{number}", json={"rules": []})).status_code == 200
        full = await control.put("/__mock__/scenarios/one-more", json={"rules": []})
        assert "many-0" in error_of(full, 422)["message"]
        assert (await control.put("/__mock__/scenarios/many-5", json={"rules": []})).status_code == 200
        assert len((await control.get("/__mock__/scenarios")).json()) == 1000


def test_the_rules_of_all_scenarios_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "MAX_BYTES", 300_000)
    monkeypatch.setattr(scenarios, "MAX_CACHED_BYTES", 150_000)
    store = MockStore(None)
    large = {"rules": [{"text": "x" * 100_000}]}
    for name in ("one", "two"):
        store.scenarios.put(name, large)
        assert store.scenarios.open(name).script.rules
    with pytest.raises(TooManyScenarios, match="The rules of all scenarios"):
        store.scenarios.put("three", large)
    with pytest.raises(TooManyScenarios, match="The rules of all scenarios"):
        store.scenarios.queue("one", large["rules"] * 2)
    with pytest.raises(TooManyScenarios, match="At most 1000"):
        store.scenarios.queue("one", [{"text": "x"}] * 1001)
    assert store.scenarios.names() == [DEFAULT, "one", "two"]
    assert store.scenarios.open("one").queued == []
    store.close()


async def test_what_a_day_has_counted_belongs_to_the_scenario_and_goes_with_it(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": "Hello"}]})

    async def turns(**headers: str) -> int:
        response = await made.client.get("/usage", headers=headers)
        assert response.status_code == 200, response.text
        found: int = response.json()["turns"]
        return found

    before = await turns(**{"x-mock-scenario": "default"})
    await made.say("hi")
    await made.say("hi")
    assert await turns() == 2
    assert await turns(**{"x-mock-scenario": "default"}) == before
    assert {entry["on"] for entry in await made.journal()} == {"chat"}
    await made.put({"rules": []})
    assert await turns() == 0
    error_of(await made.client.get("/usage", headers={"x-mock-scenario": "nowhere"}), 404)
