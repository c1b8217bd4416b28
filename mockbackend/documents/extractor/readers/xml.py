"""XML: a line for each element that has text or attributes, with its name. A text with elements in it is one line."""

from __future__ import annotations

from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from ..encoding import read_text
from ..limits import Limits
from ..output import Output
from ..package import parse_xml
from .text import give_paragraphs

_EXCESSIVE = "Excessive depth"


def read(path: str, output: Output, limits: Limits) -> None:
    """Output the text of every element. What is not well-formed is text."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        root = parse_xml(data)
    except etree.XMLSyntaxError as error:
        if _EXCESSIVE in str(error):
            raise
        give_paragraphs(read_text(path, limits, output), output)
        return
    del data
    # How many of the next elements lie within one whose words are already out.
    inner = 0
    for element in root.iter("*"):
        name = etree.QName(element).localname
        values = [f"{etree.QName(key).localname}={value}" for key, value in element.attrib.items()]
        text = ""
        if inner:
            inner -= 1
        elif _has_words(element):
            text = " ".join(_words(element).split())
            inner = sum(1 for _ in element.iter("*")) - 1
        if text or values:
            output.paragraph(f"{' '.join([name, *values])}: {text}" if text else " ".join([name, *values]))
    if next(root.iter(etree.Entity), None) is not None:
        output.note("Entities that the file defines itself are left as their names, such as &name;.")


def _has_words(element: Any) -> bool:
    """Whether there are words in the element itself, beside or without those of its children."""
    texts = [element.text, *(child.tail for child in element)]
    return any(text and not text.isspace() for text in texts) or any(child.tag is etree.Entity for child in element)


def _words(element: Any) -> str:
    """All words within, in their order. Elements that touch each other are words of their own."""
    return (element.text or "") + "".join(_words(child) + (child.tail or " ") for child in element)
