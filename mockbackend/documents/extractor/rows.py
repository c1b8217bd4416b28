"""Tables that are whole documents: the column names go with every passage of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, islice

from .output import TITLE_CHARACTERS, Output

# The rows that show how wide a table is.
SAMPLE = 50
# A little less than what a passage has by default.
PASSAGE_CHARACTERS = 1_000
SEPARATOR, PARAGRAPH = " | ", "\n\n"
# Numbers, dates and times, which are not column names.
_VALUE = re.compile(r"[\d\s.,:;%€$£()+/TZ-]+")


def joined(cells: Iterable[str]) -> str:
    """A row as one line, without the empty cells at its end."""
    texts = [" ".join(cell.split()) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return SEPARATOR.join(texts)


def give_rows(output: Output, rows: Iterable[Sequence[str]], place: str = "", first: int = 1) -> None:
    """Output a table's rows as `a | b | c`, under the names of the columns if the first row has them.

    `first` is the number of the first row. The names are the heading of the rows, so that each passage has them. If
    they are too long for a heading, each cell is written with its name.
    """
    filled = ((number, row) for number, row in enumerate(rows, first) if any(cell.strip() for cell in row))
    sample = list(islice(filled, SAMPLE))
    width = max((_cells(row) for _, row in sample), default=0)
    table = chain(sample, filled)
    passages = _Passages(output, place)
    for number, row in table:
        if width > 1 and _cells(row) > 1 and _is_names(row):
            _give_named(passages, number, row, table)
            break
        passages.add(number, joined(row))
        # A single cell above a table is its title.
        if _cells(row) > 1 or width == 1:
            break
    for number, row in table:
        passages.add(number, joined(row))
    passages.end()


def _give_named(
    passages: _Passages, number: int, names: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]]
) -> None:
    passages.end()
    line = joined(names)
    is_heading = len(line) <= TITLE_CHARACTERS
    passages.heading = line if is_heading else ""
    is_empty = True
    for row_number, row in rows:
        is_empty = False
        if is_heading:
            passages.add(row_number, joined(row))
            continue
        pairs = zip(names, row, strict=False)
        named = [f"{name}: {cell}" if name.strip() else cell for name, cell in pairs if cell.strip()]
        passages.add(row_number, joined([*named, *row[len(names) :]]))
    if is_empty:
        passages.heading = ""
        passages.add(number, line)


class _Passages:
    """Rows in groups of the length of a passage, each with the numbers of its rows as its place."""

    def __init__(self, output: Output, place: str) -> None:
        self._output = output
        self._place = place
        self._lines: list[str] = []
        self._length = 0
        self._numbers = (0, 0)
        self.heading = ""

    def add(self, number: int, line: str) -> None:
        if self._lines and self._length + len(line) > PASSAGE_CHARACTERS:
            self.end()
        self._numbers = (self._numbers[0] if self._lines else number, number)
        self._lines.append(line)
        self._length += len(line) + len(PARAGRAPH)

    def end(self) -> None:
        if not self._lines:
            return
        first, last = self._numbers
        rows = f"rows {first}-{last}" if last > first else f"row {first}"
        self._output.place(f"{self._place}, {rows}" if self._place else rows, self.heading)
        # All at once: millions of rows of a few characters would take minutes.
        self._output.paragraph(PARAGRAPH.join(self._lines))
        self._lines.clear()
        self._length = 0


def _cells(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _is_names(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row if cell.strip()]
    return len(set(cells)) == len(cells) and not any(_VALUE.fullmatch(cell) for cell in cells)
