"""A seed and a clock: two runs of one script are equal, byte for byte, on both sides."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.harness.answers import chat
from tests.harness.emulator import Emulator
from tests.harness.service import Server
from tests.mock.conftest import MakeScenario
from tests.mock.scenario import Scenario, each_alone

NOW = "2026-01-01T09:00:00Z"
SCRIPT: dict[str, Any] = {
    "seed": 7,
    "now": NOW,
    "rules": [
        {"when": "time", "steps": [{"tool_calls": [{"name": "get_current_time", "arguments": {}}]}, {"text": "Late."}]},
        {"when": "hi", "text": "Hello there"},
    ],
}
# What belongs to a run, and not to what is said in it.
REAL = ("at", "first_byte", "ended_at")
# The front end's have the server's address.
OWN = ("headers", "front")


async def one_run(client: Any, headers: dict[str, str], path: str) -> tuple[list[bytes], list[Any]]:
    """What a front end reads in some calls, and the journal of it."""
    bodies = ({"message": "hi"}, {"message": "hi", "id": "trip"}, {"message": "time?", "id": "trip"})
    read = [(await client.post("/chat", json=body, headers=headers)).content for body in bodies]
    drawn = await client.post("/chat", json={"message": "a fox", "mode": "image", "id": "trip"}, headers=headers)
    read.append(drawn.content)
    uploaded = await client.post("/files", files={"file": ("a.txt", b"words")}, headers=headers)
    read.append(uploaded.content.split(b'"status"')[0])
    read.append((await client.get("/conversations/trip", headers=headers)).content)
    read.append((await client.get("/conversations", headers=headers)).content)
    response = await client.get(f"{path}/journal", params={"wait": 12})
    assert response.status_code == 200, response.text
    journal = [
        {key: value for key, value in entry.items() if key not in REAL and key != "n" and (key, entry["side"]) != OWN}
        for entry in response.json()
        if entry["on"] not in ("files", "embedding")
    ]
    return read, journal


@pytest.mark.slow
async def test_runs_are_equal_on_both_sides_whichever_worker_answers(workers: Server, server: Server) -> None:
    runs = []
    for service, times in ((workers, 2), (server, 1)):
        async with Scenario(service, "seeded") as made, each_alone(service) as client:
            for _ in range(times):
                await made.put(SCRIPT)
                headers = {"userid": "ada", "x-mock-scenario": made.name}
                read, journal = await one_run(client, headers, made.path)
                # The address is the server's, not the run's.
                host = service.url.removeprefix("http://").encode()
                runs.append(([piece.replace(host, b"host") for piece in read], journal))
    first, *others = runs
    for read, journal in others:
        for number, piece in enumerate(first[0]):
            assert read[number] == piece
        assert journal == first[1]


async def test_two_scenarios_draw_differently(scenario: MakeScenario) -> None:
    one, two = await scenario(SCRIPT, "seed-one"), await scenario(SCRIPT, "seed-two")
    answers = await asyncio.gather(*(chat(each.client, {"message": "hi"}) for each in (one, two)))
    assert answers[0].conversation_id != answers[1].conversation_id
    assert answers[0].values("f") != answers[1].values("f")


async def test_no_id_comes_twice_in_a_run(scenario: MakeScenario) -> None:
    made = await scenario({"seed": "words", "rules": []})
    answers = [await chat(made.client, {"message": "hi"}) for _ in range(5)]
    assert len({answer.conversation_id for answer in answers}) == 5
    assert len({str(answer.values("f")) for answer in answers}) == 5


async def test_the_clock_stands_still_for_answers_rows_and_tools(scenario: MakeScenario) -> None:
    made = await scenario(SCRIPT)
    answer = await chat(made.client, {"message": "time?", "id": "trip"})
    assert [value["result"]["time"] for value in answer.values("a")] == ["2026-01-01T09:00:00+00:00"]
    conversation = (await made.client.get("/conversations/trip")).json()
    assert {message["createdAt"] for message in conversation["messages"]} == {"2026-01-01T09:00:00.000+00:00"}
    assert conversation["created_at"] == conversation["updated_at"] == 1767258000000
    await chat(made.client, {"message": "hi", "id": "later"})
    # Rows of one instant are ordered by their creation.
    assert [row["id"] for row in (await made.client.get("/conversations")).json()] == ["later", "trip"]


async def test_without_a_zone_a_clock_is_refused(scenario: MakeScenario) -> None:
    made = await scenario()
    for now in ("2026-01-01T09:00:00", "yesterday", 3):
        response = await made.control.put(made.path, json={"now": now, "rules": []})
        assert response.status_code == 422
        (problem,) = response.json()["problems"]
        assert problem["key"] == "now"
        assert problem["message"].startswith("must be a time with its zone, as 2026-01-01T09:00:00Z, not ")


async def test_the_emulator_alone_draws_by_its_seed(emulate: Any) -> None:
    answers = []
    for _ in range(2):
        served: Emulator = emulate(f"{{seed: 7, now: '{NOW}', rules: []}}")
        answers.append([(await served.chat("hi")).content, (await served.stream("hi")).raw])
    assert answers[0] == answers[1]
    assert b'"created":1767258000' in answers[0][0]
