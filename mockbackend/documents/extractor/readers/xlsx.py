"""Excel: the rows of each sheet, with values as people see them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from python_calamine import CalamineWorkbook, SheetTypeEnum

from ...errors import TooLarge
from ..limits import Limits
from ..output import Output
from ..rows import give_rows


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every row of every worksheet."""
    with CalamineWorkbook.from_path(path) as workbook:
        sheets = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        if len(sheets) > limits.pages:
            raise TooLarge(f"The file has more than {limits.pages:,} sheets (MAX_DOCUMENT_PAGES).")
        for name in sheets:
            output.place(f"sheet {name}")
            give_rows(output, _rows(workbook, name))


def _rows(workbook: CalamineWorkbook, name: str) -> Iterator[Sequence[str]]:
    for row in workbook.get_sheet_by_name(name).iter_rows():
        yield [_text(value) for value in row]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # Excel itself keeps and shows fifteen digits.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return str(value.date()) if value.time() == datetime.time() else value.isoformat(" ", "minutes")
    return str(value)
