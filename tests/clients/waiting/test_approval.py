"""A tool of the service's that asks first: the client shows the question, and its user's yes or no goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from mockbackend.messages import NOT_ANSWERED
from tests.clients.client import CLIENTS, Client, OpenPage
from tests.clients.compared import initial, same
from tests.clients.conftest import Stored
from tests.clients.waiting.calls import Call, answer, approve, calls, options

Ran = Callable[[], list[str]]


@pytest.fixture(
    params=[client for client in CLIENTS if client.kind not in ("ai-sdk-4", "ai-sdk-5")], ids=lambda one: one.name
)
def client(request: pytest.FixtureRequest) -> Client:
    """Those that can ask for approval."""
    chosen: Client = request.param
    return chosen


def ended(client: Client, held: dict[str, Any], stored: Stored) -> list[Call]:
    """The calls of the answer, which is whole; assistant-ui has approved ones twice, then with the result."""
    assert (len(held["messages"]), held["errors"], held["status"]) == (2, [], "ready")
    found = calls(client, held)
    if client.kind != "assistant-ui":
        same(client, held["messages"], stored())
        return found
    assert len({call.id for call in found}) == len(found), "a page breaks at two parts of one id"
    results = {call.id.removesuffix("#result"): call for call in found if call.id.endswith("#result")}
    return [results.get(call.id, call) for call in found if not call.id.endswith("#result")]


def test_a_yes_runs_the_tool_once_and_the_same_message_goes_on(
    client: Client, open_page: OpenPage, stored: Stored, ran: Ran
) -> None:
    page = open_page(**options(client))
    (call,) = calls(client, page.send("a mail"))
    assert (call.name, call.state, ran()) == ("send_mail", "asked", [])
    approve(client, page, call, approved=True)
    held = page.wait(words="All done.", status="ready")
    assert held["shown"] == "user: a mailassistant: May I?All done."
    (call,) = ended(client, held, stored)
    assert (call.state, call.value) == ("result", {"sent": "ada"})
    assert ran() == ["send_mail ada"]
    assert len(held["requests"]) == 2


def test_a_no_with_its_reason_goes_on_without_the_tool(
    client: Client, open_page: OpenPage, stored: Stored, ran: Ran
) -> None:
    page = open_page(**options(client))
    (call,) = calls(client, page.send("a mail"))
    approve(client, page, call, approved=False, reason="Not to her.")
    held = page.wait(words="All done.", status="ready")
    (call,) = ended(client, held, stored)
    assert (call.state, call.approval["reason"]) == ("denied", "Not to her.")
    assert ran() == []
    assert "Not to her." in str(stored()[-1])


def test_a_no_without_a_reason_has_none(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page(**options(client))
    (call,) = calls(client, page.send("a mail"))
    approve(client, page, call, approved=False)
    ended(client, page.wait(words="All done.", status="ready"), stored)
    assert "reason" not in str(stored()[-1]).lower()


def test_a_yes_and_a_no_of_one_step(client: Client, open_page: OpenPage, stored: Stored, ran: Ran) -> None:
    page = open_page(**options(client))
    first, second = calls(client, page.send("two mails"))
    approve(client, page, first, approved=False)
    assert len(page.wait(status="ready")["requests"]) == 1
    approve(client, page, second, approved=True)
    held = page.wait(words="All done.", status="ready")
    assert [call.state for call in ended(client, held, stored)] == ["denied", "result"]
    assert ran() == ["send_mail bob"]


def test_two_yeses_of_one_step(client: Client, open_page: OpenPage, stored: Stored, ran: Ran) -> None:
    page = open_page(**options(client))
    for call in calls(client, page.send("two mails")):
        approve(client, page, call, approved=True)
    held = page.wait(words="All done.", status="ready")
    assert [call.value for call in ended(client, held, stored)] == [{"sent": "ada"}, {"sent": "bob"}]
    assert sorted(ran()) == ["send_mail ada", "send_mail bob"]


def test_an_approval_and_a_form_of_one_step(client: Client, open_page: OpenPage, stored: Stored, ran: Ran) -> None:
    page = open_page(**options(client))
    mail, form = calls(client, page.send("a mail and a form"))
    approve(client, page, mail, approved=True)
    page.wait(status="ready")
    answer(client, page, form, "Ada")
    held = page.wait(words="All done.", status="ready")
    assert [call.value for call in ended(client, held, stored)] == [{"sent": "ada"}, "Ada"]
    assert ran() == ["send_mail ada"]


def test_after_an_approval_a_turn_can_ask_again(client: Client, open_page: OpenPage, stored: Stored, ran: Ran) -> None:
    page = open_page(**options(client))
    (mail,) = calls(client, page.send("a form after a mail"))
    approve(client, page, mail, approved=True)
    held = page.wait(words="Then.", status="ready")
    (form,) = [call for call in calls(client, held) if call.state == "open"]
    answer(client, page, form, "Ada")
    held = page.wait(words="All done.", status="ready")
    assert [call.value for call in ended(client, held, stored)] == [{"sent": "ada"}, "Ada"]
    assert ran() == ["send_mail ada"]


def test_a_conversation_goes_on_after_an_approval(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page(**options(client))
    (call,) = calls(client, page.send("a mail"))
    approve(client, page, call, approved=True)
    page.wait(words="All done.", status="ready")
    held = page.send("Hello")
    assert (held["errors"], [request["status"] for request in held["requests"]]) == ([], [200, 200, 200])
    assert len(stored()) == 4


def test_a_question_that_a_new_message_leaves_behind_is_not_answered(
    client: Client, open_page: OpenPage, stored: Stored, ran: Ran
) -> None:
    page = open_page(**options(client))
    page.send("a mail")
    held = page.send("Hello")
    assert (held["errors"], ran()) == ([], [])
    assert NOT_ANSWERED in str(stored()[1])


def test_a_no_that_comes_with_the_next_message_is_one(
    client: Client, open_page: OpenPage, stored: Stored, ran: Ran
) -> None:
    page = open_page(**options(client))
    first, _ = calls(client, page.send("two mails"))
    approve(client, page, first, approved=False, reason="Not to her.")
    page.wait(status="ready")
    held = page.send("Hello")
    assert (held["errors"], ran()) == ([], [])
    assert "Not to her." in str(stored()[1])
    assert NOT_ANSWERED in str(stored()[1])


def test_a_page_that_is_opened_while_a_call_asks_says_yes(
    client: Client, open_page: OpenPage, stored: Stored, ran: Ran, http: httpx2.Client, conversation_id: str
) -> None:
    page = open_page(**options(client))
    page.send("a mail")
    page.leave()
    # AI SDK 4's shape has no approvals.
    messages = http.get(f"/conversations/{conversation_id}", params={"protocol": "ui"}).json()["messages"]
    page = open_page(initial(client, messages), **options(client))
    (call,) = calls(client, page.held())
    assert call.state == "asked"
    approve(client, page, call, approved=True)
    held = page.wait(words="All done.", status="ready")
    (call,) = ended(client, held, stored)
    assert (call.value, ran()) == ({"sent": "ada"}, ["send_mail ada"])


def test_without_a_word_about_approvals_no_client_is_asked(client: Client, open_page: OpenPage, ran: Ran) -> None:
    page = open_page(**{**options(client), "body": {}})
    held = page.send("a mail")
    (call,) = calls(client, held)
    assert (held["status"], held["errors"], ran()) == ("ready", [], [])
    assert "There is no tool named 'send_mail'" in str(call.value)
    assert held["shown"].endswith("All done.")
