"""Tables that are whole documents: the column names go with every passage of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from .output import TITLE_CHARACTERS, Output

# The rows that show how wide a table is.
SAMPLE = 50
SEPARATOR = " | "
# Numbers, dates and times, which are not column names.
_VALUE = re.compile(r"[\d\s.,:;%€$£()+/TZ-]+")


def joined(cells: Iterable[str]) -> str:
    """A row as one line, without the empty cells at its end."""
    texts = [" ".join(cell.split()) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return SEPARATOR.join(texts)


def give_rows(output: Output, rows: Iterable[Sequence[str]]) -> None:
    """Output a table's rows as `a | b | c`, under the names of the columns if the first row has them.

    The names are the heading of the rows, so that each passage has them. If they are too long for a heading, each cell
    is written with its name.
    """
    filled = (row for row in rows if any(cell.strip() for cell in row))
    sample = list(islice(filled, SAMPLE))
    width = max(map(_cells, sample), default=0)
    table: Iterator[Sequence[str]] = chain(sample, filled)
    for row in table:
        # A single cell above a table is its title.
        if _cells(row) == 1 and width > 1:
            output.paragraph(joined(row))
            continue
        if width > 1 and _is_names(row):
            _give_named(output, row, table)
            return
        output.paragraph(joined(row))
        break
    for row in table:
        output.paragraph(joined(row))


def _give_named(output: Output, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    line = joined(names)
    if len(line) <= TITLE_CHARACTERS:
        output.heading(1, line)
        for row in rows:
            output.paragraph(joined(row))
        return
    for row in rows:
        pairs = zip(names, row, strict=False)
        named = [f"{name}: {cell}" if name.strip() else cell for name, cell in pairs if cell.strip()]
        output.paragraph(joined([*named, *row[len(names) :]]))


def _cells(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _is_names(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row if cell.strip()]
    return len(set(cells)) == len(cells) and not any(_VALUE.fullmatch(cell) for cell in cells)
