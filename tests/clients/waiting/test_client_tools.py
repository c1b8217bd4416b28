"""A tool of the page's own: the model calls it, the page or its user answers, and the answer goes on as one message."""

from __future__ import annotations

from typing import Any

from mockbackend.messages import NOT_ANSWERED
from tests.clients.client import Client, OpenPage, Page, until
from tests.clients.compared import initial, same
from tests.clients.conftest import Stored
from tests.clients.waiting.calls import FORM, answer, calls, fail, options


def done(page: Page) -> dict[str, Any]:
    """What the page holds once the answer is whole: one message, whatever it waited for."""
    held = page.wait(words="All done.", status="ready")
    assert (len(held["messages"]), held["errors"]) == (2, [])
    return held


def statuses(held: dict[str, Any]) -> list[int]:
    return [request["status"] for request in held["requests"]]


def test_a_person_answers_and_the_same_message_goes_on(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page(**options(client))
    held = page.send("a form")
    (call,) = calls(client, held)
    assert (call.name, call.state) == ("ask_form", "open")
    answer(client, page, call, {"name": "Ada"})
    held = done(page)
    assert held["shown"] == "user: a formassistant: One moment.All done."
    assert [(one.id, one.state, one.value) for one in calls(client, held)] == [(call.id, "result", {"name": "Ada"})]
    assert statuses(held) == [200, 200]
    same(client, held["messages"], stored())


def test_the_page_runs_its_tool_by_itself_and_once(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page(**options(client, executes={"ask_form": "Ada"}))
    page.act("send", text="a form")
    held = done(page)
    assert held["executed"] == [{"name": "ask_form", "args": {"q": "Your name?"}}]
    assert statuses(held) == [200, 200]
    same(client, held["messages"], stored())


def test_a_tool_that_fails_is_an_error_for_the_model(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page(**options(client))
    (call,) = calls(client, page.send("a form"))
    fail(client, page, call, "The user is away.")
    held = done(page)
    (call,) = calls(client, held)
    assert call.state == ("result" if client.kind == "ai-sdk-4" else "error")
    if client.kind != "assistant-ui":
        # It has the error as the page gave it; the stored message of AI SDK 5 to 7 has words.
        same(client, held["messages"], stored())
    assert "The user is away." in str(stored()[-1])


def test_two_are_answered_one_by_one(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page(**options(client))
    first, second = calls(client, page.send("two forms"))
    answer(client, page, first, 1)
    assert statuses(page.wait(status="ready")) == [200]
    answer(client, page, second, 2)
    held = done(page)
    assert [call.value for call in calls(client, held)] == [1, 2]
    same(client, held["messages"], stored())


def test_a_turn_waits_as_often_as_it_asks(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page(**options(client))
    (first,) = calls(client, page.send("form after form"))
    answer(client, page, first, 1)
    held = page.wait(words="Then.", status="ready", responses=2)
    _, second = calls(client, held)
    answer(client, page, second, 2)
    held = done(page)
    assert held["shown"] == "user: form after formassistant: First.Then.All done."
    assert statuses(held) == [200, 200, 200]
    same(client, held["messages"], stored())


def test_our_own_calls_of_the_step_have_their_results_meanwhile(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    page = open_page(**options(client))
    clock, form = calls(client, page.send("a form and the time"))
    assert (clock.name, form.state) == ("get_current_time", "open")
    assert "Nowhere/Land" in str(clock.value)
    answer(client, page, form, "yes")
    held = done(page)
    same(client, held["messages"], stored())


def test_a_tool_that_the_service_declares_runs_at_the_client(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    page = open_page(**options(client))
    (call,) = calls(client, page.send("a map"))
    assert (call.name, call.state) == ("show_map", "open")
    answer(client, page, call, None)
    held = done(page)
    same(client, held["messages"], stored())


def test_what_comes_with_the_next_message_is_taken_first(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page(**options(client))
    first, _ = calls(client, page.send("two forms"))
    answer(client, page, first, "mine")
    page.wait(status="ready")
    held = page.send("Hello")
    assert (held["errors"], statuses(held)) == ([], [200, 200])
    assert held["shown"].endswith("Hello to you.")
    waited = stored()[1]
    _, second = [part for part in waited["parts"] if part["type"].startswith("tool-")]
    assert "mine" in str(waited)
    assert NOT_ANSWERED in str(second)
    held = page.send("Hello again")
    assert (held["errors"], len(stored())) == ([], 6)


def test_a_conversation_goes_on_after_a_turn_that_waited(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page(**options(client))
    (call,) = calls(client, page.send("a form"))
    answer(client, page, call, "Ada")
    done(page)
    held = page.send("Hello")
    assert held["shown"] == "user: a formassistant: One moment.All done.user: Helloassistant: Hello to you."
    page.act("regenerate")
    held = page.wait(status="ready", responses=4)
    assert (held["errors"], len(held["messages"])) == ([], 4)
    same(client, held["messages"], stored())


def test_a_page_that_is_opened_while_a_call_is_open_answers_it(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    page = open_page(**options(client))
    page.send("a form")
    page.leave()
    page = open_page(initial(client, stored()), **options(client))
    (call,) = calls(client, page.held())
    assert call.state == "open"
    answer(client, page, call, "Ada")
    held = done(page)
    assert held["shown"] == "user: a formassistant: One moment.All done."
    same(client, held["messages"], stored())


def test_the_tools_come_as_the_client_declares_them(client: Client, open_page: OpenPage) -> None:
    held = open_page(**options(client)).send("Hello")
    tools = held["requests"][0]["body"]["tools"]
    if client.kind == "assistant-ui":
        assert tools == {"ask_form": FORM}
    else:
        assert [tool["name"] for tool in tools] == ["ask_form"]
    assert (statuses(held), held["errors"]) == ([200], [])


def test_an_answer_that_is_stopped_while_it_goes_on_is_kept(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    page = open_page(**options(client))
    (call,) = calls(client, page.send("a slow end"))
    answer(client, page, call, "Ada")
    page.wait(words="It is", settled=False)
    page.act("stop")
    page.wait(status="ready", settled=False)
    until(stored, lambda messages: len(messages) == 2)
    held = page.send("Hello")
    assert (held["errors"], statuses(held), len(stored())) == ([], [200, 200, 200], 4)
    waited = stored()[1]
    assert "Ada" in str(waited)
    assert "One moment." in str(waited)
    assert "the end." not in str(waited)


def test_an_open_call_goes_with_its_answer_when_that_is_regenerated(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    page = open_page(**options(client))
    (first,) = calls(client, page.send("a form"))
    page.act("regenerate")
    held = page.wait(status="ready", responses=2)
    (second,) = calls(client, held)
    assert second.id != first.id
    answer(client, page, second, "Ada")
    held = done(page)
    same(client, held["messages"], stored())
