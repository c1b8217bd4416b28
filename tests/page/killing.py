"""A user who writes on while the server is killed: what has to stand on the page after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.harness.service import Server
from tests.page.visiting import Visitor

PER_SECOND = 20


def rules(words: int) -> list[dict[str, Any]]:
    """A script in which "talk" is answered by so many words."""
    text = " ".join(f"word{number}" for number in range(1, words + 1))
    return [{"when": "talk", "text": text, "tokens_per_second": PER_SECOND}]


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

    def edit(self, word: str) -> None:
        """Send the last message again in other words."""
        self.written[-1] = f"{word} {len(self.written)}, edited"
        question = self.visitor.questions.last
        question.hover()
        self.visitor.button("Edit message", question).click()
        editor = self.visitor.page.get_by_label("Edit your message")
        editor.fill(self.written[-1])
        self.visitor.button("Send", question).click()
        while editor.count():
            # It is not taken while the conversation is being loaded.
            question.evaluate("question => question.querySelector('.editor .solid')?.click()")

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
    expect(writer.visitor.answers.nth(number - 1)).to_contain_text(
        " ".join(f"word{n}" for n in range(1, 26 - PER_SECOND))
    )


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


KILLS: tuple[Callable[[Writer, Server], None], ...] = (
    killed_while_one_reads,
    killed_while_a_message_waits,
    killed_as_a_message_goes,
    killed_while_one_writes,
)
