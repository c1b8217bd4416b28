"""An answer that runs on: after a reload, in other tabs, and past the end of its server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.harness.service import Server
from tests.page.answers import rules
from tests.page.visiting import Visitor

WHOLE = " ".join(f"step{n}" for n in range(1, 61)) + " done."


def second_tab(visitor: Visitor) -> Visitor:
    """The same user in another tab of the same browser, at the same conversation."""
    other = Visitor(visitor.page.context.new_page(), visitor.url, visitor.userid)
    other.page.goto(visitor.page.url)
    expect(other.page.locator("#userid")).to_have_text(visitor.userid)
    return other


def test_a_reload_joins_the_running_answer(visitor: Visitor) -> None:
    expect(visitor.say("paced")).to_contain_text("step3")
    visitor.page.reload()
    expect(visitor.answers).to_contain_text("step3")
    expect(visitor.button("Stop")).to_be_visible()
    visitor.over()
    expect(visitor.answers.locator(".body")).to_have_text(WHOLE)
    expect(visitor.questions).to_have_text("paced")


def test_a_second_tab_joins_the_running_answer_and_can_stop_it(visitor: Visitor) -> None:
    expect(visitor.say("hold this")).to_contain_text("six")
    other = second_tab(visitor)
    expect(other.answers).to_contain_text("one two three four five six")
    other.button("Stop").click()
    other.over()
    visitor.over()
    expect(visitor.answers).to_contain_text("one two three four five six")
    assert other.faults == []


def test_an_open_tab_follows_what_another_asks(visitor: Visitor) -> None:
    visitor.ask("Hello")
    other = second_tab(visitor)
    expect(other.answers).to_contain_text("You said: Hello")
    other.say("paced")
    expect(visitor.answers).to_have_count(2)
    expect(visitor.button("Stop")).to_be_visible()
    visitor.over()
    expect(visitor.answers.last.locator(".body")).to_have_text(WHOLE)
    other.over()
    expect(other.answers.last.locator(".body")).to_have_text(WHOLE)
    assert other.faults == []


def test_another_conversation_can_be_read_while_an_answer_runs(visitor: Visitor) -> None:
    visitor.ask("Hello")
    visitor.button("New conversation").click()
    expect(visitor.answers).to_have_count(0)
    expect(visitor.say("paced")).to_contain_text("step2")
    expect(visitor.listed).to_have_text(["paced", "Hello"])
    visitor.listed.last.click()
    expect(visitor.answers).to_contain_text("You said: Hello")
    expect(visitor.button("Send")).to_be_visible()
    visitor.listed.first.click()
    expect(visitor.answers).to_contain_text("step2")
    visitor.over()
    expect(visitor.answers.locator(".body")).to_have_text(WHOLE)


def test_back_and_forward_walk_the_conversations(visitor: Visitor) -> None:
    visitor.ask("First")
    visitor.button("New conversation").click()
    visitor.ask("Second")
    visitor.page.go_back()
    visitor.page.go_back()
    expect(visitor.questions).to_have_text("First")
    visitor.page.go_forward()
    visitor.page.go_forward()
    expect(visitor.questions).to_have_text("Second")


def test_an_address_of_no_conversation_shows_an_empty_one(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.url}/?c=none")
    expect(visitor.page.locator("#notice")).to_have_text("There is nothing here.")
    expect(visitor.page.get_by_role("heading", name="What would you like to try?")).to_be_visible()
    assert visitor.page.url == f"{visitor.url}/"
    visitor.forgive_failed_loads()


def test_a_tab_too_many_says_so_and_joins_once_it_may(browser: Browser, folder: Path) -> None:
    settings = {"MOCK_SCRIPT": str(folder / "script.yaml"), "MAX_JOINS_PER_USER": "1"}
    context = browser.new_context()
    with Server(folder, settings) as server:
        visitor = Visitor(context.new_page(), server.url, "ada").sign_in()
        expect(visitor.say("hold this")).to_contain_text("six")
        second = second_tab(visitor)
        expect(second.answers).to_contain_text("six")
        third = second_tab(visitor)
        expect(third.page.locator("#notice")).to_contain_text("this page tries again by itself")
        expect(third.questions).to_have_text("hold this")
        second.page.close()
        expect(third.answers).to_contain_text("six")
        expect(third.page.locator("#notice")).to_be_hidden()
        visitor.button("Stop").click()
        third.over()
        third.forgive_failed_loads()
        assert third.faults == []
    context.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "script.yaml").write_text(json.dumps({"rules": rules()}, ensure_ascii=False))
    return tmp_path


def test_a_server_that_dies_is_missed_and_welcomed_back(browser: Browser, folder: Path) -> None:
    settings = {"MOCK_SCRIPT": str(folder / "script.yaml")}
    context = browser.new_context()
    with Server(folder, settings) as first:
        visitor = Visitor(context.new_page(), first.url, "ada").sign_in()
        expect(visitor.say("paced")).to_contain_text("step40")
        first.kill()
        expect(visitor.page.locator("#notice")).to_contain_text("The server is not responding.")
        expect(visitor.answers).to_contain_text("The connection was lost.")
        expect(visitor.spoken).to_contain_text(re.compile("not responding|connection was lost"))
        with Server(folder, settings, port=first.port):
            expect(visitor.page.locator("#notice")).to_have_text("The server is back.")
            # At most the last second of it is lost.
            expect(visitor.answers).not_to_contain_text("connection was lost")
            expect(visitor.answers).to_contain_text("step5")
            expect(visitor.ask("Hello again")).to_contain_text("You said: Hello again")
    context.close()


def test_a_message_that_found_no_server_is_sent_once_it_is_back(browser: Browser, folder: Path) -> None:
    context = browser.new_context()
    with Server(folder) as first:
        visitor = Visitor(context.new_page(), first.url, "ada").sign_in()
        visitor.ask("Hello")
    answer = visitor.say("Are you there?")
    expect(answer).to_contain_text("The server cannot be reached.")
    with Server(folder, port=first.port):
        expect(visitor.page.locator("#notice")).to_have_text("The server is back.")
        visitor.button("Try again").click()
        expect(visitor.answers.last).to_contain_text("You said: Are you there?")
        visitor.over()
        visitor.page.reload()
        expect(visitor.questions).to_have_text(["Hello", "Are you there?"])
    context.close()


def test_a_message_that_was_not_sent_outlives_the_return_of_the_server_and_a_reload(
    browser: Browser, folder: Path
) -> None:
    settings = {"MOCK_SCRIPT": str(folder / "script.yaml")}
    context = browser.new_context()
    with Server(folder, settings) as first:
        visitor = Visitor(context.new_page(), first.url, "ada").sign_in()
        expect(visitor.say("paced")).to_contain_text("step20")
        first.kill()
        expect(visitor.answers).to_contain_text("The connection was lost.")
        visitor.say("Are you there?")
        expect(visitor.questions.last).to_contain_text("Not sent")
        with Server(folder, settings, port=first.port):
            expect(visitor.page.locator("#notice")).to_have_text("The server is back.")
            expect(visitor.answers.first).to_contain_text("This answer is incomplete.")
            for _ in range(2):
                expect(visitor.questions.last).to_contain_text("Are you there?")
                expect(visitor.questions.last).to_contain_text("Not sent")
                visitor.page.reload()
            visitor.button("Try again", visitor.answers.last).click()
            expect(visitor.answers.last).to_contain_text("You said: Are you there?")
            expect(visitor.questions.last).not_to_contain_text("Not sent")
            visitor.over()
            visitor.page.reload()
            expect(visitor.questions).to_have_text(["paced", "Are you there?"])
    context.close()


def test_the_first_message_of_a_conversation_is_kept_too(browser: Browser, folder: Path) -> None:
    context = browser.new_context()
    with Server(folder) as first:
        visitor = Visitor(context.new_page(), first.url, "ada").sign_in()
    visitor.say("Anybody?")
    expect(visitor.questions).to_contain_text("Not sent")
    with Server(folder, port=first.port):
        visitor.page.reload()
        expect(visitor.questions).to_contain_text("Anybody?")
        visitor.button("Try again").click()
        expect(visitor.answers).to_contain_text("You said: Anybody?")
        visitor.over()
        expect(visitor.listed).to_have_text(["Anybody?"])
    context.close()


def test_a_draft_stays_with_its_conversation_and_survives_a_reload(visitor: Visitor) -> None:
    visitor.ask("Hello")
    visitor.box.fill("to be continued")
    visitor.button("New conversation").click()
    expect(visitor.box).to_have_value("")
    visitor.box.fill("another")
    visitor.page.reload()
    expect(visitor.box).to_have_value("another")
    visitor.listed.first.click()
    expect(visitor.box).to_have_value("to be continued")
    expect(visitor.questions).to_have_text("Hello")
    visitor.box.press("Enter")
    visitor.over()
    visitor.page.reload()
    expect(visitor.questions).to_have_count(2)
    expect(visitor.box).to_have_value("")


def test_trying_one_unsent_message_again_keeps_the_others(browser: Browser, folder: Path) -> None:
    context = browser.new_context()
    with Server(folder) as first:
        visitor = Visitor(context.new_page(), first.url, "ada").sign_in()
        visitor.ask("Hello")
    visitor.say("One")
    expect(visitor.questions.nth(1)).to_contain_text("Not sent")
    visitor.say("Two")
    expect(visitor.questions.nth(2)).to_contain_text("Not sent")
    with Server(folder, port=first.port):
        expect(visitor.page.locator("#notice")).to_have_text("The server is back.")
        visitor.button("Try again", visitor.answers.nth(1)).click()
        expect(visitor.answers.nth(1)).to_contain_text("You said: One")
        visitor.over()
        visitor.page.reload()
        expect(visitor.questions.nth(2)).to_contain_text("Two")
        visitor.button("Try again", visitor.answers.nth(2)).click()
        expect(visitor.answers.nth(2)).to_contain_text("You said: Two")
        visitor.over()
    context.close()


def test_a_message_that_was_refused_goes_behind_those_that_were_sent_after_it(visitor: Visitor) -> None:
    visitor.ask("One")
    refusal = {"error": {"code": "too_many", "message": "Not now."}}
    visitor.page.route("**/chat*", lambda route: route.fulfill(status=429, json=refusal), times=1)
    visitor.say("Two")
    expect(visitor.questions.last).to_contain_text("Not sent")
    visitor.ask("Three")
    visitor.button("Try again").click()
    visitor.over()
    for _ in range(2):
        expect(visitor.page.locator(".bubble")).to_have_text(["One", "Three", "Two"])
        expect(visitor.answers.last).to_contain_text("You said: Two")
        visitor.page.reload()
    visitor.forgive_failed_loads()


def test_a_message_whose_arrival_nobody_heard_of_is_found_where_it_stands(visitor: Visitor) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    visitor.page.route("**/chat*", lose, times=1)
    visitor.box.fill("One")
    visitor.box.press("Enter")
    expect(visitor.page.locator("#notice")).to_have_text("The server is back.")
    expect(visitor.answers).to_contain_text("You said: One")
    expect(visitor.questions).not_to_contain_text("Not sent")
    visitor.forgive_failed_loads()


def test_what_is_sent_while_a_conversation_opens_goes_once_it_is_there(visitor: Visitor) -> None:
    visitor.ask("Hello")
    visitor.button("New conversation").click()
    held: list[Route] = []
    visitor.page.route("**/conversations/*", lambda route: held.append(route))
    visitor.listed.first.click()
    visitor.box.fill("Too soon")
    visitor.box.press("Enter")
    expect(visitor.box).to_have_value("Too soon")
    for route in held:
        route.continue_()
    visitor.page.unroute("**/conversations/*")
    expect(visitor.answers.last).to_contain_text("You said: Too soon")
    expect(visitor.questions).to_have_text(["Hello", "Too soon"])
    expect(visitor.box).to_have_value("")
    visitor.over()
