"""A tool of the page that throws, an answer that fails while it goes on, and a stop while a tool of ours runs."""

from __future__ import annotations

import httpx2
import pytest

from tests.clients.client import CLIENTS, Client, OpenPage, until
from tests.clients.compared import same
from tests.clients.conftest import Stored
from tests.clients.waiting.calls import answer, calls, options

WITH_SUBMIT = pytest.mark.parametrize("client", CLIENTS[1:4], ids=lambda one: one.name)
ASSISTANT_UI = pytest.mark.parametrize("client", CLIENTS[4:], ids=lambda one: one.name)


@WITH_SUBMIT
def test_the_same_list_again_goes_on_after_an_answer_that_failed(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    page = open_page(**options(client))
    (call,) = calls(client, page.send("a form, then a cut"))
    answer(client, page, call, "Ada")
    held = page.wait(status="error", responses=2)
    assert [(one.id, one.value) for one in calls(client, held)] == [(call.id, "Ada")]
    page.act("submit")
    held = page.wait(words="All done.", status="ready")
    assert [request["status"] for request in held["requests"]] == [200, 200, 200]
    assert len(held["messages"]) == 2
    same(client, held["messages"], stored())


def test_a_stop_while_our_own_tool_runs_is_the_end(
    client: Client, open_page: OpenPage, http: httpx2.Client, conversation_id: str, stored: Stored
) -> None:
    chosen = options(client)
    chosen["body"]["resumable"] = True
    page = open_page(**chosen)
    page.act("send", text="a nap")
    until(page.held, lambda held: len(held["messages"]) == 2 and bool(calls(client, held)))
    assert http.post(f"/conversations/{conversation_id}/stop").status_code == 200
    held = page.wait(status="ready")
    assert (len(held["requests"]), held["errors"]) == (1, [])
    held = page.send("Hello")
    assert (len(held["requests"]), held["errors"], len(stored())) == (2, [], 4)


def test_an_answer_that_is_cut_within_a_call_is_the_end(client: Client, open_page: OpenPage) -> None:
    page = open_page(**options(client))
    page.act("send", text="a call that is cut")
    held = page.wait(status="error")
    assert (len(calls(client, held)), len(held["requests"])) == (1, 1)
    assert held["error"] == "The model's answer was cut off. Please try again."
    held = page.send("Hello")
    assert [request["status"] for request in held["requests"]] == [200, 200]


@ASSISTANT_UI
def test_a_tool_of_the_page_that_throws_is_an_error_for_the_model(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    page = open_page(**options(client, executes={"ask_form": {"throws": "No form here."}}))
    page.act("send", text="a form")
    held = page.wait(words="All done.", status="ready")
    (call,) = calls(client, held)
    assert (call.state, call.value, len(held["executed"])) == ("error", "Error: No form here.", 1)
    assert "No form here." in str(stored()[-1])
    held = page.send("Hello")
    assert held["errors"] == []
    same(client, held["messages"][2:], stored()[2:])
