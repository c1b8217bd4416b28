"""Formulas: which words are some, how they are typeset, and that none holds the page up."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.page.answers import FORMULAS
from tests.page.visiting import Visitor

# Each text with its formulas.
FOUND = {
    r"Let \(x_1 * y_1 * z\) be": [r"\(x_1 * y_1 * z\)"],
    "\\[\na \\\\ b_1 * c_1 * d\n\\]": ["\\[\na \\\\ b_1 * c_1 * d\n\\]"],
    "So:\n$$\n- a_1\n- b_1\n$$\nmore": ["$$\n- a_1\n- b_1\n$$"],
    r"$$x$$, \[ y \].": ["$$x$$", r"\[ y \]"],
    "$x$, the $n$th of all $k$s ($y$-axis)": ["$x$", "$n$", "$k$", "$y$"],
    r"$5$, $3 \times 4$ and $\$5$": ["$5$", r"$3 \times 4$", r"$\$5$"],
    "costs $5 and $6 or $1,000.50, $7-$8; and 5$ to 6$": [],
    'It is $5 or 6$ more, US$5 or CA$6, \'in $\', "$" or "$"': [],
    "$HOME/$USER, $PATH:$HOME, $(a).b($(c)), $$ and echo $$": [],
    r"\$x\$ and \\(a\\)": [],
    "`$x$` and ``\\(a\\)``\n\n```\n$x$\n```\n\n    \\(x\\)": [],
    "$a\n\nb$ and \\[ c\n\nd \\]": [],
    "(*) **$a*b$**, *the $c*d$ e* and ~f $g~h$ i~": ["$a*b$", "$c*d$", "$g~h$"],
    "| a | b |\n|--|--|\n| $|x|$ | \\(\\|y\\|\\) |\n| $5 | $6 |": ["$|x|$", r"\(\|y\|\)"],
    "# On $x$\n\n- $y$\n  $$\n  z\n  $$": ["$x$", "$y$", "$$\nz\n$$"],
    "> \\(q\\)\n\n[$r$](https://a.example)": [r"\(q\)", "$r$"],
    "<b>$x<y$</b>": ["$x<y$"],
}
DRAW = """async (texts) => {
    const {blocks, render} = await import("/page/markdown.js");
    const found = {};
    for (const text of texts) {
        const tokens = blocks(text);
        const drawn = render(tokens).flatMap(block => [...block.querySelectorAll(".formula")]);
        found[text] = drawn.map(one => one.textContent);
    }
    return found;
}"""


def test_what_is_a_formula_and_what_is_money_or_code(modules: Page) -> None:
    assert modules.evaluate(DRAW, list(FOUND)) == FOUND


@pytest.mark.parametrize("text", [r"\( a_1 * b_1 * c", "Text:\n\\[\na_1 \\\\ *b*", "$$\n- a\n- b\\\\ c"])
def test_a_formula_without_an_end_stands_as_it_came(modules: Page, text: str) -> None:
    drawn = modules.evaluate(
        """async (text) => {
            const {blocks, render} = await import("/page/markdown.js");
            const tokens = blocks(text + "\\n\\n*After*").filter(token => token.type !== "space");
            return render(tokens).map(block => block.firstChild.textContent).join("\\n");
        }""",
        text,
    )
    assert drawn == f"{text}\nAfter"


# What moves in an answer while it is streamed.
WATCH = """() => {
    const moved = window.moved = [];
    new PerformanceObserver(list => {
        for (const {sources} of list.getEntries()) for (const {node} of sources) {
            if ((node?.closest ? node : node?.parentElement)?.closest(".markdown")) moved.push(node.textContent);
        }
    }).observe({type: "layout-shift"});
}"""


def test_formulas_of_an_answer_are_typeset_and_what_is_broken_shows_its_source(visitor: Visitor) -> None:
    visitor.ask("Hello there")
    visitor.page.evaluate(WATCH)
    assert not [url for url in visitor.requests if "temml" in url]
    answer = visitor.ask("formulas please")
    expect(answer.locator("math")).to_have_count(4)
    assert visitor.page.evaluate("window.moved") == []
    for _ in range(2):
        expect(answer.locator("math")).to_have_count(4)
        expect(answer.locator("math[display=block] mtr")).to_have_count(2)
        expect(answer.locator("em")).to_have_count(0)
        expect(answer).to_contain_text(r"Broken: $\frac{a$ and \(\unheardof{x}\).")
        expect(answer).to_contain_text("costs $5, not $6, and")
        expect(answer.locator("code")).to_have_text("$x$")
        # The width is that of letters, not of a source.
        assert (answer.locator("math").first.bounding_box() or {"width": 0})["width"] < 40
        visitor.page.reload()
        answer = visitor.answers.last
    visitor.button("Copy answer", answer).click()
    expect(visitor.spoken).to_have_text("Copied.")
    assert visitor.page.evaluate("navigator.clipboard.readText()") == FORMULAS


def test_without_the_library_formulas_stand_as_they_came(visitor: Visitor) -> None:
    visitor.page.route("**/temml.min.js", lambda route: route.abort())
    answer = visitor.ask("formulas please")
    expect(answer).to_contain_text(r"A root $x_1^{*}$ costs $5, not $6, and \(a_1 * b_1 * c\) is short.")
    expect(answer.locator("code")).to_have_text("$x$")
    visitor.forgive_failed_loads()


GROW = """async (whole) => {
    const {MarkdownView} = await import("/page/markdown-view.js");
    const view = new MarkdownView();
    document.body.append(view.element);
    const wait = (done) => new Promise(resolve => {
        const look = () => done() ? resolve() : setTimeout(look, 5);
        look();
    });
    view.update("$x$");
    await wait(() => view.element.querySelector("math"));
    const seen = {math: [], strange: []};
    for (let length = 1; length <= whole.length; length += 1) {
        view.update(whole.slice(0, length));
        await new Promise(requestAnimationFrame);
        seen.math.push(view.element.querySelectorAll("math").length);
        if (view.element.querySelector("em, ul, h3, hr")) seen.strange.push(length);
    }
    view.element.remove();
    return seen;
}"""


def test_a_growing_text_typesets_each_formula_once_it_is_whole_and_keeps_it(modules: Page) -> None:
    text = "So \\(a_1*b*c\\), $d$.\n\n\\[\n- e\n= f\\\\\n*g*\n\\]\n\nThe end."
    seen = modules.evaluate(GROW, text)
    whole = [text.index("\\)") + 2, text.index("$.") + 1, text.index("\\]") + 2]
    assert seen["math"] == [sum(end <= length for end in whole) for length in range(1, len(text) + 1)]
    assert seen["strange"] == []


HOSTILE = [
    "$" + "x+" * 50_000 + "x$",
    "$" + "{" * 10_000 + "x" + "}" * 10_000 + "$",
    "$" + "{" * 1_000 + "x" + "}" * 1_000 + "$",
    "$" + r"\sqrt{" * 400 + "x" + "}" * 400 + "$",
    "$$" + r"\left(" * 200 + "x" + r"\right)" * 200 + "$$",
    r"$\def\a{\a\a}\a$",
    r"$\def\a{\b}\def\b{\a}\a$",
    r"$\def\a{xxxxxxxxxx}\def\b{\a\a\a\a\a\a}\def\c{\b\b\b\b\b\b}\def\d{\c\c\c\c\c}\d\d$",
    r"$\newcommand{\a}{" + "x" * 800 + "}" + r"\a" * 400 + "$",
    r"$\href{javascript:alert(1)}{x} \label{message} \id{message}{x} \class{menu}{x} \style{position:fixed}{x}$",
    r"$$\begin{align} x \label{message} \end{align}$$",
    r"$\includegraphics{https://evil.example/a.png}$ $\url{https://evil.example}$",
    r"$\rule{99999em}{99999em}$ $\hspace{99999em}$ $\hspace{-99999em} x$ $\raisebox{9999em}{x}$",
    "$$" * 2_500,
    r"\(" * 2_500,
    "\\(\n" * 1_600,
    "$$\n" * 1_600,
    "$a_" * 1_600,
    "*$a*" * 1_200,
    "|$a|\n|--|\n" * 500,
]
TYPESET = """async (texts) => {
    const {MarkdownView} = await import("/page/markdown-view.js");
    const seen = [];
    for (const text of texts) {
        const view = new MarkdownView();
        document.body.append(view.element);
        const began = performance.now();
        view.update(text);
        view.finish();
        await new Promise(resolve => setTimeout(resolve, 50));
        view.element.getBoundingClientRect();
        const spent = performance.now() - began;
        const names = [...view.element.querySelectorAll(".formula *")].flatMap(one => one.getAttributeNames());
        const height = view.element.offsetHeight;
        seen.push({spent, names, height, tags: [...view.element.querySelectorAll("a, img")].length});
        view.element.remove();
    }
    return seen;
}"""


def test_no_formula_holds_the_page_up_or_reaches_beyond_its_place(modules: Page) -> None:
    modules.evaluate(GROW, "$x$")
    for text, seen in zip(HOSTILE, modules.evaluate(TYPESET, HOSTILE), strict=True):
        assert seen["spent"] < 5000, text[:30]
        assert set(seen["names"]) & {"id", "href", "src", "onclick"} == set(), text[:30]
        assert seen["tags"] == 0, text[:30]
        if len(text) < 200:
            assert seen["height"] < 1500, text
