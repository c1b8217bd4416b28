"""Word: paragraphs, lists and tables in reading order, then headers, footers and notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..charts import chart_texts
from ..limits import Limits
from ..output import Output
from ..package import Package
from ..rows import joined

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_PARAGRAPH, _TABLE, _ROW, _CELL = f"{_WORD}p", f"{_WORD}tbl", f"{_WORD}tr", f"{_WORD}tc"
_TEXT_BOX = f"{_WORD}txbxContent"
_TEXTS = (f"{_WORD}t", f"{_MATH}t")
_CHARACTERS = {f"{_WORD}tab": "\t", f"{_WORD}br": "\n", f"{_WORD}cr": "\n", f"{_WORD}noBreakHyphen": "-"}
# Text that tracked changes delete or move away, fallbacks for older programs, ruby annotations, and properties.
_SKIPPED = {
    *(f"{_WORD}{name}" for name in ("del", "moveFrom", "rt", "pPr", "rPr", "sectPr", "tblPr", "tcPr")),
    f"{_COMPATIBILITY}Fallback",
}
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_TITLE = 0
_BODY = 9
# The parts beside the text, by the kinds of their relationships.
_PLACES = {
    "header": "header",
    "footer": "footer",
    "footnotes": "footnotes",
    "endnotes": "endnotes",
    "comments": "comments",
}


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every paragraph of a Word file under its headings."""
    package = Package(path)
    main = package.main("word/document.xml")
    related = list(package.relationships(main))
    styles = [package.xml(one.target) for one in related if one.kind == "styles"]
    levels, lists = _styles(styles[0]) if styles and styles[0] is not None else ({}, set())
    _give(package.required_xml(main), output, levels, lists)
    for kind, place in _PLACES.items():
        output.place(place)
        given: set[str] = set()
        for root in (package.xml(one.target) for one in related if one.kind == kind):
            # First, even and other pages often have the same text.
            for text in () if root is None else _texts(root):
                if text not in given:
                    output.paragraph(text)
                given.add(text)
    for root in (package.xml(one.target) for one in related if one.kind == "chart"):
        output.place("chart")
        for text in () if root is None else chart_texts(root):
            output.paragraph(text)


def _texts(root: Any) -> Iterator[str]:
    """The texts of a part that has no headings."""
    for block in _blocks(root):
        yield from _rows(block) if block.tag == _TABLE else _paragraph(block)


def _give(root: Any, output: Output, levels: dict[str, int], lists: set[str]) -> None:
    for block in _blocks(root):
        if block.tag == _TABLE:
            for row in _rows(block):
                output.paragraph(row)
            continue
        text, *boxes = _paragraph(block)
        level = _level(block, levels)
        if level is not None:
            output.heading(level, text)
        else:
            output.paragraph(f"- {text}" if text.strip() and _is_item(block, lists) else text)
        for box in boxes:
            output.paragraph(box)


def _blocks(root: Any) -> Iterator[Any]:
    """Paragraphs and tables, including those in content controls and insertions."""
    for child in root.iterchildren("*"):
        if child.tag in (_PARAGRAPH, _TABLE):
            yield child
        elif child.tag not in _SKIPPED:
            yield from _blocks(child)


def _paragraph(paragraph: Any) -> list[str]:
    """The paragraph's text, followed by that of each text box anchored in it."""
    boxes: list[Any] = []
    return [_text(paragraph, boxes), *(text for box in boxes for text in _texts(box))]


def _text(element: Any, boxes: list[Any]) -> str:
    texts: list[str] = []
    for child in element.iterchildren("*"):
        if child.tag in _TEXTS:
            texts.append(child.text or "")
        elif child.tag in _CHARACTERS:
            texts.append(_CHARACTERS[child.tag])
        elif child.tag == _TEXT_BOX:
            boxes.append(child)
        elif child.tag not in _SKIPPED:
            texts.append(_text(child, boxes))
    return "".join(texts)


def _rows(table: Any) -> Iterator[str]:
    for row in _within(table, _ROW):
        # A row that a tracked change deletes says so in its properties.
        if row.find(f"{_WORD}trPr/{_WORD}del") is None:
            yield joined(" ".join(_texts(cell)) for cell in _within(row, _CELL))


def _within(element: Any, tag: str) -> Iterator[Any]:
    """Rows of a table or cells of a row, including those in content controls."""
    for child in element.iterchildren("*"):
        if child.tag == tag:
            yield child
        elif child.tag not in _SKIPPED:
            yield from _within(child, tag)


def _styles(styles: Any) -> tuple[dict[str, int], set[str]]:
    """Styles by their ids: the levels of those that make headings, and those that make list items."""
    found = {style.get(f"{_WORD}styleId", ""): style for style in styles.iterchildren(f"{_WORD}style")}
    levels: dict[str, int] = {}
    lists: set[str] = set()
    for style_id, style in found.items():
        # A style inherits from the one it is based on, and so on.
        seen: set[str] = set()
        base, current = style_id, style
        while current is not None and base not in seen:
            seen.add(base)
            level = _level_of_style(current)
            if level is not None:
                levels.setdefault(style_id, level)
            if current.find(f"{_WORD}pPr/{_WORD}numPr") is not None:
                lists.add(style_id)
            base = _value(current, "basedOn")
            current = found.get(base)
    return {style_id: level for style_id, level in levels.items() if level < _BODY + 1}, lists


def _level_of_style(style: Any) -> int | None:
    name = _value(style, "name")
    if name.lower() == "title":
        return _TITLE
    if heading := _HEADING.fullmatch(name):
        return int(heading[1])
    outline = _value(style, "pPr", "outlineLvl")
    return int(outline) + 1 if outline.isdecimal() else None


def _level(paragraph: Any, levels: dict[str, int]) -> int | None:
    """The heading level of the paragraph. None for body text."""
    outline = _value(paragraph, "pPr", "outlineLvl")
    if outline.isdecimal():
        return int(outline) + 1 if int(outline) < _BODY else None
    return levels.get(_value(paragraph, "pPr", "pStyle"))


def _is_item(paragraph: Any, lists: set[str]) -> bool:
    number = _value(paragraph, "pPr", "numPr", "numId")
    return number != "0" if number else _value(paragraph, "pPr", "pStyle") in lists


def _value(element: Any, *tags: str) -> str:
    """The value of a property, or an empty string."""
    found = element.find("/".join(f"{_WORD}{tag}" for tag in tags))
    return str(found.get(f"{_WORD}val", "")) if found is not None else ""
