"""Asking and being answered: words, code, tools, images, attachments; stop, again, edit."""

from __future__ import annotations

import re

from playwright.sync_api import FilePayload, Page, Route, expect

from tests.harness.api import png
from tests.page.visiting import Visitor


def test_a_question_is_answered_and_the_conversation_listed(visitor: Visitor) -> None:
    answer = visitor.ask("Hello there")
    expect(answer).to_contain_text("You said: Hello there")
    expect(visitor.questions).to_have_text("Hello there")
    expect(visitor.listed).to_have_text(["Hello there"])
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Hello there")
    expect(visitor.page).to_have_title("Hello there – Mock Backend")
    assert re.search(r"\?c=[\w-]+$", visitor.page.url)


def test_a_conversation_goes_on(visitor: Visitor) -> None:
    visitor.ask("First")
    expect(visitor.ask("Second")).to_contain_text("You said: Second")
    visitor.page.reload()
    expect(visitor.questions).to_have_text(["First", "Second"])
    expect(visitor.answers).to_have_count(2)


def test_letters_beyond_ascii_arrive_whole(visitor: Visitor) -> None:
    expect(visitor.ask("unicode: ü 世 👩‍🚀")).to_contain_text("Grüße, 世界 👩‍🚀 — Ende.")
    visitor.page.reload()
    expect(visitor.questions).to_have_text("unicode: ü 世 👩‍🚀")


def test_code_stands_in_a_block_that_can_be_copied(visitor: Visitor) -> None:
    answer = visitor.ask("Show me code")
    expect(answer.locator("figure.code figcaption span").first).to_have_text("Python")
    visitor.button("Copy code", answer).click()
    expect(visitor.spoken).to_have_text("Copied.")
    assert visitor.page.evaluate("navigator.clipboard.readText()") == 'for line in stream:\n    print(line, end="")'


def test_an_answer_is_copied_as_markdown(visitor: Visitor) -> None:
    answer = visitor.ask("Show me code")
    visitor.button("Copy answer", answer).click()
    expect(visitor.spoken).to_have_text("Copied.")
    assert "```python\n" in visitor.page.evaluate("navigator.clipboard.readText()")


def test_a_definition_at_the_end_serves_a_link_before_it(visitor: Visitor) -> None:
    link = visitor.ask("Give me a definition").get_by_role("link", name="the text")
    expect(link).to_have_attribute("href", "https://good.example/text")


def test_a_tool_call_is_folded_and_opens(visitor: Visitor) -> None:
    answer = visitor.ask("What time is it in Berlin?")
    tool = answer.locator("details.tool")
    expect(tool.locator("summary")).to_contain_text("get_current_time")
    expect(tool.locator("summary")).to_contain_text("Europe/Berlin")
    expect(tool).to_have_attribute("data-state", "done")
    expect(tool.get_by_label("Result")).to_be_hidden()
    tool.locator("summary").click()
    expect(tool.get_by_label("Arguments")).to_contain_text('"timezone": "Europe/Berlin"')
    expect(tool.get_by_label("Result")).to_contain_text('"time": "')
    expect(answer).to_contain_text("The current time is")
    visitor.page.reload()
    expect(visitor.answers.locator("details.tool summary")).to_contain_text("done")


def test_a_tool_that_failed_says_so(visitor: Visitor) -> None:
    answer = visitor.ask("What time is it on mars?")
    expect(answer.locator("details.tool")).to_have_attribute("data-state", "failed")
    expect(answer).to_contain_text("No clock there.")


def test_reasoning_is_folded(visitor: Visitor) -> None:
    answer = visitor.ask("Who reasons?")
    expect(answer.get_by_text("Let me think.")).to_be_hidden()
    answer.get_by_text("Reasoning").click()
    expect(answer.get_by_text("Let me think.")).to_be_visible()


def test_an_image_is_made_and_kept(visitor: Visitor) -> None:
    visitor.page.get_by_text("Image", exact=True).click()
    expect(visitor.box).to_have_attribute("placeholder", "Describe an image")
    answer = visitor.say("A slow fox")
    expect(answer).to_contain_text("Generating the image…")
    # What is written next is for the chat.
    expect(visitor.page.get_by_role("radio", name="Chat")).to_be_checked()
    expect(visitor.box).to_have_attribute("placeholder", "Write a message")
    visitor.over()
    image = answer.get_by_role("img", name="Generated Image")
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("img => img.naturalWidth") == 1024
    visitor.page.reload()
    expect(image).to_have_attribute("src", re.compile(r"^/images/[\w-]{32}$"))
    # Asked again, it is an image again.
    first = image.get_attribute("src")
    visitor.button("Answer again").click()
    expect(image).not_to_have_attribute("src", first or "")
    visitor.over()
    expect(image).to_be_visible()


def test_stop_ends_an_answer_and_keeps_its_words(visitor: Visitor) -> None:
    answer = visitor.say("hold this")
    expect(answer).to_contain_text("one two three four five six")
    visitor.button("Stop").click()
    visitor.over()
    expect(answer).to_contain_text("one two three four five six")
    expect(answer).to_contain_text("This answer was stopped.")
    visitor.page.reload()
    expect(visitor.answers).to_contain_text("one two three four five six")
    expect(visitor.answers).to_contain_text("This answer is incomplete.")
    expect(visitor.ask("And now?")).to_be_visible()


def test_stop_waits_for_a_server_that_has_not_taken_the_message_yet(visitor: Visitor) -> None:
    held: list[Route] = []
    visitor.page.route("**/chat*", lambda route: held.append(route))
    visitor.say("paced")
    visitor.button("Stop").click()
    expect(visitor.spoken).to_have_text("Stopping.")
    held[0].continue_()
    expect(visitor.answers).to_contain_text("This answer was stopped.")


def test_an_answer_is_given_again_in_its_place(visitor: Visitor) -> None:
    visitor.ask("Before")
    answer = visitor.ask("What time is it in Oslo?")
    answer.locator("summary").click()
    result = answer.get_by_label("Result").text_content()
    visitor.button("Answer again", answer).click()
    visitor.over()
    expect(visitor.questions).to_have_text(["Before", "What time is it in Oslo?"])
    expect(visitor.answers).to_have_count(2)
    assert result
    visitor.page.reload()
    expect(visitor.questions).to_have_text(["Before", "What time is it in Oslo?"])
    expect(visitor.answers).to_have_count(2)


def test_an_own_message_is_edited_and_what_follows_replaced(visitor: Visitor) -> None:
    visitor.ask("Alpha")
    visitor.ask("Beta")
    visitor.questions.first.hover()
    visitor.button("Edit message", visitor.questions.first).click()
    editor = visitor.page.get_by_label("Edit your message")
    expect(editor).to_have_value("Alpha")
    editor.fill("Gamma")
    editor.press("Enter")
    visitor.over()
    expect(visitor.questions).to_have_text(["Gamma"])
    expect(visitor.answers).to_contain_text(["You said: Gamma"])
    visitor.page.reload()
    expect(visitor.questions).to_have_text(["Gamma"])
    expect(visitor.answers).to_contain_text(["You said: Gamma"])


def test_an_edit_can_be_left(visitor: Visitor) -> None:
    visitor.ask("Alpha")
    visitor.button("Edit message").click()
    visitor.page.get_by_label("Edit your message").fill("Never")
    visitor.page.keyboard.press("Escape")
    expect(visitor.questions).to_have_text("Alpha")
    expect(visitor.button("Edit message")).to_be_focused()


def test_an_answer_that_broke_off_says_why_and_is_tried_again(visitor: Visitor) -> None:
    answer = visitor.ask("break once")
    expect(answer.locator(".status.failed")).to_be_visible()
    expect(visitor.spoken).to_contain_text("Error: ")
    visitor.button("Try again").click()
    expect(visitor.answers).to_contain_text("It holds now.")
    expect(visitor.answers).to_have_count(1)
    visitor.over()
    expect(visitor.page.locator(".status.failed")).to_have_count(0)


def test_a_wait_for_a_busy_model_is_told(visitor: Visitor) -> None:
    answer = visitor.say("busy")
    expect(answer).to_contain_text("The model is busy; trying again in")
    visitor.over()
    expect(answer).to_contain_text("Free again.")


def test_a_refused_message_says_why_and_can_be_sent_again(visitor: Visitor) -> None:
    visitor.ask("Hello")
    visitor.page.route(
        "**/chat*",
        lambda route: route.fulfill(
            status=429, json={"error": {"code": "too_many", "message": "Too many answers run."}}
        ),
        times=1,
    )
    answer = visitor.say("Again")
    expect(answer).to_contain_text("Too many answers run.")
    visitor.forgive_failed_loads()
    visitor.button("Try again").click()
    expect(visitor.answers.nth(1)).to_contain_text("You said: Again")


def test_images_and_text_are_attached_and_kept(visitor: Visitor) -> None:
    files: list[FilePayload] = [
        {"name": "dot.png", "mimeType": "image/png", "buffer": png(40, 30)},
        {"name": "notes.md", "mimeType": "text/markdown", "buffer": "# Nötes".encode()},
        {"name": "code.ts", "mimeType": "video/mp2t", "buffer": b"const a = 1;"},
        {"name": "gone.txt", "mimeType": "text/plain", "buffer": b"gone"},
    ]
    visitor.page.locator("#file").set_input_files(files)
    strip = visitor.page.locator("#attached")
    expect(strip.locator(".name")).to_have_text(["dot.png", "notes.md", "code.ts", "gone.txt"])
    visitor.button("Remove gone.txt").click()
    answer = visitor.ask("What do you see?")
    expect(answer).to_contain_text("and I see 1 image")
    expect(answer).to_contain_text("Nötes")
    expect(strip).to_be_hidden()
    question = visitor.questions.first
    expect(question.get_by_role("img", name="dot.png")).to_be_visible()
    visitor.page.reload()
    image = question.get_by_role("img", name="dot.png")
    expect(image).to_have_js_property("naturalWidth", 40)
    expect(question).to_contain_text("notes.md")
    # They stay when the words are changed.
    question.hover()
    visitor.button("Edit message", question).click()
    visitor.page.get_by_label("Edit your message").fill("And now?")
    visitor.button("Send", question).click()
    visitor.over()
    expect(visitor.answers).to_contain_text("and I see 1 image")
    visitor.page.reload()
    expect(question.get_by_role("img", name="dot.png")).to_be_visible()
    expect(question).to_contain_text("code.ts")


def test_a_file_that_neither_a_message_nor_the_documents_take_is_refused_in_words(visitor: Visitor) -> None:
    visitor.page.locator("#file").set_input_files({"name": "a.bin", "mimeType": "", "buffer": b"\0\xff"})
    notice = visitor.page.locator("#notice")
    expect(notice).to_contain_text("a.bin cannot be read. This type of file is not supported")
    expect(visitor.spoken).to_contain_text("a.bin cannot be read.")
    expect(visitor.page.locator("#attached")).to_be_hidden()
    # It does not lie about either.
    expect(visitor.page.get_by_role("region", name="Documents").get_by_role("listitem")).to_have_count(0)
    visitor.page.reload()
    expect(visitor.page.get_by_role("region", name="Documents")).to_be_visible()
    expect(visitor.page.get_by_role("region", name="Documents").get_by_role("listitem")).to_have_count(0)


def test_what_is_said_at_the_same_time_stands_together(modules: Page) -> None:
    assert modules.evaluate(
        """async () => {
            const {notice} = await import("/page/notice.js");
            const bar = document.getElementById("notice");
            const said = [];
            const say = (words, how) => said.push((notice(words, how), bar.textContent));
            for (const words of ["One is damaged.", "Two is damaged.", "One is damaged."]) say(words);
            say("The server is gone.", {stays: true});
            say("The server restarts.", {stays: true});
            say("The server is back.", {good: true});
            say("Three is damaged.");
            return said;
        }"""
    ) == [
        "One is damaged.",
        "One is damaged.\nTwo is damaged.",
        "Two is damaged.\nOne is damaged.",
        "Two is damaged.\nOne is damaged.\nThe server is gone.",
        "Two is damaged.\nOne is damaged.\nThe server restarts.",
        "The server is back.",
        "Three is damaged.",
    ]


def test_dropped_and_pasted_files_are_attached(visitor: Visitor) -> None:
    for event, key in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        visitor.page.evaluate(
            """([event, key]) => {
                const data = new DataTransfer();
                data.items.add(new File(["words"], `${event}.txt`, {type: "text/plain"}));
                const made = event === "drop"
                    ? new DragEvent(event, {[key]: data, bubbles: true, cancelable: true})
                    : new ClipboardEvent(event, {[key]: data, bubbles: true, cancelable: true});
                document.getElementById("message").dispatchEvent(made);
            }""",
            [event, key],
        )
    expect(visitor.page.locator("#attached .name")).to_have_text(["drop.txt", "paste.txt"])


def test_an_example_is_put_into_the_box(visitor: Visitor) -> None:
    visitor.page.get_by_role("button", name="Generate an image").click()
    expect(visitor.box).to_have_value("A lighthouse in fog, seen from the water")
    expect(visitor.page.get_by_role("radio", name="Image")).to_be_checked()
