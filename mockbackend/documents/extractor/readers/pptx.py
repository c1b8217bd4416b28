"""PowerPoint: the text of each slide under its title, with tables, charts and diagrams, and the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...errors import TooLarge
from ..charts import chart_texts
from ..limits import Limits
from ..output import Output
from ..package import Package, Relationship
from ..rows import joined

_SLIDES = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TITLES = ("title", "ctrTitle")


def read(path: str, output: Output, limits: Limits) -> None:
    """Output the text of every slide."""
    package = Package(path)
    slides = _slides(package)
    if len(slides) > limits.pages:
        raise TooLarge(f"The file has more than {limits.pages:,} slides (MAX_DOCUMENT_PAGES).")
    for number, name in enumerate(slides, 1):
        output.place(f"slide {number}")
        root = package.xml(name)
        if root is None:
            continue
        related = list(package.relationships(name))
        title = next((shape for shape in root.iter(f"{_SLIDES}sp") if _placeholder(shape) in _TITLES), None)
        if title is not None:
            output.heading(1, "\n".join(_paragraphs(title)))
        for text in _texts(root, title):
            output.paragraph(text)
        for text in _of_related(package, related):
            output.paragraph(text)


def _slides(package: Package) -> list[str]:
    """The parts that are slides, in their order."""
    main = package.main("ppt/presentation.xml")
    root = package.xml(main)
    named = {one.id: one.target for one in package.relationships(main) if one.kind == "slide"}
    listed = () if root is None else root.iter(f"{_SLIDES}sldId")
    slides = [named[one.get(_ID)] for one in listed if one.get(_ID) in named]
    return slides or package.names(r"ppt/slides/slide\d+\.xml")


def _texts(element: Any, title: Any) -> Iterator[str]:
    """The texts of all shapes, however they are grouped, and of shapes that are not known."""
    for child in element.iterchildren("*"):
        if child is title or child.tag == _FALLBACK:
            continue
        if child.tag == f"{_DRAWING}tbl":
            for row in child.iter(f"{_DRAWING}tr"):
                yield joined(" ".join(_paragraphs(cell)) for cell in row.iterchildren(f"{_DRAWING}tc"))
        elif any(one.tag == f"{_DRAWING}p" for one in child.iterchildren()):
            yield "\n".join(_paragraphs(child))
        else:
            yield from _texts(child, title)


def _paragraphs(element: Any) -> Iterator[str]:
    for paragraph in element.iter(f"{_DRAWING}p"):
        parts = paragraph.iter(f"{_DRAWING}t", f"{_DRAWING}br")
        yield "".join("\n" if part.tag == f"{_DRAWING}br" else part.text or "" for part in parts)


def _of_related(package: Package, related: list[Relationship]) -> Iterator[str]:
    """The texts of a slide's charts, diagrams and notes."""
    for one in related:
        if one.kind in ("chart", "diagramData") and (root := package.xml(one.target)) is not None:
            yield from chart_texts(root) if one.kind == "chart" else filter(None, _paragraphs(root))
    for one in related:
        if one.kind == "notesSlide" and (root := package.xml(one.target)) is not None:
            bodies = (shape for shape in root.iter(f"{_SLIDES}sp") if _placeholder(shape) == "body")
            notes = "\n".join(text for body in bodies for text in _paragraphs(body))
            if notes.strip():
                yield f"Notes: {notes}"


def _placeholder(shape: Any) -> str:
    """What a shape holds the place of, such as `title`; empty if it does not."""
    found = next(shape.iter(f"{_SLIDES}ph"), None)
    return "" if found is None else str(found.get("type", "obj"))
