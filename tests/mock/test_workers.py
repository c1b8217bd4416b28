"""One store for all workers of a host: the same answer from each."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import httpx2
import pytest

from mockbackend.mock.script.matching import Facts, Fit, fit
from mockbackend.mock.script.rules import ChatRule, Rule
from mockbackend.mock.store import DEFAULT, MockStore, serving
from tests.harness.api import texts
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.mock.scenario import Scenario, each_alone


async def test_rules_are_counted_and_calls_noted_for_both_together(workers: Server) -> None:
    async with Scenario(workers, "together") as made, each_alone(workers) as client:
        await made.put({"rules": [{"times": 5, "text": "five"}, {"text": "rest"}]})
        await made.next([{"text": "next"}] * 3)
        headers = {"userid": "ada", "x-mock-scenario": made.name}

        async def ask() -> str:
            return (await client.post("/chat", json={"message": "hi"}, headers=headers)).text

        answers = await asyncio.gather(*(ask() for _ in range(16)))
        said = ["five" if '"five"' in one else "next" if '"next"' in one else "rest" for one in answers]
        assert {word: said.count(word) for word in ("next", "five", "rest")} == {"next": 3, "five": 5, "rest": 8}
        journal = (await client.get(f"{made.path}/journal", params={"wait": 32})).json()
        assert [entry["n"] for entry in journal] == list(range(1, 33))
        assert {entry["state"] for entry in journal} == {"done"}


def test_a_rule_that_another_process_takes_meanwhile_serves_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = MockStore(tmp_path), MockStore(tmp_path)
    one.scenarios.queue(DEFAULT, [{"text": "once"}])
    asked = DEFAULT, ChatRule, Facts("m", "hi")
    taken: list[object] = []

    def fit_late(rule: Rule, facts: Facts) -> Fit | None:
        monkeypatch.undo()
        taken.append(other.servings.serve(*asked))
        return fit(rule, facts)

    monkeypatch.setattr(serving, "fit", fit_late)
    assert one.servings.serve(*asked) is None
    assert taken != [None]
    for store in (one, other):
        store.close()


@pytest.mark.slow
async def test_a_script_that_is_put_serves_in_both_at_once(workers: Server) -> None:
    async with Scenario(workers, "put") as made, each_alone(workers) as client:
        headers = {"userid": "ada", "x-mock-scenario": made.name}
        for number in range(8):
            await made.put({"rules": [{"text": f"answer {number}"}]})
            answer = await client.post("/chat", json={"message": "hi"}, headers=headers)
            assert f"answer {number}" in answer.text.replace('"\n0:"', "")


@pytest.mark.slow
async def test_a_hundred_tests_at_once_see_nothing_of_each_other(workers: Server) -> None:
    async def run(number: int) -> None:
        async with Scenario(workers, f"test-{number}") as made:
            await made.put({"rules": [{"when": "hi", "text": f"answer {number}"}]})
            # The same user, conversation and words in all of them.
            for _ in range(3):
                assert (await made.say("hi", "trip")).text == f"answer {number}"
            said = await texts(made.client, "trip")
            assert said == [("user", "hi"), ("assistant", f"answer {number}")] * 3
            journal = await made.journal(wait=7)
            assert [entry["scenario"] for entry in journal] == [made.name] * len(journal)
            assert [entry["on"] for entry in journal if entry["side"] == "front"] == ["chat"] * 3 + ["conversations"]
            # On a busy machine a call of the model may be tried again.
            assert {entry["rule"] for entry in journal if entry["side"] == "model"} == {0}

    await asyncio.gather(*map(run, range(100)))
    async with each_alone(workers) as client:
        assert (await client.get("/__mock__/scenarios")).json() == ["default"]


@pytest.mark.slow
async def test_two_tests_that_delete_each_others_scenario_harm_nobody(workers: Server) -> None:
    async with each_alone(workers) as client:

        async def run(name: str) -> list[int]:
            found = []
            for _ in range(6):
                made = await client.put("/__mock__/scenarios/fought-over", json={"rules": [{"text": name}]})
                headers = {"userid": "ada", "x-mock-scenario": "fought-over"}
                asked = await client.post("/chat", json={"message": "hi", "id": "trip"}, headers=headers)
                gone = await client.delete("/__mock__/scenarios/fought-over")
                found += [made.status_code, asked.status_code, gone.status_code]
            return found

        statuses = {status for found in await asyncio.gather(run("one"), run("two")) for status in found}
        assert statuses <= {200, 204, 404, 409}
        assert "fought-over" not in (await client.get("/__mock__/scenarios")).json()


@pytest.mark.slow
async def test_a_worker_that_is_killed_loses_nothing_of_the_scenario(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("killed")
    with Server(folder, {"WEB_CONCURRENCY": "2"}, "serve") as server:
        async with Scenario(server, "killed") as made, each_alone(server) as client:
            await made.put({"rules": [{"when": "hi", "times": 3, "text": "three times"}]})
            headers = {"userid": "ada", "x-mock-scenario": made.name}
            await client.post("/chat", json={"message": "hi"}, headers=headers)
            await made.next({"text": "one two three four five six", "tokens_per_second": 1})
            asked = asyncio.create_task(client.post("/chat", json={"message": "long", "id": "trip"}, headers=headers))
            running = (await client.get(f"{made.path}/journal", params={"state": "running", "wait": 2})).json()
            for pid in _children(server.pid):
                os.kill(pid, signal.SIGKILL)
            with pytest.raises(httpx2.HTTPError):
                await asked

            async def settled() -> bool:
                try:
                    found = (await client.get(f"{made.path}/journal", params={"state": "error"})).json()
                except httpx2.HTTPError:
                    return False
                return [entry["n"] for entry in found] == [entry["n"] for entry in running]

            await until(settled, 20)
            assert (await made.state())["rules"] == [{"index": 0, "served": 1}]


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]
