"""The emulator's panel: what can be asked of it, its rules, and its journal as it grows."""

from __future__ import annotations

import httpx2
import pytest
from playwright.sync_api import Locator, expect

from mockbackend.mock.script.corners import CORNERS
from tests.harness.http_client import PLAIN
from tests.harness.service import AUTH, Server
from tests.page.conftest import Visit
from tests.page.test_accessibility import faults
from tests.page.visiting import Visitor


@pytest.fixture
def scenario(server: Server, userid: str) -> None:
    """A scenario of the user's name, with two rules."""
    script = {"rules": [{"when": "weather", "text": "It rains."}, {"when": "never said", "text": "No."}]}
    url = f"{server.url}/__mock__/scenarios/{userid}"
    assert httpx2.put(url, json=script, auth=AUTH, **PLAIN).status_code == 200


def opened(visitor: Visitor) -> Locator:
    """The panel."""
    visitor.button("Emulator").click()
    panel = visitor.page.get_by_role("complementary", name="The emulator")
    expect(visitor.button("Close the emulator", panel)).to_be_focused()
    return panel


def test_each_corner_has_a_button(visitor: Visitor) -> None:
    panel = opened(visitor)
    corners = panel.get_by_role("list", name="Corners").get_by_role("button")
    expect(corners).to_have_count(len(CORNERS))
    assert corners.all_text_contents() == list(CORNERS)
    assert corners.first.get_attribute("title") == CORNERS["empty_choices_first"].seen


def test_a_button_puts_a_line_before_what_is_written(visitor: Visitor) -> None:
    visitor.box.fill("/mock cut 1\nHello there")
    panel = opened(visitor)
    visitor.button("filter_mid_answer", panel).click()
    expect(visitor.box).to_have_value("/mock corner filter_mid_answer\nHello there")
    visitor.button("late_error 3", panel).click()
    expect(visitor.box).to_have_value("/mock late_error 3\nHello there")
    visitor.box.press("Enter")
    visitor.over()
    expect(visitor.answers.last).to_contain_text("You said:")
    expect(visitor.answers.last).to_contain_text("The mock was asked for this error.")
    expect(visitor.questions.last).to_contain_text("/mock late_error 3")


def test_the_rules_and_the_journal_are_shown_as_they_change(visitor: Visitor, scenario: None, userid: str) -> None:
    panel = opened(visitor)
    expect(panel).to_contain_text(f"Rules of {userid}")
    rules = panel.get_by_role("list", name="Rules").get_by_role("listitem")
    expect(rules).to_have_count(2)
    expect(rules.first).to_contain_text("served 0 times")
    expect(visitor.ask("How is the weather?")).to_contain_text("It rains.")
    expect(rules.first).to_contain_text("served once")
    expect(rules.last).to_contain_text("served 0 times")
    calls = panel.get_by_role("list", name="Journal").get_by_role("listitem")
    expect(calls.filter(has_text="POST /chat").first).to_contain_text("200")
    expect(calls.filter(has_text="POST /chat").first).not_to_contain_text("rule")
    expect(calls.filter(has_text="model: chat").first).to_contain_text("rule 1")
    visitor.ask("/mock cut 2\nHow is the weather?")
    expect(calls.filter(has_text="2 lines").first).to_contain_text("cut")
    visitor.forgive_failed_loads()


def test_a_held_answer_is_released_from_the_journal(visitor: Visitor) -> None:
    panel = opened(visitor)
    answer = visitor.say("/mock hold 3\none two three")
    expect(panel.locator(".front.held")).to_have_count(1)
    expect(answer).not_to_contain_text("three")
    visitor.button("Release", panel).click()
    visitor.over()
    expect(answer).to_contain_text("You said: one two three")
    expect(panel.locator(".held")).to_have_count(0)


def test_the_panel_takes_turns_with_the_wire(visitor: Visitor) -> None:
    panel, wire = opened(visitor), visitor.page.get_by_role("complementary", name="The wire")
    visitor.button("The wire").click()
    expect(wire).to_be_visible()
    expect(panel).to_be_hidden()
    opened(visitor)
    expect(wire).to_be_hidden()
    visitor.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(visitor.button("Emulator")).to_be_focused()


def test_nothing_is_asked_while_the_panel_is_shut(visitor: Visitor) -> None:
    visitor.ask("Hello there")
    assert not [url for url in visitor.requests if "__mock__" in url]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_it(visit: Visit, scheme: str, scenario: None) -> None:
    visitor = visit(scheme=scheme).sign_in()
    panel = opened(visitor)
    visitor.ask("/mock status 503\nHow is the weather?")
    expect(panel.get_by_role("list", name="Journal").locator(".error", has_text="503").first).to_be_visible()
    assert faults(visitor.page) == []
    # The refused message began no conversation, and the page has looked for one.
    visitor.forgive_failed_loads()


def test_on_a_phone_a_button_leads_back_to_the_message(visit: Visit) -> None:
    visitor = visit(360, 640).sign_in()
    panel = opened(visitor)
    visitor.button("proxy_buffers", panel).click()
    expect(panel).to_be_hidden()
    expect(visitor.box).to_be_focused()
    expect(visitor.box).to_have_value("/mock corner proxy_buffers\n")
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 360
