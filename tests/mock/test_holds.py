"""Streams that stand still until they are released."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import httpx2
import pytest

from mockbackend.mock.store import DEFAULT, Filter, Gate, MockStore, holds
from tests.harness.answers import chat
from tests.harness.api import error_of
from tests.harness.emulator import Emulator
from tests.harness.service import Server
from tests.mock.conftest import MakeScenario
from tests.mock.scenario import Scenario, each_alone

WORDS = ["one ", "two ", "three ", "four"]


async def release(made: Scenario, **body: Any) -> int:
    """Release its streams, and return how many there were."""
    response = await made.control.post(f"{made.path}/release", json=body)
    assert response.status_code == 200, response.text
    released: int = response.json()["released"]
    return released


@pytest.mark.parametrize("rule", [{"hold": 2}, {"wire": {"hold": 3}}], ids=["model", "wire"])
async def test_a_stream_stands_still_until_it_is_released(scenario: MakeScenario, rule: dict[str, Any]) -> None:
    made = await scenario({"rules": [{"text": WORDS, **rule}]}, "still")
    async with made.client.stream("POST", "/chat", json={"message": "hi", "id": "trip"}) as response:
        held = await made.journal(state="held", wait=1 if "wire" in rule else 2)
        assert "front" in {entry["side"] for entry in held}
        pieces = response.aiter_text()
        read = ""
        while '"two "' not in read and '"one two "' not in read:
            read += await anext(pieces)
        assert "three" not in read
        assert await release(made) == 1
        async for piece in pieces:
            read += piece
    assert "four" in read
    assert "d:" in read
    assert {entry["state"] for entry in await made.journal(wait=2)} == {"done"}


@pytest.mark.parametrize("rule", [{"hold": 0}, {"wire": {"hold": 1}}], ids=["model", "wire"])
async def test_a_count_lets_that_many_through(scenario: MakeScenario, rule: dict[str, Any]) -> None:
    made = await scenario({"rules": [{"text": WORDS, "tokens_per_second": 100, **rule}]}, "count")
    asked = asyncio.create_task(chat(made.client, {"message": "hi"}))
    for _ in range(2):
        await made.journal(state="held", side="front", wait=1)
        assert await release(made, count=1) == 1
    await made.journal(state="held", side="front", wait=1)
    assert not asked.done()
    await release(made)
    assert (await asked).text == "".join(WORDS)


async def test_each_release_of_one_lets_one_delta_through(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": WORDS, "hold": 0}]})
    async with made.client.stream("POST", "/chat", json={"message": "hi"}) as response, asyncio.timeout(20):
        pieces, read = response.aiter_text(), ""
        for index, word in enumerate(WORDS):
            await made.journal(state="held", side="model", wait=1)
            assert await release(made, count=1) == 1
            while word not in read:
                read += await anext(pieces)
            assert not any(later in read for later in WORDS[index + 1 :])
        await made.journal(state="held", side="model", wait=1)
        await release(made)
        async for piece in pieces:
            read += piece
    assert "d:" in read


@pytest.mark.parametrize("rule", [{"hold": 1}, {"wire": {"hold": 2}}], ids=["model", "wire"])
async def test_releases_in_a_row_add_up(scenario: MakeScenario, rule: dict[str, Any]) -> None:
    made = await scenario({"rules": [{"text": WORDS, "tokens_per_second": 20, **rule}]}, "row")
    async with made.client.stream("POST", "/chat", json={"message": "hi"}) as response, asyncio.timeout(20):
        await made.journal(state="held", side="front", wait=1)
        for _ in range(2):
            assert await release(made, count=1) == 1
        pieces, read = response.aiter_text(), ""
        while "three" not in read:
            read += await anext(pieces)
        await made.journal(state="held", side="front", wait=1)
        assert "four" not in read
        assert await release(made) == 1
        async for piece in pieces:
            read += piece
    assert "four" in read
    assert await release(made) == 0


@pytest.mark.parametrize("rule", [{"hold": 1}, {"wire": {"hold": 2}}], ids=["model", "wire"])
@pytest.mark.parametrize("method", ["DELETE", "PUT"])
async def test_a_held_answer_ends_with_its_scenario(scenario: MakeScenario, rule: dict[str, Any], method: str) -> None:
    made = await scenario({"rules": [{"text": WORDS, **rule}]}, "ends")
    asked = asyncio.create_task(received(made))
    await made.journal(state="held", side="front", wait=1)
    await made.control.request(method, made.path, json={"rules": []})
    read = await asyncio.wait_for(asked, 20)
    assert "one" in read
    assert "two" not in read


async def received(made: Scenario) -> str:
    """What came of an answer, which may have been cut."""
    read = ""
    with contextlib.suppress(httpx2.RemoteProtocolError):
        async with made.client.stream("POST", "/chat", json={"message": "hi"}) as response:
            async for piece in response.aiter_text():
                read += piece
    return read


async def test_a_hold_beyond_the_last_delta_is_before_the_finish(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": WORDS, "hold": 100}]})
    asked = asyncio.create_task(chat(made.client, {"message": "hi"}))
    await made.journal(state="held", wait=2)
    await release(made)
    assert (await asked).text == "".join(WORDS)


async def test_a_request_may_ask_for_it(scenario: MakeScenario) -> None:
    made = await scenario()
    made.client.headers["x-mock"] = "hold=1"
    asked = asyncio.create_task(chat(made.client, {"message": "hi"}))
    await made.journal(state="held", wait=1)
    assert await release(made) == 1
    assert (await asked).text == "You said: hi"


async def test_a_held_answer_can_be_stopped(scenario: MakeScenario) -> None:
    made = await scenario({"rules": [{"text": WORDS, "hold": 1}]})
    asked = asyncio.create_task(chat(made.client, {"message": "hi", "id": "trip"}))
    await made.journal(state="held", wait=2)
    assert (await made.client.post("/conversations/trip/stop")).status_code == 200
    assert (await asked).codes.endswith("ed")
    assert await release(made) == 0


async def test_without_holds_nothing_is_released(scenario: MakeScenario) -> None:
    made = await scenario()
    assert await release(made) == 0
    wrong: list[Any] = [{"count": 0}, {"count": "x"}, {"n": 1}, [], {"count": True}]
    for body in wrong:
        error_of(await made.control.post(f"{made.path}/release", json=body), 422)
    error_of(await made.control.post("/__mock__/scenarios/nowhere/release"), 404)


@pytest.mark.slow
async def test_a_stream_of_another_worker_goes_on_within_100_ms(workers: Server) -> None:
    async with Scenario(workers, "holding") as made, each_alone(workers) as client:
        await made.put({"rules": [{"text": WORDS, "hold": 1}]})
        headers = {"userid": "ada", "x-mock-scenario": made.name}
        asked = [asyncio.create_task(client.post("/chat", json={"message": "hi"}, headers=headers)) for _ in range(6)]
        await made.journal(state="held", side="model", wait=6)
        assert await release(made) == 6
        began = time.monotonic()
        answers = await asyncio.gather(*asked)
        # A tenth of a second, and the time that six answers take.
        assert time.monotonic() - began < 1
        assert all("four" in answer.text for answer in answers)


async def test_the_emulator_alone_holds_too(emulate: Any) -> None:
    served: Emulator = emulate("rules: [{text: [one, two], hold: 1}]")
    asked = asyncio.create_task(served.stream())
    async with served.http() as http:
        path = "/__mock__/scenarios/default"
        (held,) = (await http.get(f"{path}/journal", params={"state": "held", "wait": 1})).json()
        assert (held["side"], held["turn"]) == ("model", None)
        assert (await http.post(f"{path}/release")).json() == {"released": 1}
    assert (await asked).texts == ["one", "two"]


def test_a_hold_that_nobody_releases_ends_and_its_call_ends_as_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "HOLD_SECONDS", 0.0)
    store, gate = MockStore(None), Gate(0)
    entry = store.journal.begin(DEFAULT, "model", "chat", "POST", "/", [])
    hold = store.holds.begin(entry)
    assert hold.look(gate)
    hold.end(gate)
    entry.end("done")
    ((kept,),) = store.journal.read(DEFAULT, Filter())
    store.close()
    assert (kept["state"], gate.left) == ("held", None)
    assert kept["ended_at"] is not None
