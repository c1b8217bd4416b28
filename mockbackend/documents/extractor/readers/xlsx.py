"""Spreadsheets: the rows of each sheet, with values as people see them, and the titles of the charts."""

from __future__ import annotations

import datetime
import re
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

# A cell whose words are in a part of their own, which all sheets share.
_SHARED = re.compile(
    rb"""<((?:\w+:)?c)\b([^<>]*?)\st=["']s["']([^<>]*)(?<!/)>\s*<(?:\w+:)?v>\s*(?:\d+\s*)?</(?:\w+:)?v>\s*</\1>"""
)
WORDLESS = "The words of the cells are missing in the file, so only numbers are read. Save it again in its program."
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read(path: str, output: Output, limits: Limits) -> None:
    """Output every row of every worksheet."""
    # The older formats are no packages of parts.
    package = Package(path) if zipfile.is_zipfile(path) else None
    with _open(path, package) as workbook:
        if not workbook.sheets_metadata:
            raise CalamineError("no sheets")
        sheets = [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        if len(sheets) > limits.pages:
            raise TooLarge(f"The file has more than {limits.pages:,} sheets (MAX_DOCUMENT_PAGES).")
        damaged = failed = _give(workbook, sheets, output)
    if failed and package is not None and (wordless := _wordless(package)):
        output.note(WORDLESS)
        with _open_bytes(wordless) as workbook:
            damaged = _give(workbook, list(failed), output)
    for name in damaged:
        output.note(f"Sheet {name} is damaged and left out.")
    if failed and output.is_empty:
        raise next(iter(failed.values()))
    if package is None:
        return
    for name in package.names(r"xl/charts/chart\d+\.xml"):
        if (root := package.xml(name)) is not None:
            output.place("chart")
            output.paragraph(" ".join(chart_titles(root)))


def _give(workbook: CalamineWorkbook, sheets: list[str], output: Output) -> dict[str, CalamineError]:
    """Output the rows of these sheets. Returns those that cannot be read."""
    damaged = {}
    for name in sheets:
        try:
            with _panics():
                give_rows(output, _rows(workbook, name), f"sheet {name}")
        except CalamineError as error:
            damaged[name] = error
    return damaged


def _open(path: str, package: Package | None) -> CalamineWorkbook:
    try:
        with _panics():
            return CalamineWorkbook.from_path(path)
    except CalamineError:
        if package is None:
            raise
        # One damaged part, of styles for example, costs all sheets. Without it they can be read.
        return _open_bytes(package.undamaged(_with_real_sheets(package)))


def _open_bytes(data: bytes) -> CalamineWorkbook:
    with _panics():
        return CalamineWorkbook.from_filelike(BytesIO(data))


def _wordless(package: Package) -> bytes | None:
    """The file with empty cells in place of those whose words are in no part that can be read. None if there is one."""
    main = package.main("xl/workbook.xml")
    parts = (one.target for one in package.relationships(main) if one.kind == "sharedStrings")
    if main.endswith(".bin") or package.xml(next(parts, "xl/sharedstrings.xml")) is not None:
        return None
    sheets = {name: package.data(name) or b"" for name in package.names(r"xl/worksheets/[^/]+\.xml")}
    changes = {name: _SHARED.sub(rb"<\1\2\3/>", data) for name, data in sheets.items()}
    return package.undamaged({**_with_real_sheets(package), **changes})


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
