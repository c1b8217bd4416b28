"""Approval in AI SDK 6 and 7 alone: one answer of two, and a join; and AI SDK 4 and 5, which have none."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest

from mockbackend.turn.going_on import NOT_RUN
from tests.clients.client import CLIENTS, Client, OpenPage
from tests.clients.compared import same
from tests.clients.conftest import Stored
from tests.clients.waiting.calls import approve, calls, options

Ran = Callable[[], list[str]]
ASKING = pytest.mark.parametrize("client", CLIENTS[2:4], ids=lambda one: one.name)
OLDER = pytest.mark.parametrize("client", CLIENTS[:2], ids=lambda one: one.name)


@ASKING
def test_one_that_is_not_answered_leaves_the_turn_waiting(
    client: Client, open_page: OpenPage, stored: Stored, ran: Ran
) -> None:
    page = open_page(**{**options(client), "sendWhen": None})
    first, second = calls(client, page.send("two mails"))
    approve(client, page, first, approved=True)
    page.act("submit")
    held = page.wait(status="ready", responses=2)
    assert [call.state for call in calls(client, held)] == ["result", "asked"]
    assert (held["finished"][-1]["finishReason"], ran()) == ("tool-calls", ["send_mail ada"])
    approve(client, page, second, approved=True)
    page.act("submit")
    held = page.wait(words="All done.", status="ready")
    assert [call.state for call in calls(client, held)] == ["result", "result"]
    assert ran() == ["send_mail ada", "send_mail bob"]
    same(client, held["messages"], stored())


@ASKING
def test_a_page_that_is_opened_while_an_approved_call_runs_joins_all_of_it_and_does_not_ask(
    client: Client, open_page: OpenPage, stored: Stored, ran: Ran
) -> None:
    chosen = options(client)
    chosen["body"]["resumable"] = True
    page = open_page(**chosen)
    (call,) = calls(client, page.send("a slow mail"))
    approve(client, page, call, approved=True)
    page.wait(responses=2, settled=False)
    page.leave()
    before = stored()
    assert [message["role"] for message in before] == ["user"], "the running answer is left out"
    page = open_page(before, resume=True, **chosen)
    held = page.wait(words="May I?", settled=False)
    assert [call.state for call in calls(client, held)] == ["open"]
    held = page.wait(words="All done.", status="ready")
    assert held["shown"] == "user: a slow mailassistant: May I?All done."
    assert (len(held["messages"]), held["errors"]) == (2, [])
    (call,) = calls(client, held)
    assert (call.state, call.value, ran()) == ("result", {"sent": "ada"}, ["send_mail ada"])


@OLDER
def test_older_clients_are_not_disturbed(client: Client, open_page: OpenPage, stored: Stored, ran: Ran) -> None:
    chosen = options(client)
    if client.kind == "ai-sdk-4":
        # It is ignored, since this one has no approvals; AI SDK 5's body looks like 6's.
        chosen["body"]["approvals"] = True
    page = open_page(**chosen)
    held = page.send("a mail")
    assert (len(held["messages"]), held["errors"], ran()) == (2, [], [])
    assert held["shown"] == "user: a mailassistant: May I?All done."
    assert "There is no tool named 'send_mail'" in str(held["messages"][-1])
    same(client, held["messages"], stored())


@ASKING
def test_a_yes_that_comes_with_the_next_message_is_not_run(
    client: Client, open_page: OpenPage, stored: Stored, ran: Ran
) -> None:
    page = open_page(**{**options(client), "sendWhen": None})
    (call,) = calls(client, page.send("a mail"))
    approve(client, page, call, approved=True)
    held = page.send("Hello")
    assert (held["errors"], len(held["requests"]), ran()) == ([], 2, [])
    assert NOT_RUN in str(stored()[1])


@ASKING
def test_a_stop_while_an_approved_call_runs_is_the_end(
    client: Client, open_page: OpenPage, http: httpx2.Client, conversation_id: str
) -> None:
    chosen = options(client)
    chosen["body"]["resumable"] = True
    page = open_page(**chosen)
    (call,) = calls(client, page.send("a slow mail"))
    approve(client, page, call, approved=True)
    page.wait(responses=2, settled=False)
    assert http.post(f"/conversations/{conversation_id}/stop").status_code == 200
    held = page.wait(status="ready")
    assert (len(held["requests"]), held["errors"]) == (2, [])
    assert held["finished"][-1]["finishReason"] == "stop"
