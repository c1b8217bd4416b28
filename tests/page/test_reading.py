"""Reading: images large, and words that run from right to left."""

from __future__ import annotations

from playwright.sync_api import FilePayload, expect

from tests.harness.api import png
from tests.page.conftest import Visit
from tests.page.test_accessibility import faults
from tests.page.visiting import Visitor

HEBREW = "שלום עולם"


def test_an_image_opens_large_and_is_saved(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_text("Image", exact=True).click()
    answer = visitor.ask("A red fox")
    link = answer.get_by_role("link", name="Generated Image")
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Generated Image")
    image = dialog.get_by_role("img")
    expect(image).to_be_in_viewport(ratio=1)
    image.evaluate("image => image.decode()")
    assert (image.bounding_box() or {"height": 0})["height"] > 500
    assert faults(page) == []
    with page.expect_download() as downloaded:
        dialog.get_by_role("link", name="Save").click()
    assert downloaded.value.path().read_bytes().startswith(b"\x89PNG")
    assert downloaded.value.suggested_filename.endswith(".png")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(link).to_be_focused()


def test_an_attached_image_opens_large_while_an_answer_runs(visit: Visit) -> None:
    visitor = visit(360, 640).sign_in()
    attached: FilePayload = {"name": "dot.png", "mimeType": "image/png", "buffer": png(900, 300)}
    visitor.page.locator("#file").set_input_files(attached)
    visitor.say("hold this")
    visitor.questions.get_by_role("link", name="dot.png").click()
    dialog = visitor.page.get_by_role("dialog", name="dot.png")
    expect(dialog.get_by_role("img")).to_be_in_viewport(ratio=1)
    visitor.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    # Escape closed the image alone.
    expect(visitor.button("Stop")).to_be_visible()
    visitor.button("Stop").click()
    visitor.over()


def test_words_from_right_to_left_stand_right_wherever_they_are(visitor: Visitor) -> None:
    page, words = visitor.page, HEBREW
    expect(visitor.box).to_have_css("direction", "ltr")
    visitor.box.fill(words)
    expect(visitor.box).to_have_css("direction", "rtl")
    visitor.ask(words)
    for place in (visitor.questions.locator(".bubble"), page.locator("#title"), visitor.listed.first):
        expect(place).to_have_css("direction", "rtl")
    text = f"{words}, `a = 1`\n\n# {words}\n\n- {words}\n\n> {words}\n\n| {words} | b |\n|--|--|\n| c | d |"
    page.evaluate(
        """async (text) => {
            const {MarkdownView} = await import("/page/markdown-view.js");
            const view = new MarkdownView();
            view.update(text);
            document.querySelector("#messages").append(view.element);
        }""",
        f"{text}\n\n```\nx\n```\n\nEnglish.",
    )
    drawn = page.locator("#messages > .markdown")
    for tag in ("p >> nth=0", "h3", "ul", "li", "blockquote", "blockquote p", "table"):
        expect(drawn.locator(tag).first).to_have_css("direction", "rtl")
    for tag in ("code >> nth=0", "pre"):
        expect(drawn.locator(tag).first).to_have_css("direction", "ltr")
    expect(drawn.get_by_text("English.")).to_have_css("direction", "ltr")
    # The list's room for its marks is on the right.
    assert drawn.locator("ul").evaluate("node => getComputedStyle(node).paddingRight") != "0px"
