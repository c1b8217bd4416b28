"""What a hostile model says does nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.page.visiting import Visitor

# The elements and attributes of an answer, without the heads of its code blocks, which are ours.
INSIDE = """node => [...node.querySelectorAll(".markdown :not(figcaption, figcaption *)")].flatMap(element => [
    element.nodeName, ...element.getAttributeNames().map(name => `${element.nodeName}.${name}`)])"""
FORBIDDEN = {"SCRIPT", "IFRAME", "STYLE", "FORM", "SVG", "svg", "OBJECT", "EMBED", "LINK", "META", "BASE", "IMG"}


def test_hostile_markdown_does_nothing(visitor: Visitor) -> None:
    visitor.page.on("dialog", lambda dialog: visitor.faults.append(f"dialog: {dialog.message}"))
    answer = visitor.ask("Be hostile")
    expect(answer).to_contain_text("Before.")
    expect(answer).to_contain_text("After.")
    for _ in range(2):
        names = set(answer.evaluate(INSIDE))
        assert names & FORBIDDEN == set()
        assert [name for name in names if ".on" in name or name.endswith((".style", ".id", ".name", ".srcdoc"))] == []
        links = answer.get_by_role("link").evaluate_all(
            "links => links.map(link => [link.href, link.target, link.rel])"
        )
        assert links == [
            ["https://good.example/path?a=1&b=2", "_blank", "noopener noreferrer"],
            ["https://evil.example/pixel.png", "_blank", "noopener noreferrer"],
            ["https://evil.example/a.png", "_blank", "noopener noreferrer"],
        ]
        # HTML is shown as what it is: text.
        expect(answer).to_contain_text('<script>window.hacked = "script"</script>')
        assert visitor.page.evaluate("window.hacked") is None
        # The same from the store.
        visitor.page.reload()
        expect(visitor.answers).to_contain_text("After.")
    assert not [url for url in visitor.requests if "evil.example" in url]


@pytest.mark.parametrize(
    "text",
    [
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](vbscript:x)",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](file:///etc/passwd)",
        "[a](//evil.example/x)",
        "[a](/images/none)",
        "<javascript:alert(1)>",
        "[a]: javascript:alert(1)\n\n[a]",
    ],
)
def test_only_links_of_the_web_and_of_mail_lead_anywhere(modules: Page, text: str) -> None:
    assert modules.evaluate(DRAW, text)["links"] == []


@pytest.mark.parametrize(
    "text", ["[a](https://a.example)", "[a](mailto:a@b.example)", "https://a.example", "<https://a.example>"]
)
def test_links_of_the_web_and_of_mail_lead_there(modules: Page, text: str) -> None:
    assert len(modules.evaluate(DRAW, text)["links"]) == 1


TOKEN = "A" * 32
IMAGES = {
    f"![a](/images/{TOKEN})": [f"/images/{TOKEN}"],
    f"![a](https://moved.example/images/{TOKEN})": [f"/images/{TOKEN}"],
    f"![a](//evil.example/images/{TOKEN}?x=1)": [f"/images/{TOKEN}"],
    "![a](/images/short)": [],
    "![a](/conversations)": [],
    f"![a](/images/{TOKEN}/../../conversations)": [],
    "![a](data:image/png;base64,AAAA)": [],
    "![a](blob:x)": [],
    f"<img src='/images/{TOKEN}'>": [],
}


@pytest.mark.parametrize("text", IMAGES)
def test_only_our_own_images_are_shown(modules: Page, text: str) -> None:
    assert modules.evaluate(DRAW, text)["images"] == IMAGES[text]


DRAW = """async (text) => {
    const {blocks, render} = await import("/page/markdown.js");
    const tokens = blocks(text);
    const drawn = document.createElement("div");
    drawn.append(...render(tokens));
    return {
        links: [...drawn.querySelectorAll("a[href]")].map(link => link.getAttribute("href")),
        images: [...drawn.querySelectorAll("img")].map(image => image.getAttribute("src")),
    };
}"""


def test_a_text_that_is_hard_to_parse_does_not_hold_the_page_up(modules: Page) -> None:
    for text in (
        "x_" * 25_000,
        "**a*" * 10_000,
        ("[a" * 500 + "\n\n") * 50,
        "`" * 5000,
        "> " * 2000 + "a",
        "- " * 500 + "a",
        "- > - " * 8_000,
        "|" * 50_000,
        "<" * 5000,
        "a\n" * 5000,
        "$$\na\n" * 4_000,
        "A short paragraph.\n\n" * 3_000,
    ):
        spent, shown = modules.evaluate(
            """async (text) => {
                const {blocks, render} = await import("/page/markdown.js");
                const began = performance.now();
                const drawn = render(blocks(text));
                return [performance.now() - began, drawn.length];
            }""",
            text,
        )
        assert spent < 5000, text[:5]
        assert shown, text[:5]


def test_of_a_long_text_all_is_shown_and_only_what_costs_too_much_is_left_plain(modules: Page) -> None:
    paragraph = "Words with *emphasis*, `code` and [a link](https://a.example). " * 8
    text = f"{paragraph}\n\n" * 200 + "x_" * 25_000 + "\n\n**After**"
    emphases, last, words = modules.evaluate(
        """async (text) => {
            const {MarkdownView} = await import("/page/markdown-view.js");
            const view = new MarkdownView();
            view.update(text);
            return [
                view.element.querySelectorAll("em").length,
                view.element.lastChild.innerHTML.trim(),
                view.element.children[200].textContent.trim(),
            ];
        }""",
        text,
    )
    assert emphases == 200 * 8
    assert last == '<p dir="auto"><strong>After</strong></p>'
    assert words == "x_" * 25_000
