"""The verdict over faults on the front end's own wire: for each code a client that does it, and one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from tests.harness.answers import posting
from tests.mock.conftest import MakeScenario
from tests.mock.scenario import Scenario
from tests.mock.test_report import codes

Client = Callable[[Scenario], Awaitable[None]]
BUSY = {"on": "chat", "nth": 1, "wire": {"status": 429, "retry_after": 1}}


def sent(*texts: str, **more: Any) -> dict[str, Any]:
    """A body with a list of messages, of the user and the assistant by turns."""
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    return {"id": "trip", "messages": messages, **more}


async def post(made: Scenario, body: dict[str, Any], **headers: str) -> str:
    """The answer, or as much of it as came."""
    read = ""
    try:
        async with made.client.stream("POST", "/chat", json=body, headers=headers) as response:
            async for text in response.aiter_text():
                read += text
    except httpx2.RemoteProtocolError:
        pass
    return read


async def asks_at_once(made: Scenario) -> None:
    for _ in range(2):
        await post(made, sent("hi"))


async def asks_when_it_may(made: Scenario) -> None:
    refused = await made.client.post("/chat", json=sent("hi"))
    await asyncio.sleep(float(refused.headers["retry-after"]))
    await post(made, sent("hi"))


async def goes_on_with_what_it_has(made: Scenario) -> None:
    await post(made, sent("hi"), **{"x-mock": "cut=2"})
    await post(made, sent("hi", "One", "more"))


async def reads_it_again(made: Scenario) -> None:
    await post(made, sent("hi"), **{"x-mock": "cut=2"})
    answer = (await made.client.get("/conversations/trip")).json()["messages"][-1]["content"]
    await post(made, sent("hi", answer, "more"))


async def leaves(made: Scenario) -> None:
    async with posting(made.client, "hi", id="trip", resumable=True) as answer:
        await answer.until("0")


async def comes_back_and_only_reads(made: Scenario) -> None:
    await leaves(made)
    await made.client.get("/conversations/trip")
    await made.journal(side="model", wait=1)


async def comes_back_and_joins(made: Scenario) -> None:
    await leaves(made)
    await made.client.get("/conversations/trip")
    await made.client.get("/chat/trip/stream")


async def sends_beside_an_answer(made: Scenario) -> None:
    async with posting(made.client, "hi", id="trip") as answer:
        await answer.until("0")
        assert (await made.client.post("/chat", json=sent("hi", "", "more"))).status_code == 409


async def waits_for_its_end(made: Scenario) -> None:
    await post(made, sent("hi"))
    await post(made, {"id": "trip", "message": "more"})


async def storms(made: Scenario) -> None:
    for number in range(11):
        await post(made, {"id": f"{number}", "message": f"{number}"})


async def gives_up(made: Scenario) -> None:
    for number in range(3):
        await post(made, {"id": f"{number}", "message": f"{number}"})


async def asks_what_no_rule_fits(made: Scenario) -> None:
    await post(made, sent("hi"))
    await post(made, {"id": "other", "message": "bye"})


async def calls_from_a_page(made: Scenario) -> None:
    await made.client.get("/conversations", headers={"origin": "http://localhost:3000"})


async def calls_from_the_services_own_page(made: Scenario) -> None:
    await made.client.get("/conversations", headers={"origin": str(made.client.base_url).rstrip("/")})


PACED = {"text": ["a ", "b ", "c ", "d ", "e "], "tokens_per_second": 10}
DOWN = {"on": "chat", "wire": {"status": 503}}
CLIENTS: list[tuple[str, dict[str, Any], Client, Client]] = [
    ("retry_after_ignored", {"rules": [BUSY]}, asks_at_once, asks_when_it_may),
    ("cut_taken_as_whole", {"rules": [{"text": "One two three four"}]}, goes_on_with_what_it_has, reads_it_again),
    ("never_rejoined", {"rules": [PACED]}, comes_back_and_only_reads, comes_back_and_joins),
    ("sent_while_running", {"rules": [{**PACED, "tokens_per_second": 2}]}, sends_beside_an_answer, waits_for_its_end),
    ("busy_storm", {"rules": [DOWN]}, storms, gives_up),
    ("unmatched_call", {"strict": True, "rules": [{"when": "hi", "text": "Hello."}]}, asks_what_no_rule_fits, leaves),
    ("login_in_the_browser", {"rules": []}, calls_from_a_page, calls_from_the_services_own_page),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("code", "script", "guilty", "innocent"), CLIENTS, ids=[row[0] for row in CLIENTS])
async def test_who_does_it_is_found_and_who_comes_close_is_not(
    scenario: MakeScenario, code: str, script: dict[str, Any], guilty: Client, innocent: Client
) -> None:
    for client, found in ((guilty, [code]), (innocent, [])):
        made = await scenario(script, name=f"{code}-{client.__name__}")
        await client(made)
        assert await codes(made) == found, client.__name__
