"""JSON: a line for each value, with the keys that lead to it. Notebooks give the text of their cells and outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from ..encoding import read_text
from ..limits import Limits
from ..output import Output
from .text import give_paragraphs

# The forms of a notebook's output that are text, the best first, and those that say more than the text beside them.
_TEXTS = ("text/markdown", "text/plain", "text/latex")
_NO_TEXT = ("image/", "audio/", "video/")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every value. What is not JSON, or more than one document of it, is text."""
    text = read_text(path, limits, output)
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
    unread = 0
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict):
            cell = {}
        output.place(f"cell {number}")
        output.paragraph(_joined(cell.get("source")))
        results = cell.get("outputs")
        for result in results if isinstance(results, list) else []:
            text = _result(result)
            if text is None:
                unread += 1
            else:
                output.paragraph(_COLOURS.sub("", text))
    if unread:
        output.note(f"Outputs of the cells that are no text, such as images, are not read: {unread:,}.")


def _result(result: Any) -> str | None:
    """The text of a cell's output: what was printed, an error, or a value. None if it is more than text."""
    match result:
        case {"output_type": "stream", "text": text}:
            return _joined(text)
        case {"output_type": "error"}:
            return f"{result.get('ename', '')}: {result.get('evalue', '')}"
        case {"data": {**data}} if not any(str(kind).startswith(_NO_TEXT) for kind in data):
            best = "".join([_joined(data[kind]) for kind in _TEXTS if kind in data][:1])
            # What has another form only, such as a page, gives its kind as its text.
            return None if not best or best.startswith("<IPython.") else best
        case _:
            return None


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text or "")
