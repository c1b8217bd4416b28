"""Rules with `wire` in a scenario of the test's own, and streams that are held and released, met by real clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.clients.client import LOGIN, Client, OpenPage, Page
from tests.clients.faulty import ASKED, CUT, FAULTED, answer_in
from tests.harness.service import AUTH

WORDS = ["One ", "two ", "three."]
# The lines that come before the words.
BEFORE = {"data": 1, "ui": 3}
Scenario = Callable[..., None]


@pytest.fixture(params=FAULTED, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    """Both framings, and both kinds of client."""
    chosen: Client = request.param
    return chosen


class World:
    """A scenario with these rules, and pages in it."""

    def __init__(self, http: httpx2.Client, open_page: OpenPage, name: str, rules: list[dict[str, Any]]) -> None:
        self._http = http
        self._open_page = open_page
        self._name = name
        self.path = f"/__mock__/scenarios/{name}"
        assert http.put(self.path, json={"rules": rules}, auth=AUTH).status_code == 200

    def page(self, **more: Any) -> Page:
        """A page whose calls belong to the scenario."""
        return self._open_page(headers={**LOGIN, "x-mock-scenario": self._name}, **more)

    def stored(self, conversation_id: str, protocol: str) -> list[dict[str, Any]]:
        """What is stored there."""
        headers, query = {"x-mock-scenario": self._name}, {"protocol": protocol}
        response = self._http.get(f"/conversations/{conversation_id}", headers=headers, params=query)
        found: list[dict[str, Any]] = response.json()["messages"]
        return found

    def held(self) -> None:
        """Wait until a stream stands still."""
        response = self._http.get(f"{self.path}/journal?side=front&state=held&wait=1")
        assert response.status_code == 200, response.text

    def release(self, **body: int) -> None:
        """Let it go on."""
        assert self._http.post(f"{self.path}/release", json=body).json()["released"] >= 1


@pytest.fixture
def world(http: httpx2.Client, open_page: OpenPage, conversation_id: str) -> Callable[..., World]:
    """`world(rule, rule)`."""
    return lambda *rules: World(http, open_page, f"of-{conversation_id}", list(rules))


def test_a_rule_answers_the_model_and_breaks_the_wire(
    client: Client, world: Callable[..., World], conversation_id: str
) -> None:
    made = world({"when": "trip", "text": WORDS, "wire": {"cut": BEFORE[client.protocol] + 2}})
    page = made.page()
    page.act("send", text="Plan a trip")
    held = page.wait(status="error")
    assert (answer_in(held), CUT in held["error"]) == ("One two ", True)
    stored = made.stored(conversation_id, client.protocol)
    assert "".join(part.get("text", "") for part in stored[-1]["parts"]) == "One two three."


def test_the_second_call_is_refused_and_the_third_is_answered(client: Client, world: Callable[..., World]) -> None:
    made = world({"on": "chat", "nth": 2, "wire": {"status": 429, "retry_after": 1}}, {"text": WORDS})
    page = made.page()
    assert answer_in(page.send("first")) == "One two three."
    page.act("send", text="second")
    assert ASKED in page.wait(status="error")["error"]
    page.act("regenerate")
    assert answer_in(page.wait(status="ready")) == "One two three."


def test_a_held_stream_is_seen_stopped_and_stays_as_it_was(
    client: Client, world: Callable[..., World], conversation_id: str
) -> None:
    made = world({"text": WORDS, "hold": 2})
    page = made.page()
    page.act("send", text="hold")
    made.held()
    page.wait(words="One two ", settled=False)
    page.act("stop")
    page.wait(settled=True)
    assert answer_in(page.held()) == "One two "
    stored = made.stored(conversation_id, client.protocol)
    assert "three" not in str(stored)


def test_a_held_wire_is_released_a_line_at_a_time(client: Client, world: Callable[..., World]) -> None:
    made = world({"text": WORDS, "wire": {"hold": BEFORE[client.protocol] + 1}})
    page = made.page()
    page.act("send", text="hold")
    made.held()
    page.wait(words="One ", settled=False)
    assert "two" not in page.held()["shown"]
    made.release(count=1)
    page.wait(words="One two ", settled=False)
    made.held()
    assert "three" not in page.held()["shown"]
    made.release()
    assert answer_in(page.wait(status="ready")) == "One two three."
