"""The stream as it comes: no flicker, no jump, every letter, every line."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
from playwright.sync_api import Page, expect

from tests.harness.service import AUTH
from tests.page.answers import long_answer
from tests.page.conftest import Visit
from tests.page.visiting import Visitor

WATCH = """() => {
    const seen = window.seen = {added: 0, removed: [], scrolledUp: 0};
    const scroller = document.getElementById("scroller");
    let top = 0;
    scroller.addEventListener("scroll", () => {
        if (scroller.scrollTop < top - 1) seen.scrolledUp += 1;
        top = scroller.scrollTop;
    });
    new MutationObserver((changes) => {
        for (const {target, addedNodes, removedNodes} of changes) {
            if (!target.classList?.contains("markdown")) continue;
            for (const node of addedNodes) {
                if (!node.number) { node.number = seen.added + 1; seen.added += 1; }
            }
            for (const node of removedNodes) if (node.number < seen.added - 3) seen.removed.push(node.number);
        }
    }).observe(document.getElementById("messages"), {childList: true, subtree: true});
}"""


def test_a_long_answer_grows_at_its_end_and_nothing_above_is_drawn_again(visitor: Visitor) -> None:
    visitor.page.evaluate(WATCH)
    answer = visitor.ask("A long answer please")
    expect(answer).to_contain_text("The end of it.")
    assert len(long_answer().split()) > 4000
    blocks = answer.locator(".markdown > .block")
    assert blocks.count() == 1 + 25 * 4 + 1
    seen = visitor.page.evaluate("window.seen")
    assert seen["removed"] == []
    assert seen["scrolledUp"] == 0
    # Pinned to its end.
    expect(visitor.button("Answer again")).to_be_in_viewport()
    # What was drawn in pieces is what is drawn at once.
    pieces = answer.locator(".markdown").inner_html()
    visitor.page.reload()
    expect(visitor.answers).to_contain_text("The end of it.")
    assert visitor.answers.locator(".markdown").inner_html() == pieces


def test_who_scrolls_up_is_left_there_and_a_button_leads_back(visitor: Visitor) -> None:
    visitor.ask("A long answer please")
    visitor.say("hold this, paced")
    expect(visitor.answers.last).to_contain_text("step2")
    visitor.page.locator("#scroller").hover()
    visitor.page.mouse.wheel(0, -3000)
    to_end = visitor.button("Scroll to the end")
    expect(to_end).to_be_visible()
    top = visitor.page.locator("#scroller").evaluate("node => node.scrollTop")
    visitor.over()
    expect(visitor.answers.last).to_contain_text("done.")
    assert visitor.page.locator("#scroller").evaluate("node => node.scrollTop") == top
    to_end.click()
    expect(visitor.button("Answer again")).to_be_in_viewport()
    expect(to_end).to_be_hidden()


def test_the_key_end_pins_the_conversation_to_its_end_at_once(visitor: Visitor) -> None:
    visitor.ask("A long answer please")
    visitor.say("paced")
    expect(visitor.answers.last).to_contain_text("step2")
    scroller = visitor.page.locator("#scroller")
    scroller.focus()
    visitor.page.keyboard.press("Home")
    # The browser animates this one; half way it would go on after the key End.
    expect(scroller).to_have_js_property("scrollTop", 0)
    expect(visitor.button("Scroll to the end")).to_be_visible()
    # In the same task as the key, whatever the answer adds meanwhile.
    left = scroller.evaluate(
        """node => {
            node.dispatchEvent(new KeyboardEvent("keydown", {key: "End", bubbles: true, cancelable: true}));
            return node.scrollHeight - node.scrollTop - node.clientHeight;
        }"""
    )
    assert left < 1
    # So it does where one writes, as long as nothing is written.
    visitor.page.keyboard.press("Home")
    expect(scroller).to_have_js_property("scrollTop", 0)
    expect(visitor.button("Scroll to the end")).to_be_visible()
    visitor.box.press("End")
    expect(visitor.button("Scroll to the end")).to_be_hidden()
    visitor.over()
    expect(visitor.button("Answer again")).to_be_in_viewport()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_letters_and_lines_that_packets_cut_are_put_together(modules: Page, size: int) -> None:
    found = modules.evaluate(
        """async (size) => {
            const {parseLine, readLines} = await import("/page/stream.js");
            const words = '0:"Grüße, 世界 👩‍🚀\\u2028\\\\n"';
            const sent = `f:{"messageId":"ä"}\\n${words}\\n\\n2:[]\\nd:{"finishReason":"stop"}\\n`;
            const bytes = new TextEncoder().encode(sent);
            const body = new ReadableStream({
                start(controller) {
                    for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
                    controller.close();
                },
            });
            const lines = [];
            for await (const batch of readLines(body)) lines.push(...batch.lines.map(parseLine));
            return lines;
        }""",
        size,
    )
    assert found == [
        ["f", {"messageId": "ä"}],
        ["0", "Grüße, 世界 👩‍🚀\u2028\n"],
        ["2", []],
        ["d", {"finishReason": "stop"}],
    ]


def test_a_last_line_without_an_end_is_read_too(modules: Page) -> None:
    found = modules.evaluate(
        """async () => {
            const {readLines} = await import("/page/stream.js");
            const lines = [];
            for await (const batch of readLines(new Response('0:"a"\\n3:"cut"').body)) lines.push(...batch.lines);
            return lines;
        }"""
    )
    assert found == ['0:"a"', '3:"cut"']


def test_what_the_page_does_not_know_is_reported_once_and_left_out(modules: Page) -> None:
    found = modules.evaluate(
        """async () => {
            const {Answer} = await import("/page/answer.js");
            const heard = [];
            const warn = console.warn;
            console.warn = text => heard.push(text);
            const answer = new Answer();
            for (const code of ["f", "e", "y", "z", "y", "d"]) answer.apply(code, {});
            const parts = [{type: "step-start"}, {type: "song"}, {type: "text", text: "Words"}, {type: "song"}];
            const stored = Answer.of({id: "m", parts});
            console.warn = warn;
            return [answer.parts.length, stored.text, ...heard.map(text => text.split(" and ")[0])];
        }"""
    )
    assert found == [
        0,
        "Words",
        'This page does not know lines that begin with "y:"',
        'This page does not know lines that begin with "z:"',
        'This page does not know parts of the type "song"',
    ]


def test_sources_of_an_answer_are_named(visitor: Visitor) -> None:
    visitor.page.evaluate(
        """async () => {
            const {Answer} = await import("/page/answer.js");
            const {AnswerView} = await import("/page/answer-view.js");
            const answer = new Answer();
            const view = new AnswerView(answer, {retry() {}});
            document.getElementById("messages").append(view.element);
            answer.apply("f", {messageId: "m"});
            answer.apply("0", "It is in your files.");
            for (const source of [
                {id: "1", url: "https://good.example/a", title: "A page"},
                {id: "2", url: `${location.origin}/files/7/content`, title: "Plan.pdf"},
                {id: "3", url: "javascript:alert(1)", title: "Bad"},
            ]) answer.apply("h", {sourceType: "url", ...source});
            answer.apply("d", {finishReason: "stop"});
            view.finish();
        }"""
    )
    sources = visitor.page.get_by_role("region", name="Sources")
    expect(sources.get_by_role("link")).to_have_text("A page")
    expect(sources.get_by_role("link")).to_have_attribute("rel", "noopener noreferrer")
    expect(visitor.button("Plan.pdf", sources)).to_be_visible()
    expect(sources.get_by_role("listitem")).to_have_count(3)


def test_help_has_a_source_where_there_is_no_document(visitor: Visitor) -> None:
    visitor.ask("help")
    source = visitor.page.get_by_role("region", name="Sources").get_by_role("link")
    expect(source).to_have_text("AI SDK UI: Stream Protocols")
    expect(source).to_have_attribute("href", re.compile("^https://ai-sdk.dev/"))


def test_the_wire_shows_every_line_with_its_time(visitor: Visitor) -> None:
    visitor.button("The wire").click()
    panel = visitor.page.get_by_role("complementary", name="The wire")
    expect(panel).to_contain_text("The lines of the next answer appear here")
    visitor.ask("Hello there")
    rows = panel.get_by_role("listitem")
    expect(rows.last).to_contain_text('d:{"finishReason":"stop"')
    shown = rows.locator("code").all_text_contents()
    assert re.fullmatch(r'f:\{"messageId":"[^"]+"\}', shown[0])
    assert "".join(line[0] for line in shown) == "f" + "0" * (len(shown) - 3) + "ed"
    times = [float(text) for text in rows.locator("time").all_text_contents()]
    assert times == sorted(times)
    assert 0 < times[0] < 10
    visitor.button("Copy the lines", panel).click()
    expect(visitor.spoken).to_have_text("Copied.")
    assert visitor.page.evaluate("navigator.clipboard.readText()") == "".join(f"{line}\n" for line in shown)


def test_the_wire_fills_while_it_is_shut(visitor: Visitor) -> None:
    visitor.ask("A long answer please")
    visitor.button("The wire").click()
    panel = visitor.page.get_by_role("complementary", name="The wire")
    expect(panel.locator("li").last).to_contain_text("d:{")
    assert panel.locator("li").count() > 4000
    visitor.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(visitor.button("The wire")).to_be_focused()


def test_the_request_is_copied_as_a_curl_call_that_works(visitor: Visitor) -> None:
    visitor.ask('It\'s a "quoted" $HOME question')
    visitor.button("The wire").click()
    visitor.button("Copy as curl").click()
    expect(visitor.spoken).to_have_text("Copied.")
    words = shlex.split(visitor.page.evaluate("navigator.clipboard.readText()"))
    assert words[:4] == ["curl", "-N", "-u", AUTH[0]]
    assert AUTH[1] not in words
    # curl would ask for the password.
    words[3] = ":".join(AUTH)
    answered = subprocess.run([*words, "-s", "--noproxy", "*"], capture_output=True, text=True, check=True, timeout=30)
    assert answered.stdout.startswith("f:")
    assert "quoted" in answered.stdout


def test_the_end_of_a_stream_is_drawn_in_a_hidden_tab_too(visit: Visit) -> None:
    visitor = visit().sign_in()
    # A hidden tab gets no frames.
    visitor.page.evaluate("window.requestAnimationFrame = () => 1")
    expect(visitor.ask("Hello there")).to_contain_text("You said: Hello there")
