"""What the server does not have: each message stays in its own conversation, and the list leads there."""

from __future__ import annotations

from playwright.sync_api import Route, expect

from tests.page.conftest import Visit
from tests.page.visiting import Visitor


def test_while_the_server_is_away_each_conversation_keeps_its_own(visit: Visit) -> None:
    visitor = visit(1280, 780).sign_in()
    page = visitor.page
    visitor.ask("Alpha")
    visitor.button("New conversation").click()
    page.context.set_offline(True)
    visitor.say("Anybody?")
    expect(visitor.questions).to_contain_text("Not sent")
    listed = page.get_by_role("region", name="Not sent yet").get_by_role("link")
    expect(listed).to_have_text("Anybody?")
    expect(listed).to_have_attribute("aria-current", "page")
    # Nothing of one conversation stands in another.
    page.get_by_role("link", name="Alpha").click()
    expect(visitor.questions).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("Alpha")
    visitor.say("Beta")
    expect(visitor.questions).to_contain_text("Not sent")
    page.get_by_role("link", name="Anybody?").click()
    expect(visitor.questions).to_contain_text("Anybody?")
    page.context.set_offline(False)
    expect(page.locator("#notice")).to_have_text("The server is back.")
    visitor.button("Try again").click()
    expect(visitor.answers).to_contain_text("You said: Anybody?")
    visitor.over()
    page.get_by_role("link", name="Alpha").click()
    expect(visitor.questions).to_contain_text(["Alpha", "Beta"])
    visitor.button("Take back").click()
    expect(visitor.box).to_have_value("Beta")
    expect(visitor.questions).to_have_text("Alpha")
    expect(page.get_by_role("region", name="Not sent yet")).to_have_count(0)
    visitor.forgive_failed_loads()


def test_what_is_tried_again_while_the_conversation_is_loaded_keeps_its_place(visit: Visit) -> None:
    visitor = visit(1280, 780).sign_in()
    visitor.ask("Hello")
    visitor.page.context.set_offline(True)
    for words in ("One", "Two"):
        visitor.say(words)
        expect(visitor.questions.last).to_contain_text("Not sent")
    held: list[Route] = []
    visitor.page.route("**/conversations/*", lambda route: route.continue_() if held else held.append(route))
    with visitor.page.expect_request("**/conversations/*"):
        visitor.page.context.set_offline(False)
    visitor.button("Try again", visitor.answers.nth(1)).click()
    expect(visitor.questions.filter(has_text="One")).to_contain_text("Waiting")
    expect(visitor.answers).to_have_count(2)
    held[0].continue_()
    expect(visitor.answers.nth(1)).to_contain_text("You said: One")
    expect(visitor.page.locator(".bubble")).to_have_text(["Hello", "One", "Two"])
    visitor.over()
    visitor.forgive_failed_loads()


def test_an_unsent_conversation_is_deleted_in_the_list(visitor: Visitor) -> None:
    visitor.page.route("**/chat*", lambda route: route.fulfill(status=500, json={}), times=1)
    visitor.say("Anybody?")
    expect(visitor.page.get_by_role("region", name="Not sent yet")).to_contain_text("Anybody?")
    visitor.option("Anybody?", "Delete")
    visitor.button("Delete").click()
    expect(visitor.page.get_by_text("No conversations yet.")).to_be_visible()
    expect(visitor.questions).to_have_count(0)
    visitor.forgive_failed_loads()


def test_an_image_that_did_not_come_is_asked_for_again_as_one(visitor: Visitor) -> None:
    visitor.page.get_by_text("Image", exact=True).click()
    visitor.say("endless fox")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("endless fox")
    visitor.page.reload()
    visitor.button("Stop").click()
    expect(visitor.answers).to_contain_text("This answer was stopped.")
    with visitor.page.expect_request("**/chat*") as asked:
        visitor.button("Answer again").click()
    assert '"mode":"image"' in (asked.value.post_data or "")
    visitor.button("Stop").click()
    visitor.over()
