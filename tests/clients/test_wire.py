"""Faults on the front end's own wire, each met by real clients, on the call and on a join; what is stored is whole."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.clients.client import LOGIN, Client, OpenPage, Page, until
from tests.clients.conftest import Stored
from tests.clients.faulty import FAULTED, FAULTS, answer_in, expected

# The words of each line of the answer to "plain", in each framing.
PLAIN = ["Words,", " Grüße", " and", " a\u2028line", " —", " all", " of", " them."]
LINES = {"data": ["", *PLAIN], "ui": ["", "", "", *PLAIN]}


@pytest.fixture(params=FAULTED, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    """Both framings, and both kinds of client."""
    chosen: Client = request.param
    return chosen


def asking(open_page: OpenPage, asked: str, **more: Any) -> Page:
    """A page whose calls ask for a fault."""
    return open_page(headers={**LOGIN, "x-mock": asked}, **more)


@pytest.mark.parametrize("asked", [fault for fault in FAULTS if not fault.startswith("drop")])
def test_a_client_meets_the_fault(
    client: Client, open_page: OpenPage, stored: Stored, http: httpx2.Client, conversation_id: str, asked: str
) -> None:
    outcome = expected(client, asked, LINES[client.protocol])
    page = asking(open_page, asked)
    page.act("send", text="plain")
    held = page.wait(status=outcome.status)
    assert outcome.is_met_by(held), held
    if asked.startswith("status"):
        assert http.get(f"/conversations/{conversation_id}").status_code == 404
    else:
        messages = until(stored, lambda messages: len(messages) == 2)
        assert words(messages[-1]) == "".join(PLAIN)
        assert "incomplete" not in str(messages[-1])


def test_a_result_that_never_comes_leaves_its_call_open(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = asking(open_page, "drop=tool_result")
    held = page.send("both clocks")
    assert answer_in(held) == "Let me look.Oslo is known, the other is not."
    assert "Europe/Oslo" in str(held["messages"][-1])
    assert "output-available" not in str(held["messages"][-1])
    assert "'result'" not in str(held["messages"][-1])
    assert "Europe/Oslo" in str(stored()[-1])
    assert {"ui": "output-available", "data": "'result'"}[client.protocol] in str(stored()[-1])


def test_a_held_answer_can_be_stopped(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = asking(open_page, "hold=5")
    page.act("send", text="plain")
    page.wait(words="Words,", settled=False)
    page.act("stop")
    page.wait(settled=True)
    assert words(until(stored, lambda messages: len(messages) == 2)[-1]).startswith("Words,")


def test_a_question_follows_an_answer_that_was_cut(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.act("send", text="/mock cut 4\nplain")
    page.wait(status="error")
    until(stored, lambda messages: len(messages) == 2)
    held = page.send("think")
    assert held["shown"].startswith("user: /mock cut 4\nplain")
    assert (len(held["messages"]), len(stored())) == (4, 4)


def words(message: dict[str, Any]) -> str:
    """The words of a stored message."""
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")
