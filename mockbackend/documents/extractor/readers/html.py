"""HTML: the visible text, under the headings of the page."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ...errors import NestedTooDeeply
from ..encoding import decode
from ..limits import Limits
from ..output import Output
from ..rows import joined

# The parser's time grows with the square of the depth. Pages that people read stay far below this.
DEPTH = 2_000
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w-]+)|<\?xml[^>]{0,200}?encoding=["']([\w-]+)""", re.I
)
DECLARED_WITHIN = 4_096
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_SKIPPED = frozenset(("script", "style", "nav", "template", "noscript", "head", "svg", "iframe", "object", "canvas"))
# Elements that begin a paragraph. All others, even unknown ones, are part of the text around them.
_BLOCKS = frozenset(
    (
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "button",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hgroup",
        "hr",
        "legend",
        "li",
        "main",
        "menu",
        "ol",
        "optgroup",
        "option",
        "p",
        "pre",
        "section",
        "select",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
    )
)
# Elements that may lack an end tag, so they do not count for the depth.
_UNENDED = frozenset(
    (
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "dt",
        "dd",
        "option",
        "tr",
        "td",
        "th",
        "thead",
        "tbody",
        "tfoot",
        "colgroup",
        "rp",
        "rt",
    )
)
_CELLS = ("td", "th")


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every paragraph of a page."""
    with open(path, "rb") as file:
        read_page(file.read(), output)


def read_page(data: bytes, output: Output, declared: str = "") -> None:
    """Output every paragraph of a page, such as a chapter of a book. `declared` is its encoding if it names none."""
    found = _DECLARED.search(data[:DECLARED_WITHIN])
    text = decode(data, (found[1] or found[2]).decode("ascii", "replace") if found else declared, output)
    del data
    _refuse_nesting(text)
    tree = LexborHTMLParser(text)
    del text
    title = tree.css_first("title")
    if title is not None and tree.css_first("h1") is None:
        output.heading(0, title.text())
    if tree.body is not None:
        _Reading(output).read(tree.body)


def _refuse_nesting(text: str) -> None:
    depth = 0
    for end, name in _TAG.findall(text):
        if name.lower() not in _UNENDED:
            depth = max(depth + (-1 if end else 1), 0)
            if depth > DEPTH:
                raise NestedTooDeeply()


class _Reading:
    """A walk through the tree without recursion, however deep the nesting."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._texts: list[str] = []
        self._cells: list[str] = []
        self._verbatim = 0
        # A heading or a row within another one is part of the outer one's text.
        self._holder: LexborNode | None = None

    def read(self, root: LexborNode) -> None:
        # Nodes are compared by their ids: `==` writes the HTML of both, so a page would take the square of its length.
        last = root.mem_id
        node: LexborNode | None = root
        while node is not None:
            if node.is_text_node:
                self._text(node.text_content or "")
            elif node.tag not in _SKIPPED and not node.is_comment_node:
                self._enter(node)
                if node.first_child is not None:
                    node = node.first_child
                    continue
                self._leave(node)
            while node is not None and node.mem_id != last and node.next is None:
                node = node.parent
                if node is not None:
                    self._leave(node)
            node = None if node is None or node.mem_id == last else node.next
        self._flush()

    def _text(self, text: str) -> None:
        self._texts.append(text if self._verbatim else re.sub(r"\s+", " ", text))

    def _enter(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "br":
            self._texts.append("\n")
        elif self._holder is not None:
            if tag in _BLOCKS:
                self._texts.append(" ")
        elif tag in _HEADINGS or tag == "tr":
            self._flush()
            self._holder = node
        elif tag in _BLOCKS:
            self._flush()
            self._verbatim += tag == "pre"
            if tag == "li":
                self._texts.append("- ")

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if self._holder is not None:
            if tag in _CELLS and self._holder.tag == "tr":
                self._cells.append("".join(self._texts))
                self._texts.clear()
            elif tag in _BLOCKS:
                self._texts.append(" ")
            if node.mem_id == self._holder.mem_id:
                self._end_holder(tag)
        elif tag in _BLOCKS:
            self._flush()
            self._verbatim -= tag == "pre"

    def _end_holder(self, tag: str) -> None:
        self._holder = None
        text = "".join(self._texts)
        self._texts.clear()
        if tag == "tr":
            self._output.paragraph(joined([*self._cells, text]))
            self._cells.clear()
        else:
            self._output.heading(_HEADINGS[tag], text)

    def _flush(self) -> None:
        text = "".join(self._texts).strip()
        self._texts.clear()
        if text != "-":
            self._output.paragraph(text)
