"""Code in colours: a dozen languages, complete blocks only, and nothing that blocks the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.page.visiting import Visitor

# The name in Markdown, the name that is shown, and a line with something that has a colour.
LANGUAGES = [
    ("sh", "Bash", "if true; then echo 1; fi"),
    ("c", "C", "return 0;"),
    ("c++", "C++", "return nullptr;"),
    ("cs", "C#", "public class A {}"),
    ("css", "CSS", "a { color: red; }"),
    ("diff", "Diff", "+ new"),
    ("go", "Go", "func main() {}"),
    ("html", "HTML", "<p>x</p>"),
    ("java", "Java", "class A {}"),
    ("js", "JavaScript", "const a = 1;"),
    ("json", "JSON", '{"a": 1}'),
    ("kotlin", "Kotlin", "fun main() {}"),
    ("php", "PHP", "<?php echo 1;"),
    ("Python", "Python", "def f(): pass"),
    ("ruby", "Ruby", "def f; end"),
    ("rs", "Rust", "fn main() {}"),
    ("sql", "SQL", "SELECT 1"),
    ("toml", "TOML", 'a = "b"'),
    ("tsx", "TypeScript", "let a: number;"),
    ("yml", "YAML", "a: b"),
]
SHOW = """async (text) => {
    const {MarkdownView} = await import("/page/markdown-view.js");
    document.querySelector("#sign-in").inert = true;
    const view = window.view = new MarkdownView();
    document.querySelectorAll("body > .markdown").forEach(one => one.remove());
    document.body.append(view.element);
    view.update(text);
}"""


def test_code_of_many_languages_has_its_name_and_its_colours(visitor: Visitor) -> None:
    page = visitor.page
    visitor.ask("Hello there")
    page.evaluate(SHOW, "```klingon\nqapla'\n```\n\n```\nplain\n```\n\n")
    expect(page.locator("figure.code figcaption span")).to_have_text(["klingon", "code"])
    assert page.workers == []
    page.evaluate(SHOW, "".join(f"```{word}\n{line}\n```\n\n" for word, _, line in LANGUAGES))
    frames = page.locator("figure.code")
    expect(frames.locator("figcaption span")).to_have_text([name for _, name, _ in LANGUAGES])
    for number, (_, name, line) in enumerate(LANGUAGES):
        expect(frames.nth(number).locator("code span[class^=code-]").first, name).to_be_attached()
        expect(frames.nth(number).locator("code")).to_have_text(line)
    assert len(page.workers) == 1


def test_only_a_complete_block_has_colours_and_it_is_drawn_no_more(modules: Page) -> None:
    blocks = modules.locator("body > .markdown code")
    text = "```js\nlet z;\n```\n\n```js\nconst a = 1;\nlet b;"
    modules.evaluate(SHOW, f"{text}\n``")
    expect(blocks.first.locator("span")).to_have_text(["let"])
    expect(blocks.last.locator("span")).to_have_count(0)
    modules.evaluate("document.querySelectorAll('.markdown code')[1].marked = true")
    modules.evaluate("text => view.update(text)", f"{text}\n```")
    expect(blocks.last.locator("span")).to_have_text(["const", "1", "let"])
    modules.evaluate("document.querySelectorAll('.markdown code span').forEach(span => { span.marked = true; })")
    modules.evaluate("text => { view.update(text); view.finish(); }", f"{text}\n```\n\nAnd more.")
    assert (
        modules.evaluate("[...document.querySelectorAll('.markdown code span')].map(span => span.marked)") == [True] * 4
    )
    assert modules.evaluate("document.querySelectorAll('.markdown code')[1].marked")
    expect(blocks.last).to_have_text("const a = 1;\nlet b;")
    # A block that breaks off is complete with its answer.
    modules.evaluate(SHOW, "1. One:\n   ```js\n   const c = 2;")
    modules.evaluate("view.finish()")
    expect(blocks.locator("span")).to_have_text(["const", "2"])


def test_huge_code_and_code_that_is_hard_to_read_hold_nothing_up(modules: Page) -> None:
    huge, hard = "let a = 1;\n" * 5_000, "(" * 19_000 + "\n"
    modules.evaluate(SHOW, f"```js\n{huge}```\n\n```python\n{hard}```\n\n```js\nlet a;\n```\n\nEnd.")
    blocks = modules.locator("body > .markdown code")
    # They are coloured in their order.
    expect(blocks.last.locator("span")).to_have_text("let", timeout=15_000)
    expect(blocks.first.locator("span")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_colour_can_be_read(modules: Page, scheme: str) -> None:
    modules.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    modules.evaluate(SHOW, "```\nx\n```")
    ratios = modules.evaluate(
        """() => {
            const code = document.querySelector(".markdown code");
            const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
                .map(part => part / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
            const paper = light(getComputedStyle(code.closest("figure")).backgroundColor);
            const kinds = ["comment", "keyword", "string", "number", "title", "attribute"];
            return kinds.map((kind) => {
                const span = code.appendChild(document.createElement("span"));
                span.className = `code-${kind}`;
                const ink = light(getComputedStyle(span).color);
                return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
            });
        }"""
    )
    modules.emulate_media(color_scheme="light")
    assert len(ratios) == 6
    assert min(ratios) >= 4.5


def test_a_wide_table_scrolls_in_its_place(modules: Page) -> None:
    cells = " | ".join(f"column{number}" for number in range(30))
    modules.evaluate(SHOW, f"| {cells} |\n|{'--|' * 30}\n| {cells} |")
    frame = modules.get_by_role("group", name="Table")
    assert frame.evaluate("node => node.scrollWidth > node.clientWidth + 100")
    assert modules.evaluate("document.querySelector('.markdown').scrollWidth <= innerWidth")
    frame.focus()
    modules.keyboard.press("End")
    modules.keyboard.press("ArrowRight")
    expect(frame).not_to_have_js_property("scrollLeft", 0)
