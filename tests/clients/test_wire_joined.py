"""Faults on the wire of a join: the page is loaded again while the answer runs, and its join meets them."""

from __future__ import annotations

import httpx2
import pytest

from tests.clients.client import LOGIN, Client, OpenPage, until
from tests.clients.conftest import Stored
from tests.clients.faulty import FAULTED, FAULTS, answer_in, expected

JOINED = ["One ", "two ", "three ", "four."]
LINES = {"data": ["", *JOINED], "ui": ["", "", "", *JOINED]}


@pytest.fixture(params=[client for client in FAULTED if client.resumes], ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    """The clients that join, one of each framing."""
    chosen: Client = request.param
    return chosen


@pytest.mark.parametrize("asked", [fault for fault in FAULTS if not fault.startswith("drop")])
def test_a_join_meets_the_fault(
    client: Client, open_page: OpenPage, stored: Stored, http: httpx2.Client, conversation_id: str, asked: str
) -> None:
    outcome = expected(client, asked, LINES[client.protocol])
    question = {"id": conversation_id, "message": "to be joined"}
    with http.stream("POST", f"/chat?protocol={client.protocol}", json=question) as own:
        pieces = own.iter_raw()
        next(pieces)
        page = open_page(messages=stored(), resume=True, headers={**LOGIN, "x-mock": asked})
        held = page.wait(status=outcome.status, responses=1, words=None if outcome.error else outcome.words)
        assert outcome.is_met_by(held), held
        assert b"four." in b"".join(pieces), "the page that asked is not disturbed"
    assert "One two three four." in str(until(stored, lambda messages: len(messages) == 2))


def test_a_rule_for_joins_meets_the_join_alone(
    client: Client, open_page: OpenPage, http: httpx2.Client, conversation_id: str
) -> None:
    name = f"of-{conversation_id}"
    rules = [{"on": "join", "wire": {"repeat": LINES[client.protocol].index("two ") + 1}}]
    answer = {"text": JOINED, "fault": {"kind": "stall", "after": 4, "seconds": 0.6}}
    assert http.put(f"/__mock__/scenarios/{name}", json={"rules": [*rules, answer]}).status_code == 200
    inside = {"x-mock-scenario": name}
    question = {"id": conversation_id, "message": "count"}
    with http.stream("POST", f"/chat?protocol={client.protocol}", json=question, headers=inside) as own:
        pieces = own.iter_raw()
        next(pieces)
        page = open_page(resume=True, headers={**LOGIN, **inside})
        held = page.wait(status="ready", words="four.")
        assert b"".join(pieces).count(b"two ") == 1
    assert answer_in(held) == "One two two three four."


def test_a_result_never_comes_to_the_join(
    client: Client, open_page: OpenPage, stored: Stored, http: httpx2.Client, conversation_id: str
) -> None:
    question = {"id": conversation_id, "message": "while it runs"}
    with http.stream("POST", f"/chat?protocol={client.protocol}", json=question) as own:
        pieces = own.iter_raw()
        next(pieces)
        page = open_page(messages=stored(), resume=True, headers={**LOGIN, "x-mock": "drop=tool_result"})
        held = page.wait(status="ready", words="Now I know.")
    assert "Europe/Oslo" in str(held["messages"][-1])
    assert not [word for word in ("output-available", "'result'") if word in str(held["messages"][-1])]
