"""For everybody: axe's findings, the keyboard alone, a screen reader, a small phone, light and dark."""

from __future__ import annotations

from importlib import resources

import pytest
from playwright.sync_api import Page, expect

from tests.harness.api import png
from tests.page.conftest import Visit
from tests.page.visiting import Visitor

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
RUN = (
    "async () => (await axe.run()).violations.map(({id, impact, nodes}) => [impact, id, nodes.map(node => node.html)])"
)


def faults(page: Page) -> list[str]:
    """What axe finds wrong, of any weight."""
    page.evaluate(AXE)
    return [f"{impact}: {rule}: {nodes}" for impact, rule, nodes in page.evaluate(RUN)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(visit: Visit, scheme: str) -> None:
    visitor = visit(scheme=scheme)
    visitor.page.goto(visitor.url)
    assert faults(visitor.page) == []
    visitor.fill_in("u", "p")
    expect(visitor.box).to_be_focused()
    assert faults(visitor.page) == []
    visitor.page.locator("#file").set_input_files({"name": "dot.png", "mimeType": "image/png", "buffer": png(40, 30)})
    visitor.ask("What time is it in Berlin?")
    visitor.ask("Show me code")
    visitor.ask("Be hostile")
    visitor.ask("formulas please")
    visitor.ask("Who reasons?")
    visitor.page.locator("details.tool summary").click()
    visitor.button("The wire").click()
    expect(visitor.page.locator("#wire li").last).to_contain_text("d:")
    assert faults(visitor.page) == []
    visitor.questions.first.hover()
    visitor.button("Edit message", visitor.questions.first).click()
    visitor.option("What time is it in Berlin?", "Rename")
    assert faults(visitor.page) == []
    visitor.page.keyboard.press("Escape")
    visitor.page.locator("#list li").hover()
    visitor.button("Options for What time is it in Berlin?").click()
    assert faults(visitor.page) == []
    visitor.page.get_by_role("menuitem", name="Delete").click()
    assert faults(visitor.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_on_a_phone(visit: Visit, scheme: str) -> None:
    visitor = visit(360, 640, scheme).sign_in()
    visitor.ask("break once" if scheme == "light" else "hostile")
    assert faults(visitor.page) == []
    visitor.button("Conversations").click()
    expect(visitor.listed).to_be_visible()
    assert faults(visitor.page) == []


def test_the_keyboard_alone_is_enough(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(visitor.url)
    expect(page.get_by_label("Login")).to_be_focused()
    for word in ("u", "p", visitor.userid):
        page.keyboard.type(word)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(visitor.box).to_be_focused()
    page.keyboard.type("Two")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("lines")
    page.keyboard.press("Enter")
    expect(visitor.answers).to_contain_text("You said: Two")
    visitor.over()
    expect(visitor.questions).to_contain_text("Two\nlines", use_inner_text=True)
    # Edit it: from the box back to the conversation.
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if visitor.button("Edit message").evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.keyboard.type(" hold")
    page.keyboard.press("Enter")
    expect(visitor.button("Stop")).to_be_visible()
    expect(visitor.answers).to_contain_text("six")
    page.keyboard.press("Escape")
    visitor.over()
    # A new conversation, then search for the old one and open it.
    page.keyboard.press("Control+Shift+O")
    expect(visitor.box).to_be_focused()
    expect(visitor.answers).to_have_count(0)
    page.keyboard.press("Control+K")
    page.keyboard.type("two")
    expect(visitor.page.get_by_role("region", name="Found")).to_be_visible()
    page.keyboard.press("Tab")
    expect(visitor.listed).to_be_focused()
    page.keyboard.press("Enter")
    expect(visitor.answers).to_contain_text("one two three")
    # The image mode, with the arrows.
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(visitor.page.get_by_role("radio", name="Image")).to_be_checked()


def test_the_focus_can_be_seen(visitor: Visitor) -> None:
    visitor.page.keyboard.press("Tab")
    focused = visitor.page.locator(":focus-visible")
    outline = focused.evaluate(
        "node => getComputedStyle(node.matches('[name=mode]') ? node.nextElementSibling : node).outline"
    )
    assert "none" not in outline


def test_a_screen_reader_is_told_of_an_answer_once(visitor: Visitor) -> None:
    visitor.page.evaluate(
        """() => {
            const region = document.getElementById("announcer");
            window.announced = [];
            new MutationObserver(() => window.announced.push(region.textContent)).observe(region, {childList: true});
        }"""
    )
    visitor.ask("Hello there")
    expect(visitor.spoken).to_have_text("Answer: You said: Hello there")
    assert visitor.page.evaluate("window.announced") == ["Answering.", "Answer: You said: Hello there"]
    expect(visitor.spoken).to_have_attribute("aria-live", "polite")


def test_a_small_phone_scrolls_up_and_down_alone(visit: Visit) -> None:
    visitor = visit(360, 640)
    page = visitor.page

    def fits() -> bool:
        wide = page.evaluate(
            """() => [document.documentElement, document.getElementById("scroller"), document.getElementById("sidebar")]
                .filter(node => node.scrollWidth > node.clientWidth).map(node => node.id || "page")"""
        )
        return bool(wide == [])

    page.goto(visitor.url)
    assert fits()
    visitor.fill_in("u", "p")
    expect(visitor.box).to_be_focused()
    assert fits()
    visitor.ask("Show me code")
    visitor.ask("Be hostile")
    visitor.ask("x" * 300)
    visitor.ask("What time is it in Berlin?")
    page.get_by_text("Image", exact=True).click()
    visitor.ask("W" * 100)
    assert fits()
    for control in ("Send", "The wire", "Conversations"):
        expect(visitor.button(control)).to_be_in_viewport(ratio=1)
    visitor.button("Conversations").click()
    expect(visitor.listed).to_be_in_viewport()
    assert fits()
    page.keyboard.press("Escape")
    expect(visitor.listed).not_to_be_in_viewport()
    expect(visitor.button("Conversations")).to_be_focused()
    visitor.button("The wire").click()
    expect(page.locator("#wire li").last).to_contain_text("d:")
    assert fits()
    visitor.button("Close the wire").click()
    expect(visitor.button("The wire")).to_be_focused()
    visitor.button("Conversations").click()
    visitor.button("New conversation").click()
    expect(visitor.button("New conversation")).not_to_be_in_viewport()
    expect(visitor.answers).to_have_count(0)


def test_the_look_follows_the_system_until_it_is_chosen(visit: Visit) -> None:
    visitor = visit(scheme="dark").sign_in()
    page = visitor.page

    def is_dark() -> bool:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        return bool(sum(colour) < 300)

    assert is_dark()
    visitor.button("Light theme").click()
    assert not is_dark()
    page.reload()
    expect(visitor.button("Dark theme")).to_be_visible()
    assert not is_dark()
    visitor.button("Dark theme").click()
    assert is_dark()
    page.emulate_media(color_scheme="light")
    expect(visitor.button("Dark theme")).to_be_visible()
    assert not is_dark()
