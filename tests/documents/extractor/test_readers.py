"""Reading documents of every kind: their words, in order, with where they stand."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from pptx import Presentation
from pptx.util import Inches

from mockbackend.documents.extraction import Limits, extract
from mockbackend.documents.formats import FORMATS
from mockbackend.documents.splitting import split
from mockbackend.storage.passages import Passage
from tests.documents import sample_files
from tests.documents.extractor import in_process
from tests.documents.sample_files import SAMPLES
from tests.harness.processes import ROOT

LIMITS = Limits(seconds=30, memory_bytes=1 << 30, pages=1000, characters=1_000_000)


async def read(path: Path, kind: str) -> list[Passage]:
    return (await extract(path, FORMATS[kind], LIMITS)).blocks


async def read_text(folder: Path, kind: str, content: str | bytes) -> list[Passage]:
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return await read(path, kind)


async def test_a_pdf_gives_each_page_under_the_chapter_that_its_outline_names(tmp_path: Path) -> None:
    pages = ["Foreword (short)", "The keepers\nshared the watch.", "Still of keepers.", "The lens turns – slowly."]
    path = sample_files.pdf(tmp_path / "a.pdf", pages, [("Keepers", 1), ("The lens ☼", 3)])
    assert await read(path, "pdf") == [
        Passage("Foreword (short)", "page 1"),
        Passage("The keepers\nshared the watch.", "page 2", "Keepers"),
        Passage("Still of keepers.", "page 3", "Keepers"),
        Passage("The lens turns – slowly.", "page 4", "The lens ☼"),
    ]


async def test_pages_without_text_are_left_out_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    path = sample_files.pdf(tmp_path / "a.pdf", ["One", "", "Three"])
    assert [(block.place, block.text) for block in await read(path, "pdf")] == [("page 1", "One"), ("page 3", "Three")]


async def test_a_pdf_of_libreoffice_is_read() -> None:
    first, second = await read(SAMPLES / "text.pdf", "pdf")
    assert (first.place, second.place) == ("page 1", "page 2")
    assert first.text.startswith("Lorem ipsum dolor sit amet,\nconsectetur adipisici elit,")
    assert "https://www.openstreetmap.org/" in second.text


async def test_an_outline_that_goes_in_a_circle_ends() -> None:
    assert [block.text for block in await read(SAMPLES / "circular.pdf", "pdf")] == ["Page1", "Page2"]


async def test_a_word_file_gives_all_that_it_shows_and_nothing_that_was_deleted(tmp_path: Path) -> None:
    blocks = await read(sample_files.docx(tmp_path / "a.docx"), "docx")
    keepers = "Three shared the watch.\n\nName | Years\n\nMuirgen | 40\n\nBetween table and list.\n\n- oil\n\n- wicks"
    lens = "It turns by clockwork.\n\nBeside a box.\n\nMind the step.\n\nIn a content control."
    assert blocks == [
        Passage("It stands above the sea.", "", "The lighthouse"),
        Passage(keepers, "", "The lighthouse > Keepers"),
        Passage(lens, "", "The lighthouse > Keepers > The lens"),
        # A heading with nothing beneath it.
        Passage("Empty end", "", "The lighthouse"),
        Passage("Ardmore Lights", "header"),
        Passage("Confidential", "footer"),
        Passage("Said in a footnote.", "footnotes"),
        Passage("Said in a endnote.", "endnotes"),
    ]


async def test_a_file_of_word_itself_is_read() -> None:
    body, header, footer = await read(SAMPLES / "word.docx", "docx")
    paragraphs = body.text.split("\n\n")
    assert paragraphs[0] == "Lorem ipsum dolor sit amet, consectetur adipiscing elit."
    assert paragraphs[1] == "Text before Table Between Text after"
    assert (header.text, header.place) == ("Left-side | Right-side", "header")
    assert (footer.text, footer.place) == ("Copyright | Page-number", "footer")


async def test_slides_give_titles_groups_tables_and_notes(tmp_path: Path) -> None:
    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[5])
    first.shapes.title.text = "Keepers"
    group = first.shapes.add_group_shape()
    inner = group.shapes.add_group_shape()
    inner.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "Within two groups"
    table = first.shapes.add_table(1, 2, 0, 0, Inches(2), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "Muirgen", "40"
    first.notes_slide.notes_text_frame.text = "Speak slowly."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    second.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "No title\vhere"
    third = deck.slides.add_slide(deck.slide_layouts[5])
    third.shapes.title.text = "Only a title"
    deck.save(str(tmp_path / "a.pptx"))
    assert await read(tmp_path / "a.pptx", "pptx") == [
        Passage("Within two groups\n\nMuirgen | 40\n\nNotes: Speak slowly.", "slide 1", "Keepers"),
        Passage("No title\nhere", "slide 2"),
        Passage("Only a title", "slide 3"),
    ]


async def test_a_file_of_powerpoint_itself_is_read() -> None:
    (slide,) = await read(SAMPLES / "powerpoint.pptx", "pptx")
    assert slide.place == "slide 1"
    assert slide.text.split("\n\n") == [
        *("Test text", "Group test text", "Box 1", "Box 2"),
        *("Col head 1 | Col head 2", "Cell text 1 | Cell text 2"),
    ]


def workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return path


async def test_sheets_give_rows_under_the_names_of_their_columns(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Sales of 2024"],
        [],
        ["Region", "Day", "Sold", "Share"],
        ["North", datetime.date(2024, 5, 1), 1200, 0.25],
        ["South", datetime.date(2024, 5, 2), 7, 1.5],
    ]
    sold = "North | 2024-05-01 | 1200 | 0.25\n\nSouth | 2024-05-02 | 7 | 1.5"
    path = workbook(tmp_path / "a.xlsx", {"Sales": rows, "Empty": [], "Notes": [["Ask Ada"]], "Bare": [[1, 2], [3, 4]]})
    assert await read(path, "xlsx") == [
        Passage("Sales of 2024", "sheet Sales, row 1"),
        Passage(sold, "sheet Sales, rows 4-5", "Region | Day | Sold | Share"),
        Passage("Ask Ada", "sheet Notes, row 1"),
        Passage("1 | 2\n\n3 | 4", "sheet Bare, rows 1-2"),
    ]


async def test_every_passage_of_a_long_sheet_says_what_its_columns_are(tmp_path: Path) -> None:
    rows = [["Lamp", "Wick"], *([f"lamp {number}", f"wick {number}"] for number in range(2000))]
    passages = split(await read(workbook(tmp_path / "a.xlsx", {"S": rows}), "xlsx"), 300, 50)
    assert len(passages) > 100
    for passage in passages:
        assert passage.with_heading.startswith("Lamp | Wick\nlamp ")
    assert "lamp 1999 | wick 1999" in passages[-1].text


async def test_a_table_of_too_many_columns_for_a_heading_gives_each_cell_with_its_name(tmp_path: Path) -> None:
    names = [f"A rather long name of column {number}" for number in range(10)]
    path = workbook(tmp_path / "a.xlsx", {"S": [names, ["x", "", "y"]]})
    assert await read(path, "xlsx") == [Passage(f"{names[0]}: x | {names[2]}: y", "sheet S, row 2")]


def test_names_of_columns_without_rows_are_rows(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"S": [["Region", "Sold"]]})
    assert in_process.read(path, "xlsx") == [Passage("Region | Sold", "sheet S, row 1")]


def test_each_passage_of_a_long_table_says_which_rows_it_has(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("Lamp,Wick\n\n" + "".join(f"lamp {n},wick {n}\n" for n in range(3, 500)))
    blocks = in_process.read(tmp_path / "file", "csv")
    assert len(blocks) > 8
    row = 3
    for block in blocks:
        first, last = map(int, block.place.removeprefix("rows ").split("-"))
        assert first == row
        texts = [f"lamp {number} | wick {number}" for number in range(first, last + 1)]
        assert (block.text, block.heading) == ("\n\n".join(texts), "Lamp | Wick")
        row = last + 1
    assert row == 500


async def test_a_file_of_excel_itself_is_read() -> None:
    first, second = await read(SAMPLES / "excel.xlsx", "xlsx")
    assert (first.place, second.place) == ("sheet Sheet1, row 2", "sheet Sheet3, rows 2-4")
    assert first.text.startswith("String | 1 | 1.1 | yes | no | 2010-10-10 | 2010-10-10 10:10 | 10:10:10 |")
    assert second.text.startswith("line1 | line1 | line1\n\nline2")


async def test_html_gives_what_a_reader_sees(tmp_path: Path) -> None:
    page = """<!doctype html><title>Site</title><script>var no = "<h1>No</h1>"</script><style>no {}</style>
        <nav><a href=/>Home</a></nav><h1>The <em>light</em>house</h1>
        <p>Salt &amp; spray, caf&eacute; &lt;b&gt;,<br>and<b>bold</b> <!-- no -->text.
        <template>no</template><noscript>no</noscript>
        <h2>Keepers</h2><ul><li>oil<li>wicks</ul><pre>if a:
    b</pre><table><tr><th>Name<th>Years<tr><td>Muirgen<td><p>40</p></table>
<h3>Alone</h3><h2>Lens</h2><div>It turns.</div>"""
    assert await read_text(tmp_path, "html", page) == [
        Passage("Salt & spray, café <b>,\nandbold text.", "", "The lighthouse"),
        Passage("- oil\n\n- wicks\n\nif a:\n    b\n\nName | Years\n\nMuirgen | 40", "", "The lighthouse > Keepers"),
        Passage("Alone", "", "The lighthouse > Keepers"),
        Passage("It turns.", "", "The lighthouse > Lens"),
    ]


async def test_the_title_of_a_page_without_a_first_heading_is_its_heading(tmp_path: Path) -> None:
    blocks = await read_text(tmp_path, "html", "<title>Keepers</title><p>Three.<h2>Names</h2><p>Muirgen.")
    assert blocks == [Passage("Three.", "", "Keepers"), Passage("Muirgen.", "", "Keepers > Names")]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>café ☼".encode(), "café ☼"),
        ("<p>café ☼".encode("utf-8-sig"), "café ☼"),
        ("<p>café ☼".encode("utf-16"), "café ☼"),
        ("<p>café €".encode("cp1252"), "café €"),
        ('<meta charset="koi8-r"><p>маяк'.encode("koi8-r"), "маяк"),
        ('<meta http-equiv=x content="text/html; charset=shift_jis"><p>灯台'.encode("shift_jis"), "灯台"),
        ('<?xml version="1.0" encoding="ISO-8859-2"?><p>Łódź'.encode("iso8859-2"), "Łódź"),
        ('<meta charset="iso-8859-1"><p>“quoted”'.encode("cp1252"), "“quoted”"),
        ('<meta charset="no-such"><p>café'.encode(), "café"),
        ('<meta charset="rot13"><p>café'.encode(), "café"),
    ],
    ids=repr,
)
async def test_a_page_is_read_in_its_encoding(tmp_path: Path, content: bytes, text: str) -> None:
    assert await read_text(tmp_path, "html", content) == [Passage(text)]


async def test_markdown_gives_its_headings_and_keeps_code_whole(tmp_path: Path) -> None:
    page = """---
title: Log
---
Before.

# The `light`house ##
It stands
here.
```sh
# no heading

---
```
Keepers of [the](http://x) log
-----
- oil
---
    # code
#nothing

## Empty

Lens
====
It turns.
"""
    assert await read_text(tmp_path, "markdown", page) == [
        Passage("title: Log\n\nBefore."),
        Passage("It stands\nhere.\n\n```sh\n# no heading\n\n---\n```", "", "The lighthouse"),
        Passage("- oil\n---\n    # code\n#nothing", "", "The lighthouse > Keepers of the log"),
        Passage("Empty", "", "The lighthouse"),
        Passage("It turns.", "", "Lens"),
    ]


async def test_our_own_readme_is_read() -> None:
    blocks = await read(ROOT / "README.md", "markdown")
    assert {block.heading.split(" > ")[0] for block in blocks} == {"Mock Backend"}
    assert any(block.heading.endswith("> The page") for block in blocks)
    assert not any(block.text.startswith("#") for block in blocks)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"caf\xc3\xa9\r\n\r\n\r\nsecond", "café\n\nsecond"),
        ("café".encode("utf-8-sig"), "café"),
        ("café ☼".encode("utf-16"), "café ☼"),
        ("\ufeffcafé".encode("utf-16-be"), "café"),
        ("café €".encode("cp1252"), "café €"),
        ("naïve café, été, half of a character ☼".encode()[:-1], "naïve café, été, half of a character \ufffd"),
        ("soft\u00adhyphen\x07".encode(), "softhyphen"),
    ],
    ids=repr,
)
async def test_text_is_read_in_its_encoding(tmp_path: Path, content: bytes, text: str) -> None:
    assert await read_text(tmp_path, "text", content) == [Passage(text)]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('Name,Note\nAda,"a, b"\nBob,"two\nlines"\n', "Ada | a, b\n\nBob | two lines"),
        ("Name;Note\nAda;1,5\nBob;2,5\n", "Ada | 1,5\n\nBob | 2,5"),
        ("Name\tNote\nAda\tx\n", "Ada | x"),
        ("\ufeffName,Note\r\nAda,x\r\n\r\n", "Ada | x"),
    ],
)
async def test_csv_gives_rows_under_the_names_of_their_columns(tmp_path: Path, content: str, text: str) -> None:
    (block,) = await read_text(tmp_path, "csv", content)
    assert (block.text, block.heading) == (text, "Name | Note")
    assert block.place in ("row 2", "rows 2-3")


async def test_a_long_page_takes_the_time_of_its_length(tmp_path: Path) -> None:
    # To compare its nodes with each other takes 18 s of CPU.
    texts = [f"Paragraph {number} of the page." for number in range(2000)]
    (tmp_path / "file").write_text("".join(f"<p>Paragraph {n} of <b>the</b> page." for n in range(2000)))
    quick = Limits(seconds=6, memory_bytes=1 << 30, pages=1000, characters=1_000_000)
    blocks = (await extract(tmp_path / "file", FORMATS["html"], quick)).blocks
    assert "\n\n".join(block.text for block in blocks) == "\n\n".join(texts)


async def test_csv_without_names_is_rows_alone(tmp_path: Path) -> None:
    assert await read_text(tmp_path, "csv", "1,2\n3,4\n") == [Passage("1 | 2\n\n3 | 4", "rows 1-2")]


async def test_a_heading_that_is_a_whole_paragraph_is_cut_and_its_text_kept(tmp_path: Path) -> None:
    title = "A title that goes on " * 20
    (block,) = await read_text(tmp_path, "markdown", f"# {title}")
    assert block.text == title.strip()
    assert len(block.heading) <= 200
    assert block.heading.endswith("…")
