"""PowerPoint: the text of each slide under its title, and the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE

from ...errors import TooLarge
from ..limits import Limits
from ..output import Output
from ..rows import joined


def read(path: str, output: Output, limits: Limits) -> None:
    """Output the text of every slide."""
    slides = Presentation(path).slides
    if len(slides) > limits.pages:
        raise TooLarge(f"The file has more than {limits.pages:,} slides (MAX_DOCUMENT_PAGES).")
    for number, slide in enumerate(slides, 1):
        output.place(f"slide {number}")
        title = slide.shapes.title
        if title is not None:
            output.heading(1, title.text_frame.text)
        _give(slide.shapes, output, 0 if title is None else title.shape_id)
        if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) and notes.text.strip():
            output.paragraph(f"Notes: {notes.text}")


def _give(shapes: Iterable[Any], output: Output, title_id: int) -> None:
    for shape in shapes:
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            _give(shape.shapes, output, title_id)
        elif shape.has_text_frame and shape.shape_id != title_id:
            output.paragraph(shape.text_frame.text)
        elif getattr(shape, "has_table", False):
            for row in shape.table.rows:
                output.paragraph(joined(cell.text_frame.text for cell in row.cells))
