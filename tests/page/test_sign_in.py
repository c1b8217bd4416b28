"""Signing in and out."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.page.conftest import Visit
from tests.page.visiting import Visitor
from tests.server.started import started


def test_a_wrong_login_is_said_in_words_and_a_right_one_goes_on(visit: Visit) -> None:
    visitor = visit()
    visitor.page.goto(visitor.url)
    expect(visitor.page.get_by_label("Login")).to_be_focused()
    visitor.fill_in("u", "wrong")
    expect(visitor.page.get_by_role("alert")).to_have_text("The login or the password is wrong.")
    expect(visitor.page.get_by_label("Login")).to_be_focused()
    visitor.forgive_failed_loads()
    visitor.fill_in("u", "p")
    expect(visitor.box).to_be_focused()
    expect(visitor.page.locator("#userid")).to_have_text(visitor.userid)


def test_a_userid_of_any_letters_is_taken(visit: Visit) -> None:
    visitor = visit()
    visitor.userid = "Jörg 利用者 👩"
    visitor.sign_in()
    expect(visitor.ask("Hello")).to_contain_text("You said: Hello")
    visitor.page.reload()
    expect(visitor.questions).to_have_text("Hello")


def test_a_reload_stays_signed_in_and_another_window_asks(visitor: Visitor, visit: Visit) -> None:
    visitor.page.reload()
    expect(visitor.box).to_be_focused()
    other = visit()
    other.page.goto(visitor.url)
    expect(other.page.get_by_label("Login")).to_be_focused()


def test_one_login_serves_all_tabs_and_signing_out_ends_it_in_all(visitor: Visitor) -> None:
    page = visitor.page
    other = page.context.new_page()
    other.goto(visitor.url)
    expect(other.locator("#userid")).to_have_text(visitor.userid)
    # A login is stored in each tab's own session, and nowhere else.
    assert page.context.cookies() == []
    assert "password" not in other.evaluate("JSON.stringify(localStorage)")
    page.close()
    other.reload()
    expect(other.locator("#userid")).to_have_text(visitor.userid)
    third = page.context.new_page()
    third.goto(visitor.url)
    expect(third.locator("#userid")).to_have_text(visitor.userid)
    third.get_by_role("button", name="Sign out").click()
    for tab in (other, third):
        expect(tab.get_by_label("Login")).to_be_focused()
        assert tab.evaluate("sessionStorage.length") == 0
    third.reload()
    expect(third.get_by_label("Login")).to_be_focused()
    # Who signs in again does so for both.
    visitor.page = third
    visitor.fill_in("u", "p")
    expect(other.locator("#userid")).to_have_text(visitor.userid)
    expect(other.get_by_role("textbox", name="Message", exact=True)).to_be_visible()


def test_a_login_that_is_taken_no_longer_asks_again(visitor: Visitor) -> None:
    # The page still loads, and a call of its own would meet the refusal.
    visitor.page.wait_for_load_state("networkidle")
    visitor.page.evaluate(
        """() => {
            const key = "mockbackend.session";
            sessionStorage.setItem(key, JSON.stringify({...JSON.parse(sessionStorage.getItem(key)), password: "old"}));
        }"""
    )
    visitor.box.fill("Hello")
    visitor.box.press("Enter")
    expect(visitor.page.get_by_role("alert")).to_contain_text("no longer valid")
    expect(visitor.page.get_by_label("User id")).to_have_value(visitor.userid)
    visitor.forgive_failed_loads()


def test_the_link_of_the_start_signs_in_by_itself_and_only_once(browser: Browser, tmp_path: Path) -> None:
    with started(tmp_path, "--port", "0") as served:
        link = served.value("Signed in")
        page = browser.new_page()
        page.goto(link)
        expect(page.locator("#userid")).to_have_text("me")
        expect(page).to_have_url(f"{served.url}/")
        page.reload()
        expect(page.locator("#userid")).to_have_text("me")
        other = browser.new_page()
        other.goto(link)
        expect(other.get_by_role("alert")).to_contain_text("This link has been used")
        page.close()
        other.close()
