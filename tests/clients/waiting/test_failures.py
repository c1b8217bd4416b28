"""A tool of the page that throws, and an answer that fails while it goes on: the same list goes on once more."""

from __future__ import annotations

import pytest

from tests.clients.client import CLIENTS, Client, OpenPage
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
