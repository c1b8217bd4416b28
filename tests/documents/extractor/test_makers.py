"""Files as many programs write them: what each says is found, and where."""

from __future__ import annotations

import re

import pytest

from mockbackend.documents.errors import Unreadable
from mockbackend.documents.formats import format_of
from tests.documents.extractor.in_process import read
from tests.documents.sample_files import SAMPLES

MAKERS = SAMPLES / "makers"
OWN = ("The keeper lit the lamp at dusk.", "Muirgen | 40")
# Words in order, and the place where the last ones are.
FOUND: dict[str, tuple[tuple[str, ...], str]] = {
    "access.xlsx": (("Rich Text Test",), "sheet TABLE, row 2"),
    "acrobat.pdf": (("01-Jul-25", "00:34:56", "7/2/2025 12:34"), "page 1"),
    "autocad.pdf": (("EXAMPLE",), "page 1"),
    "distiller.pdf": (("my first page with normal layout", "landscape layout"), "page 2"),
    "dvipdfmx.pdf": (("ABC あいうえお 123",), "page 1"),
    "ebooklib.epub": (OWN[:1], "chapter 2"),
    "excel-95.xls": (("Numbers and their Squares", "12 | 144"), "sheet Feuil1, rows 6-22"),
    "excel-online.xlsx": (("Standard Height",), "sheet Sheet1, row 2"),
    "excel-strict.xlsx": (("test 2", "This is sheet 2", "1990-01-01"), "sheet Sheet Number 2, rows 1-7"),
    "excel.xlsb": (("Hello",), "sheet Sheet1, row 1"),
    "fpdf.pdf": (("我们都是黑体字",), "page 1"),
    "fpdf2.pdf": (("Zürich lights", OWN[0], "Muirgen 40"), "page 1"),
    "groff.txt": (("NAME", OWN[0]), ""),
    "itext.pdf": (("Look at this text!",), "page 1"),
    "libreoffice.docx": (("This is the first line", "This is the second line"), "comments"),
    "libreoffice.ods": (("3 | 4", "This workbook contains 4 sheets"), "sheet Visible, rows 1-5"),
    "libreoffice.pdf": (("This document contains one attachment",), "page 1"),
    "libreoffice.pptx": (("Test | Here | Test", "there"), "slide 1"),
    "nbformat.ipynb": (("Zürich lights", OWN[0], 'print("lit")'), "cell 2"),
    "neooffice.pdf": (("This is an Arial Unicode PDF",), "page 1"),
    "odfpy.ods": (OWN[1:], "sheet Lamps, row 2"),
    "openpyxl.xlsx": (OWN[1:], "sheet Sheet, row 2"),
    "pages.pdf": (("Hello (“client”) how are you?",), "page 1"),
    "pandoc.docx": ((*OWN, "wicks", "Trimmed daily."), "footnotes"),
    "pandoc.epub": ((*OWN, "oil", "Trimmed daily."), "chapter 2"),
    "pandoc.html": ((*OWN, "oil", "Trimmed daily."), ""),
    "pandoc.pptx": ((*OWN, "oil", "Trimmed daily."), "slide 4"),
    "pdfium.pdf": (("Hello world!",), "page 1"),
    "pdfkit.pdf": (("Some text with an embedded font!",), "page 1"),
    "pdftex.pdf": (("Goto the second page.", "Goto the first page."), "page 2"),
    "pdftron.pdf": (("Creating PDFs in JavaScript is awesome!",), "page 1"),
    "poi.xlsx": (("testing",), "sheet Sheet0, row 1"),
    "powerpoint.pptx": (("Apache", "Software", "Foundation"), "slide 1"),
    "pyexcelerate.xlsx": (OWN[1:], "sheet Lamps, row 2"),
    "python-email.eml": ((OWN[0], "lamps.csv", "Muirgen,40"), ""),
    "reportlab.pdf": (("Zürich lights", OWN[0]), "page 1"),
    "tcpdf.pdf": (("TextField:", "Powered by TCPDF"), "page 1"),
    "word.docx": (("東京",), ""),
    "xetex.pdf": (("The Crazy Ones", "The misfits. The rebels. The troublemakers."), "page 1"),
}
# What nobody reads is refused in words.
REFUSED = {"excel-beta.xlsb": "The file is damaged, or its content does not match its name"}


@pytest.mark.parametrize("name", FOUND)
def test_what_a_file_says_is_found(name: str) -> None:
    path, (words, place) = MAKERS / name, FOUND[name]
    blocks = read(path, format_of(name, path.read_bytes()[:1024]).name)
    said, at = " ".join("\n".join(block.text for block in blocks).split()), 0
    for one in words:
        assert one in said[at:], said
        at = said.index(one, at) + len(one)
    assert place in [block.place for block in blocks if words[-1] in " ".join(block.text.split())]


@pytest.mark.parametrize("name", REFUSED)
def test_what_nobody_reads_is_refused_in_words(name: str) -> None:
    path = MAKERS / name
    with pytest.raises(Unreadable, match=re.escape(REFUSED[name])):
        read(path, format_of(name, path.read_bytes()[:1024]).name)


def test_every_file_is_tried_and_has_its_origin_in_the_readme() -> None:
    there = {path.name for path in MAKERS.iterdir() if path.suffix not in (".md", ".py") and path.is_file()}
    assert there == FOUND.keys() | REFUSED.keys()
    rows = "\n".join(row.split("|")[1] for row in (MAKERS / "README.md").read_text().splitlines() if "|" in row)
    assert set(re.findall(r"[\w-]+\.\w+", rows)) == there
    assert sum(path.stat().st_size for path in MAKERS.iterdir()) < 400_000
