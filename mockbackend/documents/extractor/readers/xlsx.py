"""Spreadsheets: the rows of each sheet, with values as people see them, and the titles of the charts."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO

from lxml import etree  # type: ignore[import-untyped]
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from ...errors import TooLarge
from ..charts import chart_titles
from ..limits import Limits
from ..output import Output
from ..package import Package
from ..rows import give_rows

_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every row of every worksheet."""
    # The older formats are no packages of parts.
    package = Package(path) if zipfile.is_zipfile(path) else None
    damaged: list[CalamineError] = []
    with _open(path, package) as workbook:
        if not workbook.sheets_metadata:
            raise CalamineError("no sheets")
        sheets = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        if len(sheets) > limits.pages:
            raise TooLarge(f"The file has more than {limits.pages:,} sheets (MAX_DOCUMENT_PAGES).")
        for name in sheets:
            try:
                with _panics():
                    give_rows(output, _rows(workbook, name), f"sheet {name}")
            except CalamineError as error:
                damaged.append(error)
                output.leave_out(f"Sheet {name} is damaged and left out.")
    if damaged and output.is_empty:
        raise damaged[0]
    if package is None:
        return
    for name in package.names(r"xl/charts/chart\d+\.xml"):
        if (root := package.xml(name)) is not None:
            output.place("chart")
            output.paragraph(" ".join(chart_titles(root)))


def _open(path: str, package: Package | None) -> CalamineWorkbook:
    try:
        with _panics():
            return CalamineWorkbook.from_path(path)
    except CalamineError:
        if package is None:
            raise
        # One damaged part, of styles for example, costs all sheets. Without it they can be read.
        with _panics():
            return CalamineWorkbook.from_filelike(BytesIO(package.undamaged(_with_real_sheets(package))))


def _with_real_sheets(package: Package) -> dict[str, bytes]:
    """The workbook without sheets that are nowhere in the file: modules of Visual Basic are listed among them."""
    name = package.main("xl/workbook.xml")
    if (root := package.xml(name)) is None:
        return {}
    there = {one.id for one in package.relationships(name)}
    for sheet in list(root.iter("{*}sheet")):
        if sheet.get(_ID) not in there:
            sheet.getparent().remove(sheet)
    return {name: etree.tostring(root)}


@contextmanager
def _panics() -> Iterator[None]:
    """Make of the reading library's panics what it raises for any other damage."""
    try:
        yield
    except BaseException as error:
        # It is in no module that can be imported.
        if type(error).__name__ != "PanicException":
            raise
        raise CalamineError(str(error)) from None


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
