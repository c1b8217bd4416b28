"""A client that leaves, and the journal that shows it."""

from __future__ import annotations

import httpx2
import pytest

from tests.emulator.conftest import Emulate
from tests.harness.emulator import HI, Emulator
from tests.harness.waiting import until

PATH = "/v1/chat/completions"
ASK = {"model": "gpt-4o", "messages": HI, "stream": True}
RUSHING = f"rules: [{{text: {'word ' * 40_000}}}]"


async def leave_after_first_bytes(served: Emulator) -> None:
    async with served.http() as http, http.stream("POST", PATH, json=ASK) as response:
        async for _ in response.aiter_raw():
            assert (await served.journal())["open"] == 1
            break


async def closed(served: Emulator) -> None:
    """Wait until nothing is open."""

    async def none() -> bool:
        return not (await served.journal())["open"]

    await until(none, within=5)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("rules: [{text: one two, first_token_after: 600}]", id="before the first token"),
        pytest.param("rules: [{text: one two, tokens_per_second: 0.001}]", id="between slow tokens"),
        pytest.param("rules: [{fault: {kind: stall}}]", id="in a stall"),
        pytest.param(RUSHING, id="while words rush out"),
    ],
)
async def test_a_client_that_leaves_stops_the_answer(emulate: Emulate, script: str) -> None:
    served = emulate(script)
    await leave_after_first_bytes(served)
    await closed(served)
    (request,) = (await served.journal())["requests"]
    assert (request["status"], request["aborted"]) == (200, True)


async def test_a_client_that_leaves_before_an_unstreamed_answer_is_noticed(emulate: Emulate) -> None:
    served = emulate("rules: [{first_token_after: 600}]")
    async with served.http() as http:
        with pytest.raises(httpx2.ReadTimeout):
            await http.post(PATH, json={**ASK, "stream": False}, timeout=0.2)
    await closed(served)
    (request,) = (await served.journal())["requests"]
    assert (request["status"], request["aborted"]) == (0, True)


async def test_the_journal_shows_what_was_asked_and_needs_no_key(emulate: Emulate) -> None:
    served = emulate()
    await served.chat("hello", temperature=0.5)
    async with served.http() as http:
        await http.post("/nowhere", content=b"no json")
    assert await served.journal() == {
        "open": 0,
        "requests": [
            {
                "method": "POST",
                "path": "/openai/deployments/gpt-4o/chat/completions",
                "body": {"messages": [{"role": "user", "content": "hello"}], "temperature": 0.5},
                "status": 200,
                "aborted": False,
            },
            {"method": "POST", "path": "/nowhere", "body": None, "status": 404, "aborted": False},
        ],
    }


@pytest.mark.slow
async def test_the_journal_is_cleared_by_delete_and_keeps_a_hundred(emulate: Emulate) -> None:
    served = emulate()
    async with served.http() as http:
        for number in range(101):
            await http.post(f"/{number}")
        paths = [request["path"] for request in (await served.journal())["requests"]]
        assert paths == [f"/{number}" for number in range(1, 101)]
        assert (await http.delete("/emulator/requests")).status_code == 204
    assert await served.journal() == {"open": 0, "requests": []}
