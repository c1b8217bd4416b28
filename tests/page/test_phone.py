"""On a phone: fingers, a keyboard over half of the screen, little height; and nothing that jumps, on any screen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.harness.service import Server
from tests.page.conftest import Visit
from tests.page.test_accessibility import faults
from tests.page.visiting import Visitor

# Links within words are as high as the words, and what stands in a label is pressed on the label.
SMALL = """() => [...document.querySelectorAll("button, a, input, select, textarea, summary, label, [role=menuitem]")]
    .filter((node) => node.checkVisibility({visibilityProperty: true}) && !["radio", "checkbox"].includes(node.type))
    .filter((node) => !node.closest(".markdown p, .markdown li") && !node.matches(".skip"))
    .map((node) => [node.id || node.ariaLabel || node.textContent, node.getBoundingClientRect()])
    .filter(([, {width, height}]) => Math.round(width) < 40 || Math.round(height) < 40)
    .map(([name, {width, height}]) => `${name}: ${width} x ${height}`)"""


@pytest.fixture
def phone(browser: Browser, server: Server, userid: str) -> Visitor:
    """A user with a small phone that is touched."""
    context = browser.new_context(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    context.set_default_timeout(15_000)
    return Visitor(context.new_page(), server.url, userid)


def right(page: Page) -> bool:
    """Nothing that is pressed is too small, and axe finds nothing wrong."""
    assert page.evaluate(SMALL) == []
    assert faults(page) == []
    return True


def test_what_is_pressed_has_forty_pixels_and_axe_finds_nothing_wrong(phone: Visitor) -> None:
    page = phone.page
    page.goto(phone.url)
    expect(page.get_by_label("Login")).to_be_focused()
    assert right(page)
    phone.sign_in()
    assert right(page)
    phone.ask("What time is it in Berlin?")
    phone.ask("Show me code")
    phone.say("hold this")
    phone.box.fill("Second")
    phone.box.press("Enter")
    expect(phone.button("Take back")).to_be_visible()
    page.locator("#file").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    page.locator("#document").set_input_files({"name": "plan.md", "mimeType": "", "buffer": b"# Plan"})
    expect(phone.button("Remove a.txt")).to_be_visible()
    assert right(page)
    phone.button("Edit message", phone.questions.first).click()
    assert right(page)
    phone.button("Cancel").click()
    phone.button("Conversations").click()
    expect(phone.button("Delete plan.md")).to_be_in_viewport()
    assert right(page)
    phone.button("Delete plan.md").click()
    assert right(page)
    phone.button("Cancel", page.get_by_role("dialog")).click()
    phone.button("Options for What time is it in Berlin?").click()
    assert right(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    for panel, close in (("The wire", "Close the wire"), ("Emulator", "Close the emulator")):
        phone.button(panel).click()
        assert right(page)
        phone.button(close).click()
    phone.button("Stop").click()
    phone.over()
    page.context.close()


def test_the_keyboard_of_a_phone_does_not_hide_the_message(phone: Visitor) -> None:
    phone.sign_in()
    phone.ask("A long answer please")
    # Where browsers lay the page out anew for the keyboard, they are asked to; Safari only says what is visible.
    asked = re.compile(r"interactive-widget=resizes-content")
    expect(phone.page.locator("meta[name=viewport]")).to_have_attribute("content", asked)
    phone.page.evaluate(
        """() => {
            Object.defineProperty(visualViewport, "height", {configurable: true, get: () => 340});
            visualViewport.dispatchEvent(new Event("resize"));
        }"""
    )
    shape = phone.page.locator("#composer").bounding_box()
    assert shape
    assert shape["y"] + shape["height"] <= 340
    expect(phone.button("Answer again")).to_be_in_viewport()
    phone.page.evaluate("delete visualViewport.height; visualViewport.dispatchEvent(new Event('resize'))")
    shape = phone.page.locator("#composer").bounding_box()
    assert shape
    assert shape["y"] + shape["height"] > 600
    phone.page.context.close()


def test_a_low_screen_shows_the_heading(visit: Visit) -> None:
    visitor = visit(740, 360).sign_in()
    visitor.box.press("Control+/")
    expect(visitor.page.get_by_role("heading", name="Shortcuts")).to_be_in_viewport(ratio=1)
    visitor.page.keyboard.press("Escape")
    for _ in range(2):
        expect(visitor.page.get_by_role("heading", name="What would you like to try?")).to_be_in_viewport(ratio=1)
        expect(visitor.box).to_be_in_viewport(ratio=1)
        expect(visitor.button("Scroll to the end")).to_be_hidden()
        visitor.ask("A long answer please")
        expect(visitor.button("Answer again")).to_be_in_viewport()
        visitor.button("Conversations").click()
        visitor.button("New conversation").click()


SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const {value, hadRecentInput, sources} of list.getEntries())
            if (!hadRecentInput) shifts.push([value, ...sources.map(({node}) => node?.className)]);
    }).observe({type: "layout-shift"});
    window.frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
WORDS = '0:"Some code:\\n\\n```py\\n1\\n2\\n3\\n4\\n```\\n\\nand its end. "'
WAITS = '2:[{"type":"retry","attempt":1,"waitSeconds":2}]'
SOURCE = 'h:{"sourceType":"url","id":"1","url":"https://good.example/a","title":"A page"}'
CALL = 'b:{"toolCallId":"c","toolName":"search_documents"}'
ARGUMENTS = '9:{"toolCallId":"c","toolName":"search_documents","args":{"query":"plans"}}'
RESULT = 'a:{"toolCallId":"c","result":{"passages":[]}}'
# Lines that come between two frames; the end is drawn a frame after the last of them.
BATCHES = (
    (WORDS + "\nd:{}",),
    (WAITS, f"{WORDS}\n{WAITS}", f'{WORDS}\n3:"It broke."\nd:{{}}'),
    (CALL, ARGUMENTS, RESULT, SOURCE, WORDS, WORDS, "d:{}"),
)


def test_nothing_jumps_while_an_answer_streams(visitor: Visitor) -> None:
    visitor.page.evaluate(SHIFTS)
    visitor.page.get_by_text("Image", exact=True).click()
    visitor.ask("A lighthouse")
    for words in ("Draw a lighthouse", "help", "Show me code", "A long answer please"):
        visitor.ask(words)
    # Nor what waits for the end of it.
    visitor.say("paced")
    visitor.box.focus()
    visitor.page.keyboard.type("Second")
    visitor.page.keyboard.press("Enter")
    expect(visitor.button("Take back")).to_be_visible()
    expect(visitor.answers.last).to_contain_text("You said: Second")
    visitor.over()
    visitor.page.evaluate("frame()")
    assert visitor.page.evaluate("shifts") == []


def test_nothing_jumps_however_the_lines_come(visitor: Visitor) -> None:
    visitor.ask("Hello")
    visitor.page.evaluate(SHIFTS)
    visitor.page.evaluate(
        """async (answers) => {
            const {Answer} = await import("/page/answer.js");
            const {AnswerView} = await import("/page/answer-view.js");
            const {parseLine} = await import("/page/stream.js");
            for (const batches of answers) {
                const answer = new Answer();
                const view = new AnswerView(answer, {retry() {}});
                document.getElementById("messages").replaceChildren(view.element);
                view.changed();
                await frame();
                for (const lines of batches) {
                    for (const line of lines.split("\\n")) answer.apply(...parseLine(line));
                    view.changed();
                    await frame();
                }
                view.finish();
                await frame();
            }
        }""",
        BATCHES,
    )
    expect(visitor.page.get_by_role("region", name="Sources")).to_contain_text("A page")
    assert visitor.page.evaluate("shifts") == []


def test_a_screen_reader_meets_things_in_their_order(visitor: Visitor) -> None:
    visitor.ask("What time is it in Berlin?")
    visitor.say("hold this")
    visitor.box.fill("Second")
    visitor.box.press("Enter")
    expect(visitor.button("Take back")).to_be_visible()
    expect(visitor.answers.last).to_contain_text("one two three")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("What time is it in Berlin?")
    expect(visitor.listed).to_have_count(1)
    expect(visitor.page.get_by_role("region", name="Documents")).to_be_visible()
    read = visitor.page.locator("#app").aria_snapshot()
    order = (
        "Skip to the message", "navigation", "New conversation", "Search conversations", "link \"What time",
        "Documents", "Sign out", "main", "heading \"What time is it in Berlin?\" [level=1]", "region \"Messages\"",
        "article \"You\"", "article \"Answer\"", "get_current_time", "The current time", "Copy answer", "hold this",
        "one two three", "Second", "Waiting", "Take back", "form \"New message\"", "textbox \"Message\"", "Stop",
    )  # fmt: skip
    places = [read.find(words) for words in order]
    assert -1 not in places, order[places.index(-1)]
    after = 0
    for words in order:
        after = read.find(words, after)
        assert after >= 0, words
    visitor.button("Stop").click()
