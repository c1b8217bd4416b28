"""The words and numbers of the charts in an Office file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .rows import joined

_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
# A chart shows far fewer points. Its data may have any number.
POINTS = 1000


def chart_titles(root: Any) -> Iterator[str]:
    """The titles of a chart and of its axes."""
    for title in root.iter(f"{_CHART}title"):
        yield "".join(text.text or "" for text in title.iter(f"{_DRAWING}t", f"{_CHART}v"))


def chart_texts(root: Any) -> Iterator[str]:
    """The titles of a chart, then a table: a row for each category, with a column for each series."""
    yield from chart_titles(root)
    names: list[str] = []
    columns: list[dict[int, str]] = []
    categories: dict[int, str] = {}
    for series in root.iter(f"{_CHART}ser"):
        names.append(" ".join(_points(series, "tx").values()))
        categories = categories or _points(series, "cat") or _points(series, "xVal")
        columns.append(_points(series, "val") or _points(series, "yVal"))
    if any(names):
        yield joined(["", *names])
    for index in sorted({index for column in (categories, *columns) for index in column})[:POINTS]:
        yield joined([categories.get(index, ""), *(column.get(index, "") for column in columns)])


def _points(series: Any, name: str) -> dict[int, str]:
    """What the chart keeps of a series' name, categories or values, by the number of the point."""
    points: dict[int, str] = {}
    for element in series.iterchildren(f"{_CHART}{name}"):
        for value in element.iter(f"{_CHART}v"):
            index = value.getparent().get("idx", "")
            points.setdefault(int(index) if index.isdecimal() else len(points), value.text or "")
    return points
