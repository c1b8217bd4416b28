"""The journal: every call of both sides, and waiting for them."""

from __future__ import annotations

import asyncio
import base64

import httpx2
import pytest

from mockbackend.mock.store import DEFAULT, Filter, MockStore
from mockbackend.mock.store import journal as journals
from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.api import error_of
from tests.harness.http_client import PLAIN
from tests.harness.service import AUTH, Server
from tests.mock.conftest import MakeScenario
from tests.mock.scenario import Scenario

FIELDS = [
    *("n", "side", "on", "turn", "conversation", "method", "path", "headers", "body", "status", "retry_after", "at"),
    *("first_byte", "ended_at", "lines", "tool_calls", "state", "rule", "scenario"),
]


async def test_a_turn_is_in_it_from_both_sides(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"when": "hi", "text": "Hello there"}]})
    answer = await made.say("hi", "trip")
    front, model = await made.journal()
    assert list(front) == list(model) == FIELDS
    assert (front["n"], front["side"], front["on"], front["path"]) == (1, "front", "chat", "/chat")
    assert (model["n"], model["side"], model["on"], model["rule"]) == (2, "model", "chat", 0)
    assert front["turn"] == model["turn"] is not None
    assert front["body"] == {"message": "hi", "id": "trip"}
    assert front["conversation"] == "trip"
    assert model["body"]["messages"][-1] == {"role": "user", "content": "hi"}
    for entry in (front, model):
        assert (entry["status"], entry["state"], entry["scenario"]) == (200, "done", made.name)
        assert entry["at"] <= entry["first_byte"] <= entry["ended_at"]
    assert front["lines"] == len(answer.lines)


async def test_secrets_are_stars(scenario: MakeScenario) -> None:
    made = await scenario()
    await made.client.get("/conversations", headers={"cookie": "a=b"})
    await made.say("hi")
    listing, front, model = await made.journal()
    assert listing["headers"]["cookie"] == listing["headers"]["authorization"] == "***"
    assert model["headers"]["api-key"] == "***"
    assert "x-mock-call" not in model["headers"]
    password = base64.b64encode(":".join(AUTH).encode()).decode()
    assert password not in str([listing, front, model])


async def test_each_kind_of_call_is_named(scenario: MakeScenario) -> None:
    made = await scenario()
    client = made.client
    await made.say("hi", "trip")
    await client.get("/chat/trip/stream")
    await client.get("/chat", params={"chatId": "trip"})
    await client.post("/conversations/trip/stop")
    await client.get("/conversations")
    await client.get("/files")
    await client.get("/images/nothing")
    await client.get("/conversations", auth=("u", "wrong"))
    found = [(entry["on"], entry["path"], entry["status"]) for entry in await made.journal(side="front")]
    assert found == [
        ("chat", "/chat", 200),
        ("join", "/chat/trip/stream", 204),
        ("join", "/chat?chatId=trip", 200),
        ("stop", "/conversations/trip/stop", 200),
        ("conversations", "/conversations", 200),
        ("files", "/files", 200),
        ("images", "/images/nothing", 404),
        ("conversations", "/conversations", 401),
    ]


async def test_the_body_is_in_it_where_the_answer_stands_in_place_of_the_call(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"on": "stop", "wire": {"status": 503}}]})
    response = await made.client.post("/chat", json={"message": "hi"}, headers={"x-mock": "status=503"})
    assert response.status_code == 503
    assert (await made.client.post("/conversations/trip/stop", json={"why": "enough"})).status_code == 503
    assert [entry["body"] for entry in await made.journal()] == [{"message": "hi"}, {"why": "enough"}]


@pytest.mark.parametrize("fault", ["", "split=3"])
async def test_the_events_of_a_stream_are_counted_whatever_its_pieces_and_words(
    scenario: MakeScenario, fault: str
) -> None:
    made = await scenario({"rules": [{"text": ["data: one ", "data: two"]}]})
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}
    body = {"id": "trip", "trigger": "submit-message", "messages": [message]}
    response = await made.client.post("/chat", json=body, headers={"x-mock": fault} if fault else {})
    (front,) = await made.journal(side="front")
    assert "data: two" in response.text
    assert front["lines"] == response.text.count("\n\n")


async def test_it_is_filtered(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"when": "bad", "fault": {"kind": "status", "status": 400}}]})
    await made.say("hi")
    await made.say("bad")
    assert [entry["n"] for entry in await made.journal(side="model")] == [2, 4]
    assert [entry["n"] for entry in await made.journal(state="error")] == [3, 4]
    assert [entry["n"] for entry in await made.journal(on="chat", side="front", state="done")] == [1]


@pytest.mark.parametrize(
    "query", [{"side": "back"}, {"state": "lost"}, {"wait": "-1"}, {"timeout": "61"}, {"wait": "x"}, {"kind": "chat"}]
)
async def test_a_query_that_means_nothing_is_a_400(control: httpx2.AsyncClient, query: dict[str, str]) -> None:
    error_of(await control.get("/__mock__/scenarios/default/journal", params=query), 400)


async def test_wait_answers_once_that_many_calls_have_ended(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": "one two three", "tokens_per_second": 20}]})
    waiting = asyncio.create_task(made.journal(wait=2, timeout=30))
    await made.say("hi")
    assert [entry["state"] for entry in await waiting] == ["done", "done"]


async def test_wait_with_a_state_answers_once_that_many_are_in_it(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": "one two three", "tokens_per_second": 3}]})
    asked = asyncio.create_task(made.say("hi"))
    running = await made.journal(state="running", wait=2)
    assert [entry["ended_at"] for entry in running] == [None, None]
    await asked


async def test_a_wait_ends_with_its_scenario(scenario: MakeScenario) -> None:
    made = await scenario()
    query = {"wait": 1, "timeout": 30}
    waiting = asyncio.create_task(made.control.get(f"{made.path}/journal", params=query))
    # Two calls after it, so that it is waiting.
    await made.state()
    await made.control.delete(made.path)
    async with asyncio.timeout(10):
        assert (await waiting).status_code == 404


async def test_a_name_that_cannot_be_is_not_to_be_made(scenario: MakeScenario) -> None:
    made = await scenario()
    made.client.headers["x-mock-scenario"] = "two words"
    message = (await made.client.get("/conversations")).json()["error"]["message"]
    assert "A name has 1 to 128 of the characters" in message
    assert "PUT" not in message


async def test_a_wait_that_ends_in_vain_is_a_408_with_the_entries(scenario: MakeScenario) -> None:
    made = await scenario()
    await made.say("hi")
    response = await made.control.get(f"{made.path}/journal", params={"wait": 3, "timeout": "0.05"})
    assert response.status_code == 408
    assert response.json()["error"]["code"] == "timeout"
    assert [entry["n"] for entry in response.json()["entries"]] == [1, 2]


async def test_a_client_that_leaves_is_seen(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": "one two three four", "tokens_per_second": 2}]})
    body = {"message": "hi", "id": "trip", "resumable": False}
    async with made.client.stream("POST", "/chat", json=body) as response:
        async for piece in response.aiter_raw():
            if b"one" in piece:
                break
    assert len(await made.journal(state="client_gone", wait=2)) == 2


async def test_a_stopped_turn_and_a_failed_one_say_so(scenario: MakeScenario) -> None:
    made = await scenario(
        {"rules": [{"when": "long", "text": "one two three four", "tokens_per_second": 2}, {"fault": {"kind": "html"}}]}
    )
    asked = asyncio.create_task(made.say("long", "trip"))
    await made.journal(state="running", side="model", wait=1)
    await made.client.post("/conversations/trip/stop")
    await asked
    await made.say("fail")
    states = {entry["body"]["message"]: entry["state"] for entry in await made.journal(on="chat", side="front")}
    assert states == {"long": "stopped", "fail": "error"}


@pytest.mark.slow
async def test_it_is_read_while_a_hundred_streams_run(start_server: StartServer) -> None:
    async with Scenario(start_server({"MAX_RUNNING_TURNS_PER_USER": "200"}), "busy") as busy:
        words = "word " * 60
        await busy.put({"rules": [{"text": words, "tokens_per_second": 30}]})
        asked = [asyncio.create_task(busy.say("hi")) for _ in range(100)]
        while not all(task.done() for task in asked):
            await busy.journal()
        assert {(await task).text for task in asked} == {words}
        assert len(await busy.journal(wait=200)) == 200


def test_the_newest_entries_and_the_beginning_of_each_body_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MAX_ENTRIES", 10)
    store = MockStore(None)
    for _ in range(25):
        store.journal.begin(DEFAULT, "front", "chat", "POST", "/chat", [], body=b"x" * 100_000).end("done")
    (kept,) = store.journal.read(DEFAULT, Filter())
    store.close()
    assert [entry["n"] for entry in kept] == list(range(16, 26))
    assert {len(entry["body"]) for entry in kept} == {64 * 1024}


def test_the_oldest_entries_of_the_largest_journal_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MAX_BYTES", 1_000_000)
    store = MockStore(None)
    store.scenarios.ensure("small")
    store.journal.begin("small", "front", "chat", "POST", "/chat", [], body=b"small").end("done")
    for _ in range(200):
        store.journal.begin(DEFAULT, "front", "chat", "POST", "/chat", [], body=b"x" * 50_000).end("done")
    large = [entry["n"] for batch in store.journal.read(DEFAULT, Filter()) for entry in batch]
    small = [entry["n"] for batch in store.journal.read("small", Filter()) for entry in batch]
    store.close()
    assert small == [1]
    assert large[-1] == 200
    assert len(large) * 50_000 < 1_000_000 + journals.ENTRIES_BETWEEN_SUMS * 50_000


@pytest.mark.parametrize("change", ["delete", "put"])
def test_an_answer_of_a_scenario_that_is_gone_writes_nothing(change: str) -> None:
    store = MockStore(None)
    store.scenarios.ensure("gone")
    running = store.journal.begin("gone", "front", "chat", "POST", "/chat", [])
    if change == "delete":
        store.scenarios.delete("gone")
    else:
        store.scenarios.put("gone", {"rules": []})
    store.journal.begin(DEFAULT, "front", "chat", "POST", "/chat", [], body=b"own")
    store.journal.begin(DEFAULT if change == "delete" else "gone", "front", "chat", "POST", "/chat", [], body=b"own")
    running.take_body(b"of another")
    running.end("cut")
    entries = [entry for name in (DEFAULT, "gone") for batch in store.journal.read(name, Filter()) for entry in batch]
    store.close()
    assert [(entry["body"], entry["state"]) for entry in entries] == [("own", "running")] * 2


def test_bodies_of_dropped_entries_take_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MAX_ENTRIES", 10)
    monkeypatch.setattr(journals, "MAX_BYTES", 200_000)
    store = MockStore(None)
    running = [store.journal.begin(DEFAULT, "front", "chat", "POST", "/chat", []) for _ in range(60)]
    for entry in running:
        entry.take_body(b"x" * 50_000)
        entry.end("done")
    store.scenarios.ensure("other")
    for _ in range(journals.ENTRIES_BETWEEN_SUMS):
        store.journal.begin("other", "front", "chat", "POST", "/chat", []).end("done")
    kept = [entry["n"] for batch in store.journal.read("other", Filter()) for entry in batch]
    store.close()
    assert len(kept) == 10


async def test_with_a_real_engine_there_is_no_mock(start_server: StartServer) -> None:
    real = start_server({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_MODEL": "m"})
    async with real.client("ada") as client:
        for name in ("x-mock", "X-Mock-Scenario"):
            response = await client.get("/conversations", headers={name: "x"})
            assert error_of(response, 400)["code"] == "mock_only"
        for path in ("scenarios", "schema.json", "asked.json", "scenarios/default", "scenarios/default/journal"):
            error_of(await client.get(f"/__mock__/{path}"), 404)
        assert (await client.get("/conversations")).status_code == 200


async def test_the_control_needs_the_login_and_the_schema_does_not(server: Server) -> None:
    async with httpx2.AsyncClient(base_url=server.url, **PLAIN) as stranger:
        assert (await stranger.get("/__mock__/scenarios")).status_code == 401
        assert (await stranger.put("/__mock__/scenarios/x", json={"rules": []})).status_code == 401
        assert (await stranger.get("/__mock__/schema.json")).json()["title"]


async def test_an_answer_that_is_read_to_its_end_has_ended_in_the_journal(scenario: MakeScenario) -> None:
    made = await scenario()
    for _ in range(10):
        await chat(made.client, {"message": "hi"})
        assert [entry["state"] for entry in await made.journal(side="front", state="running")] == []
