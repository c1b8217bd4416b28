"""A page that is opened while an answer goes on joins all of it, as one message."""

from __future__ import annotations

import pytest

from tests.clients.client import Client, OpenPage
from tests.clients.compared import same
from tests.clients.conftest import Stored
from tests.clients.waiting.calls import answer, calls, options

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgres"], indirect=True, scope="session")


@pytest.fixture
def client(resuming: Client) -> Client:
    """Those that join a running answer."""
    return resuming


def test_a_continuation_is_joined_from_the_beginning_of_the_answer(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    chosen = options(client)
    chosen["body"]["resumable"] = True
    page = open_page(**chosen)
    (call,) = calls(client, page.send("a slow end"))
    answer(client, page, call, "Ada")
    page.wait(words="It is", settled=False)
    page.leave()
    before = stored()
    assert [message["role"] for message in before] == ["user"], "the running answer is left out"
    page = open_page(before, resume=True, **chosen)
    held = page.wait(words="the end.", status="ready")
    assert held["shown"] == "user: a slow endassistant: One moment.It is a long way to the end."
    assert (len(held["messages"]), held["errors"]) == (2, [])
    assert [(one.state, one.value) for one in calls(client, held)] == [("result", "Ada")]
    same(client, held["messages"], stored())


def test_a_page_that_joins_hears_of_its_tool_again_and_the_stored_result_counts(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    chosen = options(client)
    chosen["body"]["resumable"] = True
    page = open_page(**chosen, executes={"ask_form": "Ada"})
    page.act("send", text="a slow end")
    page.wait(words="It is", settled=False)
    page.leave()
    page = open_page(stored(), resume=True, **chosen, executes={"ask_form": "Ben"})
    held = page.wait(words="the end.", status="ready")
    assert (len(held["messages"]), held["errors"], len(held["executed"])) == (2, [], 1)
    assert [one.value for one in calls(client, held)] == ["Ada"]
    assert [request["method"] for request in held["requests"]] == ["POST", "POST", "GET"]
    same(client, held["messages"], stored())


def test_a_page_that_is_opened_while_a_call_is_open_has_nothing_to_join(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    page = open_page(**options(client))
    page.send("a form")
    page.leave()
    page = open_page(stored(), resume=True, **options(client))
    held = page.wait(responses=2, status="ready")
    assert held["errors"] == []
    (call,) = calls(client, held)
    answer(client, page, call, "Ada")
    held = page.wait(words="All done.", status="ready")
    assert len(held["messages"]) == 2
    same(client, held["messages"], stored())
