"""CSV: rows under the names of their columns, separated by any of the usual characters."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import islice

from ..encoding import read_text
from ..limits import Limits
from ..output import Output
from ..rows import give_rows

DELIMITERS = ",;\t"
SAMPLE_CHARACTERS = 1 << 16
SAMPLE_ROWS = 100


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every row of a CSV file."""
    text = read_text(path, limits, output)
    csv.field_size_limit(max(len(text), SAMPLE_CHARACTERS))
    lines = text.splitlines(keepends=True)
    give_rows(output, csv.reader(lines, delimiter=_delimiter(text[:SAMPLE_CHARACTERS])))


def _delimiter(sample: str) -> str:
    """The delimiter that gives the most rows of the same width; a comma if none gives more than one column."""

    def agreement(delimiter: str) -> tuple[int, int]:
        rows = islice(csv.reader(sample.splitlines(keepends=True), delimiter=delimiter), SAMPLE_ROWS)
        widths = Counter(len(row) for row in rows if len(row) > 1)
        return max(((count, width) for width, count in widths.items()), default=(0, 0))

    return max(DELIMITERS, key=agreement)
