"""What an answer took and how it came: figures, the wire in both framings, export, shortcuts, the deployment."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Locator, expect

from tests.harness.api import png
from tests.page.conftest import Visit
from tests.page.test_accessibility import faults
from tests.page.visiting import Visitor

FIGURES = re.compile(r"^\d+ tokens in, \d+ out · first word after \d+\.\d+ s · \d+\.\d+ s in all$")


def panel_of(visitor: Visitor) -> Locator:
    """The panel of the wire."""
    return visitor.page.get_by_role("complementary", name="The wire")


def test_below_an_answer_stand_its_tokens_and_seconds_and_the_way_to_its_wire(visitor: Visitor) -> None:
    first = visitor.ask("Hello there")
    second = visitor.ask("paced: what is it?")
    expect(first.locator(".figures")).to_have_text(FIGURES)
    expect(second.locator(".figures")).to_have_text(FIGURES)
    panel = panel_of(visitor)
    visitor.button("Show the wire", first).click()
    expect(panel.locator("li").last).to_contain_text("d:{")
    assert "Hello" in "".join(panel.locator("li code").all_text_contents())
    spent = json.loads(panel.locator("li").last.locator("code").inner_text()[2:])["usage"]
    expect(first.locator(".figures")).to_contain_text(f"{spent['inputTokens']} tokens in, {spent['outputTokens']} out")
    panel.get_by_text("Request body").click()
    body = json.loads(panel.get_by_label("Request body").inner_text())
    assert (body["messages"][0]["content"], body["mode"]) == ("Hello there", "chat")
    # An answer that came before the page was loaded keeps its figures, and has no lines to show.
    visitor.page.reload()
    expect(first.locator(".figures")).to_have_text(FIGURES)
    expect(visitor.button("Show the wire")).to_have_count(0)


def test_the_lines_of_words_can_be_hidden(visitor: Visitor) -> None:
    visitor.button("The wire").click()
    panel = panel_of(visitor)
    panel.get_by_label("Lines of words").uncheck()
    visitor.ask("What time is it in Berlin?")
    expect(panel.locator("li").last).to_contain_text("d:{")
    codes = [text[0] for text in panel.locator("li code").all_text_contents()]
    assert "0" not in codes
    assert {"f", "9", "a", "e", "d"} <= set(codes)
    expect(panel.locator("#wire-count")).to_contain_text("of words hidden")
    panel.get_by_label("Lines of words").check()
    expect(panel.locator("li code", has_text=re.compile("^0:")).first).to_be_visible()
    expect(panel.locator("#wire-count")).not_to_contain_text("hidden")


def test_an_answer_comes_in_either_framing_and_looks_the_same(visitor: Visitor) -> None:
    visitor.button("The wire").click()
    panel = panel_of(visitor)
    asked = ("What time is it in Berlin?", "Who reasons?", "mars", "Hello")
    seen: dict[str, list[str]] = {}
    for framing in ("Data stream", "UI message stream"):
        visitor.page.keyboard.press("Control+Shift+O")
        panel.get_by_label("Framing").select_option(framing)
        for text in asked:
            visitor.ask(text)
        seen[framing] = [re.sub(r"\d+", "", words) for words in visitor.page.locator(".answer .body").all_inner_texts()]
        rows = panel.locator("li code")
        expect(rows.last).to_contain_text("data: [DONE]" if framing.startswith("UI") else "d:{")
        expect(visitor.answers.last.locator(".figures")).to_have_text(FIGURES)
    assert seen["UI message stream"] == seen["Data stream"]
    expect(panel.locator("#wire-request")).to_have_text("POST /chat?protocol=ui")
    panel.get_by_label("Framing").select_option("Data stream")
    expect(panel).to_contain_text("The next answer comes in this framing.")


def test_a_running_answer_is_joined_in_the_framing_that_is_chosen(visitor: Visitor) -> None:
    visitor.say("hold this")
    expect(visitor.answers).to_contain_text("six")
    address = visitor.page.url
    visitor.button("The wire").click()
    panel_of(visitor).get_by_label("Framing").select_option("UI message stream")
    visitor.page.keyboard.press("Control+Shift+O")
    visitor.listed.first.click()
    expect(visitor.page).to_have_url(address)
    expect(visitor.answers).to_contain_text("one two three four five six")
    expect(panel_of(visitor).locator("li code").first).to_contain_text('data: {"type":"start"')
    visitor.button("Stop").click()
    visitor.over()
    expect(visitor.answers).to_contain_text("This answer was stopped.")


def test_a_conversation_is_exported(visitor: Visitor) -> None:
    page = visitor.page
    visitor.button("More").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Shortcuts"])
    page.keyboard.press("Escape")
    page.locator("#file").set_input_files({"name": "dot.png", "mimeType": "image/png", "buffer": png(40, 30)})
    visitor.ask("What time is it in Berlin?")
    visitor.ask("formulas please")
    saved = {}
    for item in ("Export as Markdown", "Export as JSON"):
        visitor.button("More").click()
        with page.expect_download() as downloaded:
            page.get_by_role("menuitem", name=item).click()
        saved[downloaded.value.suggested_filename] = downloaded.value.path().read_text()
    assert list(saved) == ["What time is it in Berlin.md", "What time is it in Berlin.json"]
    text, stored = saved["What time is it in Berlin.md"], json.loads(saved["What time is it in Berlin.json"])
    assert text.startswith("# What time is it in Berlin?\n\n## You\n\nWhat time is it in Berlin?\n\n- [dot.png](http")
    assert re.search(r'## Answer\n\nTool `get_current_time`:\n\n```json\n\{\n  "args": \{\n    "timezone"', text)
    assert r"A root $x_1^{*}$ costs $5, not $6, and \(a_1 * b_1 * c\) is short." in text
    assert [message["role"] for message in stored["messages"]] == ["user", "assistant"] * 2


def test_the_shortcuts_are_listed_at_a_question_mark(visit: Visit) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    dialog = page.get_by_role("dialog", name="Shortcuts")
    page.keyboard.type("?")
    expect(visitor.box).to_have_value("?")
    page.keyboard.press("Control+/")
    expect(dialog).to_contain_text("New conversation")
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    visitor.button("The wire").focus()
    page.keyboard.press("?")
    expect(dialog).to_be_visible()
    visitor.button("Close", dialog).click()
    expect(visitor.button("The wire")).to_be_focused()


def test_the_deployment_is_named(visitor: Visitor) -> None:
    expect(visitor.page.locator("#deployment")).to_have_text("mock-gpt")
    expect(visitor.button("Emulator")).to_be_visible()
