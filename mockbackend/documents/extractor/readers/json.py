"""JSON: a line for each value, with the keys that lead to it. Notebooks give the text of their cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ..encoding import read_text
from ..limits import Limits
from ..output import Output
from .text import give_paragraphs


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every value. What is not JSON, or more than one document of it, is text."""
    text = read_text(path, limits)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        lines = text.splitlines()
        try:
            value = [orjson.loads(line) for line in lines if line.strip()]
        except orjson.JSONDecodeError:
            give_paragraphs(text, output)
            return
    if isinstance(value, dict) and isinstance(value.get("cells"), list) and "nbformat" in value:
        _give_cells(value["cells"], output)
        return
    for key, one in _entries(value):
        output.paragraph("\n".join(_lines(key, one)))


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """What a document consists of: the items of a list, or the values of an object."""
    match value:
        case list():
            yield from ((str(number), one) for number, one in enumerate(value, 1))
        case dict():
            yield from value.items()
        case _:
            yield "", value


def _lines(path: str, value: Any) -> Iterator[str]:
    """Every value as `a.b.1: value`. Keys say what it is, so each line has all of them."""
    if isinstance(value, dict | list) and value:
        for key, one in _entries(value):
            yield from _lines(f"{path}.{key}", one)
    elif isinstance(value, str):
        yield f"{path}: {value}" if path else value
    else:
        yield f"{path}: {orjson.dumps(value).decode()}"


def _give_cells(cells: list[Any], output: Output) -> None:
    for number, cell in enumerate(cells, 1):
        source = cell.get("source", "") if isinstance(cell, dict) else ""
        output.place(f"cell {number}")
        output.paragraph("".join(map(str, source)) if isinstance(source, list) else str(source))
