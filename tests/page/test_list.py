"""The list of conversations."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from playwright.sync_api import expect

from tests.harness.http_client import PLAIN
from tests.harness.service import AUTH, Server
from tests.page.conftest import Visit
from tests.page.visiting import Visitor

Fill = Callable[..., None]


@pytest.fixture
def fill(server: Server, userid: str) -> Fill:
    """`fill("a", "b")` makes conversations that begin with these words, in this order."""

    def filling(*texts: str) -> None:
        with httpx2.Client(base_url=server.url, auth=AUTH, headers={"userid": userid}, **PLAIN) as client:
            for text in texts:
                assert client.post("/chat", json={"message": text}).status_code == 200

    return filling


def test_conversations_are_listed_newest_first(visit: Visit, fill: Fill) -> None:
    fill("Apples", "Pears", "Plums")
    visitor = visit().sign_in()
    expect(visitor.listed).to_have_text(["Plums", "Pears", "Apples"])
    visitor.listed.nth(1).click()
    expect(visitor.questions).to_have_text("Pears")
    expect(visitor.listed.nth(1)).to_have_attribute("aria-current", "page")


def test_a_conversation_is_pinned_and_unpinned(visit: Visit, fill: Fill) -> None:
    fill("Apples", "Pears")
    visitor = visit().sign_in()
    visitor.option("Apples", "Pin")
    expect(visitor.listed).to_have_text(["Apples", "Pears"])
    pinned = visitor.page.get_by_role("region", name="Pinned")
    expect(pinned.locator(".open")).to_have_text("Apples")
    visitor.option("Apples", "Unpin")
    expect(visitor.listed).to_have_text(["Pears", "Apples"])


def test_a_conversation_is_renamed(visitor: Visitor) -> None:
    visitor.ask("Apples")
    visitor.option("Apples", "Rename")
    field = visitor.page.get_by_label("New title")
    expect(field).to_have_value("Apples")
    field.fill("Orchard")
    field.press("Enter")
    expect(visitor.listed).to_have_text("Orchard")
    expect(visitor.listed).to_be_focused()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Orchard")
    visitor.option("Orchard", "Rename")
    field.fill("Never")
    field.press("Escape")
    expect(visitor.listed).to_have_text("Orchard")


def test_a_conversation_is_deleted_only_once_that_is_confirmed(visitor: Visitor) -> None:
    visitor.ask("Apples")
    visitor.option("Apples", "Delete")
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete “Apples”?")
    visitor.button("Cancel", dialog).click()
    expect(visitor.listed).to_have_text("Apples")
    visitor.option("Apples", "Delete")
    visitor.button("Delete", dialog).click()
    expect(visitor.listed).to_have_count(0)
    expect(visitor.page.get_by_role("heading", name="What would you like to try?")).to_be_visible()


def test_words_are_searched_in_titles_and_messages(visit: Visit, fill: Fill) -> None:
    fill("Apples are red", "Pears are green", "Bread")
    visitor = visit().sign_in()
    search = visitor.page.get_by_role("searchbox", name="Search conversations")
    search.fill("are")
    expect(visitor.listed).to_have_text(["Pears are green", "Apples are red"])
    search.fill("nothing of this kind")
    expect(visitor.page.get_by_text("Nothing found.")).to_be_visible()
    search.press("Escape")
    expect(visitor.listed).to_have_count(3)


def test_more_are_loaded_as_one_scrolls_and_stay(visit: Visit, fill: Fill) -> None:
    fill(*(f"Talk {number}" for number in range(1, 63)))
    visitor = visit().sign_in()
    expect(visitor.listed).to_have_count(30)
    visitor.listed.last.scroll_into_view_if_needed()
    expect(visitor.listed).to_have_count(60)
    visitor.listed.last.scroll_into_view_if_needed()
    expect(visitor.listed).to_have_count(62)
    expect(visitor.listed.last).to_have_text("Talk 1")
    expect(visitor.button("Show more")).to_have_count(0)
    visitor.ask("Another")
    expect(visitor.listed).to_have_count(63)
    expect(visitor.listed.first).to_have_text("Another")
    # Somebody who uses the keyboard alone presses a button.
    search = visitor.page.get_by_role("searchbox", name="Search conversations")
    search.fill("Talk")
    expect(visitor.page.get_by_role("region", name="Found")).to_be_visible()
    visitor.button("Show more").press("Enter")
    expect(visitor.listed.nth(30)).to_be_focused()


def test_a_conversation_is_a_link(visit: Visit, fill: Fill) -> None:
    fill("Apples", "Pears")
    visitor = visit().sign_in()
    with visitor.page.context.expect_page() as opened:
        visitor.listed.last.click(button="middle")
    other = Visitor(opened.value, visitor.url, visitor.userid)
    expect(other.questions).to_have_text("Apples")
    expect(visitor.questions).to_have_count(0)
    visitor.listed.last.click()
    expect(visitor.questions).to_have_text("Apples")
    assert visitor.page.url == other.page.url
    assert other.faults == []


def test_the_menu_is_walked_with_the_keys(visit: Visit, fill: Fill) -> None:
    fill("Apples")
    visitor = visit().sign_in()
    options = visitor.button("Options for Apples")
    options.focus()
    visitor.page.keyboard.press("Enter")
    items = visitor.page.get_by_role("menuitem")
    expect(items.nth(0)).to_be_focused()
    visitor.page.keyboard.press("ArrowUp")
    expect(items.nth(2)).to_be_focused()
    visitor.page.keyboard.press("ArrowDown")
    visitor.page.keyboard.press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    visitor.page.keyboard.press("Escape")
    expect(items).to_have_count(0)
    expect(options).to_be_focused()


def test_a_title_is_words_and_never_markup(visit: Visit, fill: Fill) -> None:
    fill("<img src=x onerror=alert(1)>")
    visitor = visit().sign_in()
    expect(visitor.listed).to_have_text("<img src=x onerror=alert(1)>")
