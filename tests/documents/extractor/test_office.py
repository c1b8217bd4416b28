"""Office files as odd programs write them: one odd part never costs the whole file."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from docx import Document
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from mockbackend.documents.errors import Unreadable
from mockbackend.documents.extractor.readers.xlsx import WORDLESS
from mockbackend.storage.passages import Passage
from tests.documents import sample_files
from tests.documents.extractor.in_process import read, read_with_notice
from tests.documents.extractor.refusals import DAMAGED

Change = Callable[[str, bytes], Iterator[tuple[str, bytes]]]
STRICT = re.compile(rb"http://schemas\.openxmlformats\.org/(\w+)/2006/(\w+)")


def xlsx(path: Path) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("Sales", "Costs"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["Region", "Sold"])
            sheet.write_row(1, 0, [f"North {name}", 7])
        chart = book.add_chart({"type": "column"})
        chart.add_series({"categories": "=Sales!$A$2:$A$2", "values": "=Sales!$B$2:$B$2"})
        chart.set_title({"name": "Sold by region"})
        sheet.insert_chart("D2", chart)
    return path


def pptx(path: Path) -> Path:
    deck = Presentation()
    for title in ("Keepers", "The lens"):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = title
        slide.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = f"Of {title}"
        slide.notes_slide.notes_text_frame.text = "Speak slowly."
    data = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["Spring", "Autumn"]
    data.add_series("Nights", (91, 89.5))  # type: ignore[no-untyped-call]
    chart = slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, Inches(4), Inches(3), data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Lamp lit"
    deck.save(str(path))
    return path


MAKERS = {"docx": sample_files.docx, "xlsx": xlsx, "pptx": pptx}


@cache
def made(kind: str) -> bytes:
    """The bytes of a usual file: to make one takes longer than to read it."""
    with TemporaryDirectory() as folder:
        return MAKERS[kind](Path(folder) / "usual").read_bytes()


def usual(kind: str, folder: Path) -> Path:
    """A usual file, to be changed."""
    path = folder / "file"
    path.write_bytes(made(kind))
    return path


def strict(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, STRICT.sub(rb"http://purl.oclc.org/ooxml/\1/\2", content)


def backslashes(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    yield name.replace("/", "\\"), content


def upper_case(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    yield name.replace("document", "Document").replace("/slides/", "/Slides/"), content


def without_decoration(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    if not re.search(r"theme|styles|fontTable|settings|docProps|slideLayout|slideMaster|presProps", name):
        yield name, content


def damaged_decoration(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    is_decoration = re.search(r"theme|styles|fontTable|settings|docProps|slideLayout|slideMaster|presProps", name)
    yield name, content[: len(content) // 2] if is_decoration else content


def without_types(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    if name != "[Content_Types].xml":
        yield name, content


def slide_show(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, content.replace(b"presentation.main+xml", b"slideshow.main+xml")


ODDITIES = (strict, backslashes, upper_case, without_types, slide_show)


def changed(path: Path, change: Change) -> Path:
    with zipfile.ZipFile(path) as archive:
        entries = [entry for name in archive.namelist() for entry in change(name, archive.read(name))]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            # Not through its constructor, which corrects the name.
            info = zipfile.ZipInfo("part")
            info.filename = name
            archive.writestr(info, content)
    return path


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "change", [strict, backslashes, upper_case, without_types, slide_show], ids=lambda one: one.__name__
)
@pytest.mark.parametrize("kind", MAKERS)
def test_an_odd_file_is_read_like_a_usual_one(kind: str, change: Change, tmp_path: Path) -> None:
    path = usual(kind, tmp_path)
    blocks = read(path, kind)
    assert len(blocks) > 1
    assert read(changed(path, change), kind) == blocks


@pytest.mark.parametrize("change", [without_decoration, damaged_decoration], ids=lambda one: one.__name__)
@pytest.mark.parametrize("kind", MAKERS)
def test_what_a_file_is_decorated_with_may_be_missing_or_damaged(kind: str, change: Change, tmp_path: Path) -> None:
    texts = " ".join(block.text for block in read(changed(usual(kind, tmp_path), change), kind))
    for words in {"docx": ("Three shared", "Confidential"), "xlsx": ("North Costs",), "pptx": ("Of The lens",)}[kind]:
        assert words in texts


@pytest.mark.sampled(4)
@pytest.mark.parametrize("broken", [b"", b"<x", b"\0\0\0"], ids=repr)
@pytest.mark.parametrize(
    ("kind", "part", "left"),
    [
        ("docx", "word/header1.xml", "Confidential"),
        ("docx", "word/footnotes.xml", "Said in a endnote."),
        ("xlsx", "xl/worksheets/sheet1.xml", "North Costs | 7"),
        ("pptx", "ppt/slides/slide1.xml", "Of The lens"),
        ("pptx", "ppt/notesSlides/notesSlide1.xml", "Of Keepers"),
        ("pptx", "ppt/presentation.xml", "Of Keepers"),
    ],
)
def test_one_damaged_part_costs_no_other(kind: str, part: str, left: str, broken: bytes, tmp_path: Path) -> None:
    def damage(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
        yield name, broken if name == part else content

    blocks = read(changed(usual(kind, tmp_path), damage), kind)
    assert left in "\n\n".join(block.text for block in blocks)


@pytest.mark.parametrize(("kind", "part"), [("docx", "word/document.xml"), ("xlsx", "xl/workbook.xml")])
def test_without_its_main_part_a_file_is_damaged(kind: str, part: str, tmp_path: Path) -> None:
    def leave_out(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
        if name != part:
            yield name, content

    path = changed(usual(kind, tmp_path), leave_out)
    with pytest.raises(Unreadable, match=re.escape(DAMAGED)):
        read(path, kind)


@pytest.mark.parametrize("broken", [None, b"<sst"])
def test_without_its_words_a_workbook_has_its_numbers(broken: bytes | None, tmp_path: Path) -> None:
    def damage(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
        if name != "xl/sharedStrings.xml":
            yield name, content
        elif broken:
            yield name, broken

    blocks, notice = read_with_notice(changed(usual("xlsx", tmp_path), damage), "xlsx")
    assert [(block.text, block.place) for block in blocks] == [
        ("7", "sheet Sales, row 2"),
        ("7", "sheet Costs, row 2"),
        ("Sold by region", "chart"),
    ]
    assert notice == WORDLESS


def test_a_sheet_that_is_nowhere_in_the_file_costs_no_other(tmp_path: Path) -> None:
    """Excel lists modules of Visual Basic among the sheets."""

    def add(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
        module = b'<sheet name="Module" sheetId="9" r:id=""/></sheets>'
        yield name, content.replace(b"</sheets>", module) if name == "xl/workbook.xml" else content

    path = usual("xlsx", tmp_path)
    blocks = read(path, "xlsx")
    assert read(changed(path, add), "xlsx") == blocks


def test_a_shape_that_nobody_knows_is_read(tmp_path: Path) -> None:
    def add(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
        text = b"<a:p><a:r><a:t>Of the future</a:t></a:r></a:p>"
        shape = b'<x:novelty xmlns:x="urn:x"><x:inner><x:body>%s</x:body></x:inner></x:novelty></p:spTree>' % text
        yield name, content.replace(b"</p:spTree>", shape) if name == "ppt/slides/slide1.xml" else content

    first, *_ = read(changed(usual("pptx", tmp_path), add), "pptx")
    assert first == Passage("Of Keepers\n\nOf the future\n\nNotes: Speak slowly.", "slide 1", "Keepers")


def test_charts_give_their_titles_categories_and_values(tmp_path: Path) -> None:
    *_, last = read(usual("pptx", tmp_path), "pptx")
    chart = "Lamp lit\n\n| Nights\n\nSpring | 91\n\nAutumn | 89.5"
    assert last == Passage(f"Of The lens\n\n{chart}\n\nNotes: Speak slowly.", "slide 2", "The lens")
    *_, last = read(usual("xlsx", tmp_path), "xlsx")
    assert last == Passage("Sold by region", "chart")


def test_a_chart_in_a_word_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    Document().save(str(path))
    with zipfile.ZipFile(usual("pptx", tmp_path)) as deck:
        chart = next(deck.read(name) for name in deck.namelist() if re.search(r"charts/chart\d+\.xml$", name))

    def add(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
        kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/chart"
        one = b'<Relationship Id="c1" Type="%s" Target="charts/chart1.xml"/></Relationships>' % kind
        is_main = name == "word/_rels/document.xml.rels"
        yield name, content.replace(b"</Relationships>", one) if is_main else content
        if is_main:
            yield "word/charts/chart1.xml", chart

    assert (read(changed(path, add), "docx"))[-1] == Passage(
        "Lamp lit\n\n| Nights\n\nSpring | 91\n\nAutumn | 89.5", "chart"
    )
