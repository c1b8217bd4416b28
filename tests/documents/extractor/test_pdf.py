"""PDF: the words of each page, under the chapters of its outline."""

from __future__ import annotations

from pathlib import Path

from mockbackend.storage.passages import Passage
from tests.documents import sample_files
from tests.documents.extractor.in_process import read
from tests.documents.sample_files import SAMPLES


def test_a_pdf_gives_each_page_under_the_chapter_that_its_outline_names(tmp_path: Path) -> None:
    pages = ["Foreword (short)", "The keepers\nshared the watch.", "Still of keepers.", "The lens turns – slowly."]
    path = sample_files.pdf(tmp_path / "a.pdf", pages, [("Keepers", 1), ("The lens ☼", 3)])
    assert read(path, "pdf") == [
        Passage("Foreword (short)", "page 1"),
        Passage("The keepers\nshared the watch.", "page 2", "Keepers"),
        Passage("Still of keepers.", "page 3", "Keepers"),
        Passage("The lens turns – slowly.", "page 4", "The lens ☼"),
    ]


def test_pages_without_text_are_left_out_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    path = sample_files.pdf(tmp_path / "a.pdf", ["One", "", "Three"])
    assert [(block.place, block.text) for block in read(path, "pdf")] == [("page 1", "One"), ("page 3", "Three")]


def test_a_pdf_of_libreoffice_is_read() -> None:
    first, second = read(SAMPLES / "text.pdf", "pdf")
    assert (first.place, second.place) == ("page 1", "page 2")
    assert first.text.startswith("Lorem ipsum dolor sit amet,\nconsectetur adipisici elit,")
    assert "https://www.openstreetmap.org/" in second.text


def test_an_outline_that_goes_in_a_circle_ends() -> None:
    assert [block.text for block in read(SAMPLES / "circular.pdf", "pdf")] == ["Page1", "Page2"]
