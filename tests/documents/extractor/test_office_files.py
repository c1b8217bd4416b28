"""Word, PowerPoint and Excel: all that a file shows, in order, with where it stands."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import xlsxwriter  # type: ignore[import-untyped]
from pptx import Presentation
from pptx.util import Inches

from mockbackend.documents.splitting import split
from mockbackend.storage.passages import Passage
from tests.documents import sample_files
from tests.documents.extractor import in_process
from tests.documents.extractor.in_process import read
from tests.documents.sample_files import SAMPLES


def test_a_word_file_gives_all_that_it_shows_and_nothing_that_was_deleted(tmp_path: Path) -> None:
    blocks = read(sample_files.docx(tmp_path / "a.docx"), "docx")
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


def test_a_file_of_word_itself_is_read() -> None:
    body, header, footer = read(SAMPLES / "word.docx", "docx")
    paragraphs = body.text.split("\n\n")
    assert paragraphs[0] == "Lorem ipsum dolor sit amet, consectetur adipiscing elit."
    assert paragraphs[1] == "Text before Table Between Text after"
    assert (header.text, header.place) == ("Left-side | Right-side", "header")
    assert (footer.text, footer.place) == ("Copyright | Page-number", "footer")


def test_slides_give_titles_groups_tables_and_notes(tmp_path: Path) -> None:
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
    assert read(tmp_path / "a.pptx", "pptx") == [
        Passage("Within two groups\n\nMuirgen | 40\n\nNotes: Speak slowly.", "slide 1", "Keepers"),
        Passage("No title\nhere", "slide 2"),
        Passage("Only a title", "slide 3"),
    ]


def test_a_file_of_powerpoint_itself_is_read() -> None:
    (slide,) = read(SAMPLES / "powerpoint.pptx", "pptx")
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


def test_sheets_give_rows_under_the_names_of_their_columns(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Sales of 2024"],
        [],
        ["Region", "Day", "Sold", "Share"],
        ["North", datetime.date(2024, 5, 1), 1200, 0.25],
        ["South", datetime.date(2024, 5, 2), 7, 1.5],
    ]
    sold = "North | 2024-05-01 | 1200 | 0.25\n\nSouth | 2024-05-02 | 7 | 1.5"
    path = workbook(tmp_path / "a.xlsx", {"Sales": rows, "Empty": [], "Notes": [["Ask Ada"]], "Bare": [[1, 2], [3, 4]]})
    assert read(path, "xlsx") == [
        Passage("Sales of 2024", "sheet Sales, row 1"),
        Passage(sold, "sheet Sales, rows 4-5", "Region | Day | Sold | Share"),
        Passage("Ask Ada", "sheet Notes, row 1"),
        Passage("1 | 2\n\n3 | 4", "sheet Bare, rows 1-2"),
    ]


def test_every_passage_of_a_long_sheet_says_what_its_columns_are(tmp_path: Path) -> None:
    rows = [["Lamp", "Wick"], *([f"lamp {number}", f"wick {number}"] for number in range(2000))]
    passages = split(read(workbook(tmp_path / "a.xlsx", {"S": rows}), "xlsx"), 300, 50)
    assert len(passages) > 100
    for passage in passages:
        assert passage.with_heading.startswith("Lamp | Wick\nlamp ")
    assert "lamp 1999 | wick 1999" in passages[-1].text


def test_a_table_of_too_many_columns_for_a_heading_gives_each_cell_with_its_name(tmp_path: Path) -> None:
    names = [f"A rather long name of column {number}" for number in range(10)]
    path = workbook(tmp_path / "a.xlsx", {"S": [names, ["x", "", "y"]]})
    assert read(path, "xlsx") == [Passage(f"{names[0]}: x | {names[2]}: y", "sheet S, row 2")]


def test_names_of_columns_without_rows_are_rows(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"S": [["Region", "Sold"]]})
    assert in_process.read(path, "xlsx") == [Passage("Region | Sold", "sheet S, row 1")]


def test_rows_of_a_few_characters_fill_a_passage_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("id,x\n" + "".join(f"{number},7\n" for number in range(5000)))
    blocks = in_process.read(tmp_path / "file", "csv")
    assert {len(block.text) > 900 for block in blocks[:-1]} == {True}
    assert len(split(blocks, 1200, 150)) == len(blocks)


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


def test_a_file_of_excel_itself_is_read() -> None:
    first, second = read(SAMPLES / "excel.xlsx", "xlsx")
    assert (first.place, second.place) == ("sheet Sheet1, row 2", "sheet Sheet3, rows 2-4")
    assert first.text.startswith("String | 1 | 1.1 | yes | no | 2010-10-10 | 2010-10-10 10:10 | 10:10:10 |")
    assert second.text.startswith("line1 | line1 | line1\n\nline2")
