"""A server that is killed again and again: no word that somebody wrote or read is lost on the page."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.harness.service import Server
from tests.page.visiting import Visitor

SECONDS = 180
PER_SECOND = 20
WORDS = [f"word{number}" for number in range(1, 51)]
RULES = [{"when": "talk", "text": " ".join(WORDS), "tokens_per_second": PER_SECOND}]


class Writer:
    """A user who goes on writing; `written` is what has to stand in the conversation."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.written: list[str] = []

    def write(self, word: str = "talk") -> None:
        """Send the next message, whether the server is there or not."""
        self.written.append(f"{word} {len(self.written) + 1}")
        self.visitor.box.fill(self.written[-1])
        self.visitor.box.press("Enter")
        expect(self.visitor.questions).to_have_count(len(self.written))

    def go_on(self) -> None:
        """The server is back: send again what was not sent, and let go what waits."""
        visitor = self.visitor
        expect(visitor.page.locator("#notice")).to_have_text("The server is back.")
        unsent = visitor.page.locator(".question", has_text="Not sent")
        visitor.over()
        while unsent.count():
            unsent.first.locator("+ .answer").get_by_text("Try again").click()
            visitor.over()
        expect(visitor.page.get_by_text("Waiting")).to_have_count(0)
        expect(visitor.page.locator(".bubble")).to_have_text(self.written)


def killed_while_one_reads(writer: Writer, server: Server) -> None:
    """What is written after that is not sent until the server is back."""
    writer.write()
    number, answer = len(writer.written), writer.visitor.answers.last
    expect(answer).to_contain_text("word25")
    server.kill()
    expect(answer).to_contain_text("The connection was lost.")
    writer.write("short")
    expect(writer.visitor.questions.last).to_contain_text("Not sent")
    server.start()
    writer.go_on()
    # At most the last second is lost.
    expect(writer.visitor.answers.nth(number - 1)).to_contain_text(" ".join(WORDS[: 25 - PER_SECOND]))


def killed_while_a_message_waits(writer: Writer, server: Server) -> None:
    """It goes by itself once the server is back."""
    writer.write()
    expect(writer.visitor.answers.last).to_contain_text("word5")
    writer.write("short")
    expect(writer.visitor.questions.last).to_contain_text("Waiting")
    server.kill()
    expect(writer.visitor.page.locator("html")).to_have_class("gone")
    server.start()
    writer.go_on()


def killed_as_a_message_goes(writer: Writer, server: Server) -> None:
    """Whether it has arrived nobody knows; it stands there once."""
    # A long answer: one that has ended by then is not missed.
    writer.write()
    server.kill()
    expect(writer.visitor.page.locator("html")).to_have_class("gone")
    server.start()
    writer.go_on()


def killed_while_one_writes(writer: Writer, server: Server) -> None:
    """A draft and an edit stay, also over a reload."""
    visitor = writer.visitor
    writer.write()
    expect(visitor.answers.last).to_contain_text("word3")
    server.kill()
    expect(visitor.answers.last).to_contain_text("The connection was lost.")
    visitor.box.fill("a draft")
    visitor.questions.first.hover()
    visitor.button("Edit message", visitor.questions.first).click()
    editor = visitor.page.get_by_label("Edit your message")
    editor.fill("an edit")
    server.start()
    expect(visitor.page.locator("#notice")).to_have_text("The server is back.")
    expect(visitor.answers.last).to_contain_text("This answer is incomplete.")
    expect(editor).to_have_value("an edit")
    visitor.page.reload()
    expect(editor).to_have_value("an edit")
    expect(visitor.box).to_have_value("a draft")
    visitor.button("Cancel").click()
    expect(visitor.page.locator(".bubble")).to_have_text(writer.written)


@pytest.mark.slow
def test_twenty_kills_lose_no_word(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text(json.dumps({"rules": RULES}))
    began = time.monotonic()
    context = browser.new_context()
    with Server(tmp_path, {"MOCK_SCRIPT": str(tmp_path / "script.yaml")}) as server:
        writer = Writer(Visitor(context.new_page(), server.url, "ada").sign_in())
        for _ in range(5):
            killed_while_one_reads(writer, server)
            killed_while_a_message_waits(writer, server)
            killed_as_a_message_goes(writer, server)
            killed_while_one_writes(writer, server)
        writer.visitor.page.reload()
        expect(writer.visitor.questions).to_have_text(writer.written)
        expect(writer.visitor.answers).to_have_count(len(writer.written))
        context.close()
    assert time.monotonic() - began < SECONDS
