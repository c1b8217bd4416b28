"""Answers that wait: the page asks before a tool runs, goes on in the same answer, and skips what it cannot run."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Locator, expect

from tests.harness.http_client import PLAIN
from tests.harness.service import AUTH, Server
from tests.page.conftest import Visit
from tests.page.test_accessibility import faults
from tests.page.test_data_parts import release
from tests.page.visiting import Visitor

WAITS = "This answer waits for you."
DENIED = "The user said no to this call."


def question_of(visitor: Visitor, name: str | re.Pattern[str] = "May this run? It would send mail.") -> Locator:
    return visitor.page.get_by_role("group", name=name)


def state(visitor: Visitor, index: int = 0) -> Locator:
    """What is said of a tool call."""
    return visitor.answers.last.locator(".tool-state").nth(index)


def asks(visitor: Visitor, text: str = "the mail please") -> Locator:
    """Ask for what the page must ask about first; the question."""
    visitor.ask(text)
    expect(visitor.answers.last).to_contain_text(WAITS)
    question = question_of(visitor).first
    expect(question).to_be_visible()
    return question


def goes_on(visitor: Visitor, server: Server) -> None:
    """The answer goes on, stands still, and ends."""
    expect(visitor.answers.last).to_contain_text("Done:")
    release(server)
    visitor.over()


@pytest.mark.parametrize("framing", ["assistant-ui", "ui"])
def test_a_yes_runs_the_tool_and_the_same_answer_goes_on(visitor: Visitor, server: Server, framing: str) -> None:
    page = visitor.page
    visitor.button("The wire").click()
    page.get_by_label("Framing").select_option(framing)
    question = asks(visitor)
    expect(question.get_by_role("term")).to_have_text(["to", "text", "copies"])
    expect(question.locator("pre")).to_have_text(["ada@example.com", "<b>Grüße</b>\nשלום \\u202eexe", "2"])
    expect(question.locator("b")).to_have_count(0)
    expect(visitor.answers.locator(".tool-brief")).to_contain_text("\\u202eexe, 2")
    expect(visitor.spoken).to_have_text(f"{WAITS} May send_mail run?")
    expect(state(visitor)).to_have_text("waiting")
    with page.expect_request("**/chat?*") as asked:
        visitor.button("Yes, send mail").click()
    body: Any = asked.value.post_data_json
    assert (body["approvals"], [message["role"] for message in body["messages"]]) == (True, ["assistant"])
    expect(visitor.answers).to_have_count(1)
    expect(question).to_have_count(0)
    goes_on(visitor, server)
    for _ in range(2):
        expect(visitor.answers).to_have_count(1)
        expect(visitor.answers).to_contain_text('Done: {"sent":"ada"} one two three four')
        expect(visitor.answers.get_by_text("I have written it.")).to_have_count(1)
        expect(state(visitor)).to_have_text("done")
        expect(visitor.page.get_by_text(WAITS)).to_have_count(0)
        page.reload()


@pytest.mark.parametrize("framing", ["assistant-ui", "ui"])
def test_a_no_with_its_reason_goes_to_the_model_and_is_shown(visitor: Visitor, server: Server, framing: str) -> None:
    visitor.button("The wire").click()
    visitor.page.get_by_label("Framing").select_option(framing)
    question = asks(visitor)
    question.get_by_label("Reason for a no (optional)").fill("Not to her.")
    visitor.button("No", question).click()
    goes_on(visitor, server)
    for _ in range(2):
        expect(visitor.answers).to_contain_text("The reason: Not to her.")
        expect(state(visitor)).to_have_text("denied")
        visitor.page.reload()


def test_it_asks_after_a_reload_and_is_answered_in_another_tab(visitor: Visitor, visit: Visit, server: Server) -> None:
    asks(visitor)
    visitor.page.reload()
    expect(question_of(visitor)).to_be_visible()
    expect(visitor.answers).to_contain_text(WAITS)
    with visitor.page.context.expect_page() as opened:
        visitor.page.evaluate("void open(location.href)")
    other = Visitor(opened.value, visitor.url, visitor.userid)
    expect(question_of(other)).to_be_visible()
    visitor.button("Yes, send mail", other.page).click()
    # The first tab reads along.
    expect(visitor.answers).to_contain_text("Done:")
    expect(question_of(visitor)).to_have_count(0)
    # A reload in the middle of it joins the whole answer.
    other.page.reload()
    expect(other.answers).to_contain_text("I have written it.")
    goes_on(other, server)
    for tab in (visitor, other):
        expect(tab.answers).to_contain_text("one two three four")
        expect(state(tab)).to_have_text("done")
    assert other.faults == []


def test_the_keyboard_alone_answers_and_the_focus_stays_there(visitor: Visitor, server: Server) -> None:
    page = visitor.page
    question = asks(visitor)
    reason = question.get_by_label("Reason for a no (optional)")
    # Nothing takes the focus from who writes.
    expect(visitor.box).to_be_focused()
    reason.focus()
    page.keyboard.press("Tab")
    expect(visitor.button("No", question)).to_be_focused()
    page.keyboard.press("Tab")
    expect(visitor.button("Yes, send mail")).to_be_focused()
    page.keyboard.press("Enter")
    expect(visitor.answers.last.locator("summary")).to_be_focused()
    goes_on(visitor, server)
    expect(visitor.answers.last.locator("summary")).to_be_focused()
    # In the reason Enter means no.
    asks(visitor, "the mail once more")
    question_of(visitor).get_by_label("Reason for a no (optional)").focus()
    page.keyboard.type("Enough")
    page.keyboard.press("Enter")
    goes_on(visitor, server)
    expect(state(visitor)).to_have_text("denied")


def test_of_two_questions_each_has_its_answer(visitor: Visitor) -> None:
    asks(visitor, "both mails")
    expect(question_of(visitor)).to_have_count(2)
    expect(question_of(visitor).last).to_contain_text("Without arguments.")
    visitor.button("No", question_of(visitor).first).click()
    expect(question_of(visitor)).to_have_count(1)
    expect(visitor.answers.last).to_contain_text(WAITS)
    expect(state(visitor)).to_have_text("denied")
    visitor.button("Yes, send mail").click()
    expect(visitor.answers.last).to_contain_text("Both are done.")
    visitor.over()
    expect(state(visitor, 1)).to_have_text("done")


def test_a_tool_of_another_program_is_skipped(visitor: Visitor) -> None:
    visitor.ask("a form please")
    question = question_of(visitor, re.compile("ask_form runs in another program"))
    expect(question).to_contain_text("Where to?")
    expect(visitor.spoken).to_have_text(f"{WAITS} ask_form has no result.")
    visitor.button("Skip ask_form").click()
    expect(visitor.answers.last).to_contain_text("The user skipped this call.")
    visitor.over()
    expect(state(visitor)).to_have_text("failed")
    expect(question).to_have_count(0)


def test_a_stop_ends_the_wait(visitor: Visitor) -> None:
    asks(visitor)
    visitor.button("Stop waiting").click()
    expect(question_of(visitor)).to_have_count(0)
    expect(visitor.answers.last).to_contain_text("This answer is incomplete.")
    expect(state(visitor)).to_have_text("failed")
    expect(visitor.box).to_be_focused()
    expect(visitor.ask("Hello")).to_contain_text("You said: Hello")


def test_other_words_close_what_was_asked(visitor: Visitor) -> None:
    asks(visitor)
    visitor.ask("Never mind")
    for _ in range(2):
        expect(visitor.answers.last).to_contain_text("You said: Never mind")
        expect(question_of(visitor)).to_have_count(0)
        expect(visitor.answers.first.locator(".tool-state")).to_have_text("failed")
        expect(visitor.page.get_by_text(WAITS)).to_have_count(0)
        visitor.page.reload()


def test_a_message_that_waits_goes_after_the_answer_to_the_question(visitor: Visitor, server: Server) -> None:
    visitor.say("paced, then the next")
    visitor.box.fill("the mail please")
    visitor.box.press("Enter")
    visitor.box.fill("And then?")
    visitor.box.press("Enter")
    expect(question_of(visitor)).to_be_visible()
    expect(visitor.page.locator("#waiting")).to_contain_text("And then?")
    visitor.button("Yes, send mail").click()
    expect(visitor.answers.nth(1)).to_contain_text("Done:")
    release(server)
    expect(visitor.answers.nth(2)).to_contain_text("You said: And then?")
    visitor.over()


def test_a_message_that_waits_elsewhere_waits_for_the_answer_to_the_question_too(
    visitor: Visitor, server: Server
) -> None:
    page = visitor.page
    visitor.say("a slow mail")
    expect(visitor.answers).to_contain_text("one two three")
    visitor.box.fill("And then?")
    visitor.box.press("Enter")
    expect(page.locator("#waiting")).to_contain_text("And then?")
    visitor.button("New conversation").click()
    with page.expect_response(re.compile("/conversations/[^?/]+[?]protocol=")):
        release(server)
    page.go_back()
    expect(question_of(visitor)).to_be_visible()
    expect(page.locator("#waiting")).to_contain_text("And then?")
    visitor.button("Yes, send mail").click()
    expect(visitor.answers.first).to_contain_text("It is sent.")
    expect(visitor.answers.last).to_contain_text("You said: And then?")
    visitor.over()


def stored(visitor: Visitor) -> tuple[str, dict[str, Any]]:
    """The conversation's id, and its last message as AI SDK 6 has it."""
    conversation_id = visitor.page.url.partition("?c=")[2]
    url, headers = f"{visitor.url}/conversations/{conversation_id}?protocol=ui", {"userid": visitor.userid}
    row = httpx2.get(url, headers=headers, auth=AUTH, **PLAIN).json()
    return conversation_id, row["messages"][-1]


def test_what_another_device_has_answered_is_shown_and_not_asked_again(visitor: Visitor) -> None:
    asks(visitor, "both mails")
    conversation_id, message = stored(visitor)
    parts = [
        {**part, "state": "approval-responded", "approval": {**part["approval"], "approved": True}}
        for part in message["parts"]
        if "approval" in part
    ]
    body = {"id": conversation_id, "messages": [{**message, "parts": parts}], "approvals": True}
    answer = httpx2.post(
        f"{visitor.url}/chat?protocol=ui", json=body, headers={"userid": visitor.userid}, auth=AUTH, **PLAIN
    )
    assert "Both are done." in "".join(re.findall(r'"delta":"([^"]*)"', answer.text))
    visitor.button("Yes, send mail").first.click()
    expect(visitor.page.locator("#notice")).to_be_visible()
    expect(visitor.answers.last).to_contain_text("Both are done.")
    expect(question_of(visitor)).to_have_count(0)
    visitor.forgive_failed_loads()


def test_an_answer_that_does_not_arrive_can_be_given_again(visitor: Visitor, server: Server) -> None:
    question = asks(visitor)
    busy = {"error": {"code": "too_many", "message": "Too many answers run."}}
    visitor.page.route("**/chat?*", lambda route: route.fulfill(status=429, json=busy), times=1)
    visitor.button("Yes, send mail").click()
    expect(visitor.page.locator("#notice")).to_contain_text("Too many answers run.")
    expect(question).to_be_visible()
    visitor.button("Yes, send mail").click()
    goes_on(visitor, server)
    expect(state(visitor)).to_have_text("done")
    visitor.forgive_failed_loads()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_for_everybody_also_on_a_phone(visit: Visit, server: Server, scheme: str) -> None:
    visitor = visit(360, 640, scheme).sign_in()
    asks(visitor)
    assert faults(visitor.page) == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for control in (visitor.button("No"), visitor.button("Yes, send mail")):
        control.scroll_into_view_if_needed()
        box = control.bounding_box()
        assert box
        assert (box["x"] >= 0, box["x"] + box["width"] <= 360, box["height"] >= 36) == (True, True, True)
    visitor.button("No").click()
    goes_on(visitor, server)
    assert faults(visitor.page) == []
    visitor.ask("a form please")
    assert faults(visitor.page) == []
