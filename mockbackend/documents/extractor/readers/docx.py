"""Word: paragraphs, lists and tables in reading order, then headers, footers and notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsmap, qn

from ..limits import Limits
from ..output import Output
from ..rows import joined

_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_PARAGRAPH, _TABLE, _ROW, _CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_TEXT_BOX = qn("w:txbxContent")
_TEXTS = (qn("w:t"), f"{{{nsmap['m']}}}t" if "m" in nsmap else "")
_CHARACTERS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
# Text that tracked changes delete or move away, fallbacks for older programs, ruby annotations, and properties.
_SKIPPED = {
    *map(qn, ("w:del", "w:moveFrom", "w:rt", "w:pPr", "w:rPr", "w:sectPr", "w:tblPr", "w:tcPr")),
    f"{_COMPATIBILITY}Fallback",
}
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_TITLE = 0
_BODY = 9
_PLACES = {
    RELATIONSHIP_TYPE.HEADER: "header",
    RELATIONSHIP_TYPE.FOOTER: "footer",
    RELATIONSHIP_TYPE.FOOTNOTES: "footnotes",
    RELATIONSHIP_TYPE.ENDNOTES: "endnotes",
}


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every paragraph of a Word file under its headings."""
    document = Document(path)
    levels, lists = _styles(document.styles.element)
    _give(document.element.body, output, levels, lists)
    parts = [part for part in document.part.rels.values() if part.reltype in _PLACES and not part.is_external]
    for wanted, place in _PLACES.items():
        output.place(place)
        given: set[str] = set()
        for part in (part.target_part for part in parts if part.reltype == wanted):
            # First, even and other pages often have the same text.
            for text in _texts(parse_xml(part.blob)):
                if text not in given:
                    output.paragraph(text)
                given.add(text)


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
        if row.find(f"{qn('w:trPr')}/{qn('w:del')}") is None:
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
    found = {style.get(qn("w:styleId"), ""): style for style in styles.iterchildren(qn("w:style"))}
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
            if current.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None:
                lists.add(style_id)
            base = _value(current, "w:basedOn")
            current = found.get(base)
    return {style_id: level for style_id, level in levels.items() if level < _BODY + 1}, lists


def _level_of_style(style: Any) -> int | None:
    name = _value(style, "w:name")
    if name.lower() == "title":
        return _TITLE
    if heading := _HEADING.fullmatch(name):
        return int(heading[1])
    outline = _value(style, "w:pPr", "w:outlineLvl")
    return int(outline) + 1 if outline.isdecimal() else None


def _level(paragraph: Any, levels: dict[str, int]) -> int | None:
    """The heading level of the paragraph. None for body text."""
    outline = _value(paragraph, "w:pPr", "w:outlineLvl")
    if outline.isdecimal():
        return int(outline) + 1 if int(outline) < _BODY else None
    return levels.get(_value(paragraph, "w:pPr", "w:pStyle"))


def _is_item(paragraph: Any, lists: set[str]) -> bool:
    number = _value(paragraph, "w:pPr", "w:numPr", "w:numId")
    return number != "0" if number else _value(paragraph, "w:pPr", "w:pStyle") in lists


def _value(element: Any, *tags: str) -> str:
    """The value of a property, or an empty string."""
    found = element.find("/".join(map(qn, tags)))
    return str(found.get(qn("w:val"), "")) if found is not None else ""
