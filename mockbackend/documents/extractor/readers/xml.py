"""XML: a line for each element that has text or attributes, with its name."""

from __future__ import annotations

from lxml import etree  # type: ignore[import-untyped]

from ..encoding import read_text
from ..limits import Limits
from ..output import Output
from .text import give_paragraphs

_EXCESSIVE = "Excessive depth"


def read(path: str, output: Output, limits: Limits) -> None:
    """Output the text of every element. What is not well-formed is text."""
    # Entities are neither resolved nor fetched.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.parse(path, parser).getroot()
    except etree.XMLSyntaxError as error:
        if _EXCESSIVE in str(error):
            raise
        give_paragraphs(read_text(path, limits), output)
        return
    for element in root.iter("*"):
        name = etree.QName(element).localname
        values = [f"{etree.QName(key).localname}={value}" for key, value in element.attrib.items()]
        texts = [element.text or "", *(child.tail or "" for child in element)]
        text = " ".join(" ".join(texts).split())
        if text or values:
            output.paragraph(f"{' '.join([name, *values])}: {text}" if text else " ".join([name, *values]))
