"""Messages that wait for an answer to end."""

from __future__ import annotations

import httpx2
import pytest
from playwright.sync_api import Route, expect

from tests.harness.http_client import PLAIN
from tests.harness.service import AUTH
from tests.page.visiting import Visitor


@pytest.fixture
def busy(visitor: Visitor) -> Visitor:
    """A user whose first answer is held, and "Second" waits for its end."""
    expect(visitor.say("hold this")).to_contain_text("six")
    visitor.box.fill("Second")
    visitor.box.press("Enter")
    expect(visitor.questions.last).to_contain_text("Waiting for the answer to end")
    expect(visitor.box).to_have_value("")
    return visitor


def test_the_title_is_there_while_the_first_answer_runs(visitor: Visitor) -> None:
    visitor.say("hold this")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("hold this")
    expect(visitor.page).to_have_title("hold this – Mock Backend")
    expect(visitor.button("Stop")).to_be_visible()
    visitor.button("Stop").click()


def test_a_message_waits_for_the_answer_before_it_also_over_a_reload(busy: Visitor) -> None:
    busy.box.fill("Third")
    busy.button("Send when the answer ends").click()
    busy.page.reload()
    expect(busy.answers).to_contain_text("six")
    expect(busy.questions).to_contain_text(["hold this", "Second", "Third"])
    for waiting in (1, 2):
        expect(busy.questions.nth(waiting)).to_contain_text("Waiting")
    # Its words can still be changed.
    busy.questions.nth(1).hover()
    busy.button("Edit message", busy.questions.nth(1)).click()
    busy.page.get_by_label("Edit your message").fill("Next")
    busy.page.get_by_label("Edit your message").press("Enter")
    busy.button("Stop").click()
    expect(busy.answers.nth(1)).to_contain_text("You said: Next")
    expect(busy.answers.nth(2)).to_contain_text("You said: Third")
    busy.over()
    expect(busy.page.get_by_text("Waiting")).to_have_count(0)
    busy.page.reload()
    expect(busy.questions).to_have_text(["hold this", "Next", "Third"])


def test_a_waiting_message_is_taken_back(busy: Visitor) -> None:
    busy.box.fill("and more")
    busy.button("Sign out").click()
    expect(busy.page.get_by_role("dialog")).to_contain_text("Messages of yours were not sent.")
    busy.button("Cancel").click()
    busy.button("Take back").click()
    expect(busy.box).to_have_value("Second\nand more")
    expect(busy.questions).to_have_text("hold this")
    busy.button("Stop").click()
    busy.over()
    expect(busy.answers).to_have_count(1)


def test_it_goes_while_another_conversation_is_read(busy: Visitor) -> None:
    busy.button("New conversation").click()
    with busy.page.context.expect_page() as opened:
        busy.listed.first.click(button="middle")
    other = Visitor(opened.value, busy.url, busy.userid)
    other.button("Stop").click()
    expect(other.answers.last).to_contain_text("You said: Second")
    busy.listed.first.click()
    expect(busy.questions).to_have_text(["hold this", "Second"])
    busy.over()
    assert other.faults == []


def test_it_waits_for_an_answer_that_another_device_began(visitor: Visitor) -> None:
    visitor.ask("Hello")
    body = {"id": visitor.page.url.split("=")[1], "message": "hold this", "resumable": True}
    headers = {"userid": visitor.userid}
    with httpx2.stream("POST", f"{visitor.url}/chat", json=body, headers=headers, auth=AUTH, **PLAIN) as begun:
        next(begun.iter_raw())
    visitor.box.fill("Second")
    visitor.box.press("Enter")
    expect(visitor.questions).to_contain_text(["Hello", "hold this", "Second"], timeout=20_000)
    expect(visitor.questions.last).to_contain_text("Waiting")
    visitor.button("Stop").click()
    expect(visitor.answers.last).to_contain_text("You said: Second")
    visitor.over()
    visitor.forgive_failed_loads()


def test_a_turn_of_another_tab_that_came_in_between_is_shown(visitor: Visitor) -> None:
    visitor.ask("First")
    held: list[Route] = []
    visitor.page.route("**/chat*", lambda route: held.append(route))
    with visitor.page.expect_request("**/chat*"):
        visitor.box.fill("Third")
        visitor.box.press("Enter")
    other = Visitor(visitor.page.context.new_page(), visitor.url, visitor.userid)
    other.page.goto(visitor.page.url)
    expect(other.answers).to_have_count(1)
    other.ask("Second")
    for route in held:
        route.continue_()
    expect(visitor.questions).to_have_text(["First", "Second", "Third"])
    expect(visitor.answers).to_have_count(3)


@pytest.mark.parametrize("wrong", ["%00", "x" * 300, "a%20b", "none"])
def test_an_address_of_no_conversation_becomes_that_of_a_new_one(visitor: Visitor, wrong: str) -> None:
    visitor.page.goto(f"{visitor.url}/?c={wrong}")
    expect(visitor.page).to_have_url(f"{visitor.url}/")
    expect(visitor.ask("Hello there")).to_contain_text("You said: Hello there")
    visitor.forgive_failed_loads()


def test_an_edit_that_is_sent_while_the_conversation_is_loaded_stays(visitor: Visitor) -> None:
    """As another tab has begun a turn in it."""
    visitor.ask("First")
    held: list[Route] = []
    visitor.page.route("**/conversations/*", lambda route: route.continue_() if held else held.append(route))
    other = Visitor(visitor.page.context.new_page(), visitor.url, visitor.userid)
    other.page.goto(visitor.page.url)
    expect(other.answers).to_have_count(1)
    with visitor.page.expect_request("**/conversations/*"):
        other.ask("Second")
    question = visitor.questions.first
    question.hover()
    visitor.button("Edit message", question).click()
    visitor.page.get_by_label("Edit your message").fill("Other words")
    visitor.button("Send", question).click()
    expect(visitor.page.locator("#notice")).to_have_text("This conversation is being loaded. Send it in a moment.")
    held[0].continue_()
    expect(visitor.questions).to_have_count(2)
    visitor.button("Send", visitor.questions.first).click()
    expect(visitor.questions).to_have_text(["Other words"])
