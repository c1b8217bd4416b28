"""A file of every format, through the running server: uploaded, found by its words, and cited with its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import pytest
import xlwt  # type: ignore[import-untyped]

from mockbackend.documents.formats import FORMATS
from tests.documents import sample_files
from tests.documents.sample_files import SAMPLES
from tests.documents.waiting import indexed
from tests.harness.answers import chat
from tests.harness.service import Server


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


ROWS = (("Region", "Sold"), ("North", "seven"))


def made(make: Callable[[Path, Any], Path], content: object) -> bytes:
    """The bytes of a sample file."""
    with TemporaryDirectory() as folder:
        return make(Path(folder) / "file", content).read_bytes()


def old_workbook() -> bytes:
    book, stream = xlwt.Workbook(), BytesIO()
    sheet = book.add_sheet("Sales")
    for number, row in enumerate(ROWS):
        for column, text in enumerate(row):
            sheet.write(number, column, text)
    book.save(stream)
    return stream.getvalue()


# Name, content, words that are asked for, the source that is named first.
CASES: dict[str, tuple[str, bytes, str, str]] = {
    "pdf": ("text.pdf", sample("text.pdf"), "openstreetmap", "text.pdf, page 2"),
    "docx": ("word.docx", sample("word.docx"), "copyright", "word.docx, footer"),
    "pptx": ("powerpoint.pptx", sample("powerpoint.pptx"), "group", "powerpoint.pptx, slide 1"),
    "xlsx": ("excel.xlsx", sample("excel.xlsx"), "line1", "excel.xlsx, sheet Sheet3, rows 2-4"),
    "html": ("page.html", b"<h1>Light</h1><p>Keeper<h2>Salt</h2><p>Gulls cry", "gulls", "page.html, Light > Salt"),
    "markdown": ("notes.md", b"# Light\n\nKeeper\n\n## Salt\n\nGulls cry", "gulls", "notes.md, Light > Salt"),
    "text": ("notes.txt", "Möwen schreien".encode("utf-16"), "möwen", "notes.txt"),
    "csv": ("birds.csv", b"bird;call\ngull;cry\nowl;hoot\n", "hoot", "birds.csv, rows 2-3"),
    "json": ("lamps.json", b'{"lamp": {"keeper": "Muirgen"}}', "muirgen", "lamps.json"),
    "xml": ("lamps.xml", b"<lamps><keeper>Muirgen</keeper></lamps>", "muirgen", "lamps.xml"),
    "eml": ("mail.eml", b"Subject: Lamps\r\n\r\nMuirgen keeps them.", "muirgen", "mail.eml, Lamps"),
    "epub": ("book.epub", made(sample_files.epub, {"1.xhtml": b"<p>Muirgen"}), "muirgen", "book.epub, chapter 1"),
    "ods": ("sold.ods", made(sample_files.ods, ROWS), "north", "sold.ods, sheet Sales, row 2"),
    "xlsb": ("sold.xlsb", made(sample_files.xlsb, ROWS), "north", "sold.xlsb, sheet Sales, row 2"),
    "xls": ("sold.xls", old_workbook(), "north", "sold.xls, sheet Sales, row 2"),
}


@pytest.fixture
async def client(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    async with server.client(request.node.name) as logged_in:
        yield logged_in


# Read as other rows are: workbooks by one reader, and what is text.
ALIKE = {"xml", "json", "ods", "xlsb", "xls"}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in ALIKE)) for name in CASES])
async def test_a_file_is_found_and_cited_with_its_place(client: httpx2.AsyncClient, name: str) -> None:
    file_name, content, words, title = CASES[name]
    row = await indexed(client, file_name, content)
    # The emulator searches with the question as it stands, whose other words are in none of the files.
    answer = await chat(client, {"message": f"documents {words}"})
    assert answer.values("h")[0]["title"] == title
    assert words.casefold() in answer.text.casefold()
    assert (await client.get(f"/files/{row['id']}/content")).content == content


def test_every_format_is_tried() -> None:
    assert set(CASES) == set(FORMATS)
