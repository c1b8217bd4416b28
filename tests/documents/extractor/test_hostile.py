"""Documents that are broken or mean harm: each fails alone, in words, and leaves nothing behind."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from tests.documents import sample_files
from tests.documents.extractor import in_process
from tests.documents.extractor.in_process import read
from tests.documents.extractor.refusals import DAMAGED, LIMITS, MB, MEMORY, content, refusal
from tests.documents.sample_files import PARAGRAPH, SAMPLES

ENCRYPTED = "The file has a password. Save it without one and upload that."
ENTITIES = "The file declares XML entities, as Office never does. Save it again in Office."
SPLIT = "Split it into smaller files."
NESTED = "The content of the file is nested too deeply to be read."
NO_TEXT = "No text was found in the file."
ENCODING = "The encoding of the file's text is not known. Save it as UTF-8 and upload that."
BINARY = "The file is binary, not text. Check the file and its name."


def entities(folder: Path) -> Path:
    nested = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE w:document [<!ENTITY e0 "lol">{nested}]>'.encode()
    return sample_files.word(folder / "file", b"<w:p><w:r><w:t>&e9;</w:t></w:r></w:p>", head)


def outside_entity(folder: Path) -> Path:
    head = b'<!DOCTYPE w:document [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    return sample_files.word(folder / "file", b"<w:p><w:r><w:t>&e;</w:t></w:r></w:p>", head)


def many_parts(folder: Path) -> Path:
    return sample_files.zipped(folder / "file", {f"word/{number}": b"" for number in range(20_001)})


def encrypted_part(folder: Path) -> Path:
    path = sample_files.word(folder / "file", PARAGRAPH)
    data = bytearray(path.read_bytes())
    # The flag of each entry in the directory at the end.
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    return path


def far_cell(folder: Path) -> Path:
    with xlsxwriter.Workbook(str(folder / "file")) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "a")
        sheet.write(1_048_575, 16_383, "z")
    return folder / "file"


def one_string_everywhere(folder: Path) -> Path:
    with xlsxwriter.Workbook(str(folder / "file")) as book:
        sheet = book.add_worksheet()
        for row in range(30_000):
            sheet.write(row, 0, "x" * 30_000)
    return folder / "file"


def many_sheets(folder: Path) -> Path:
    with xlsxwriter.Workbook(str(folder / "file")) as book:
        for _ in range(101):
            book.add_worksheet()
    return folder / "file"


def packed_oddly(folder: Path) -> Path:
    return sample_files.zipped(folder / "file", {"word/document.xml": b" " * MB}, zipfile.ZIP_BZIP2)


CASES: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "encrypted-pdf": ("pdf", lambda folder: sample_files.pdf(folder / "file", ["secret"], encrypted=True), ENCRYPTED),
    "encrypted-pdf-of-libreoffice": ("pdf", lambda _: SAMPLES / "encrypted.pdf", ENCRYPTED),
    "pdf-of-10000-pages": (
        "pdf",
        lambda folder: sample_files.pdf(folder / "file", ["a"], count=10_000),
        f"The file has more than 100 pages (MAX_DOCUMENT_PAGES). {SPLIT}",
    ),
    "pdf-without-text": (
        "pdf",
        lambda folder: sample_files.pdf(folder / "file", [""]),
        f"{NO_TEXT} If it is a scan, run text recognition (OCR) on it and upload the result.",
    ),
    "pdf-of-nothing": ("pdf", content(b"%PDF-1.7\n"), DAMAGED),
    "pdf-that-unpacks-to-400-mb": (
        "pdf",
        lambda folder: sample_files.bomb_pdf(folder / "file", b" " * MB, 400),
        MEMORY,
    ),
    "pdf-of-a-million-words": (
        "pdf",
        lambda folder: sample_files.bomb_pdf(folder / "file", b"BT /F1 9 Tf 50 800 Td (lamp) Tj ET\n" * 10_000, 200),
        MEMORY,
    ),
    "docx-of-nothing": ("docx", content(b"PK\x03\x04"), DAMAGED),
    "xlsx-named-docx": (
        "docx",
        lambda _: SAMPLES / "excel.xlsx",
        "The file name ends in .docx, but the content is something else. Check the file.",
    ),
    "zip-named-pptx": (
        "pptx",
        lambda folder: sample_files.zipped(folder / "file", {"a.txt": b"a"}),
        "The file name ends in .pptx, but the content is something else. Check the file.",
    ),
    "docx-that-unpacks-to-200-mb": (
        "docx",
        lambda folder: sample_files.zipped(folder / "file", {"word/document.xml": b" " * (200 * MB)}),
        f"Unpacked, the file is larger than 150 MB. {SPLIT}",
    ),
    "docx-that-says-it-unpacks-to-1-kb": (
        "docx",
        lambda folder: sample_files.lying(
            sample_files.zipped(folder / "file", {"word/document.xml": b" " * (9 * MB)}), 1024
        ),
        DAMAGED,
    ),
    "docx-that-fits-and-whose-tree-does-not": (
        "docx",
        lambda folder: sample_files.word(folder / "file", PARAGRAPH * 1_000_000),
        MEMORY,
    ),
    "docx-of-many-parts": ("docx", many_parts, f"The file consists of more than 20,000 parts. {SPLIT}"),
    "docx-packed-oddly": (
        "docx",
        packed_oddly,
        "The file uses a compression that is not Office's. Save it again in Office.",
    ),
    "docx-with-an-encrypted-part": ("docx", encrypted_part, ENCRYPTED),
    "docx-with-an-entity-bomb": ("docx", entities, ENTITIES),
    "docx-that-asks-for-a-file-of-ours": ("docx", outside_entity, ENTITIES),
    "docx-nested-deeply": (
        "docx",
        lambda folder: sample_files.word(folder / "file", b"<w:ins>" * 200_000 + b"</w:ins>" * 200_000),
        NESTED,
    ),
    "docx-without-text": ("docx", lambda folder: sample_files.word(folder / "file", b"<w:p/>"), NO_TEXT),
    "xlsx-with-a-cell-far-away": ("xlsx", far_cell, MEMORY),
    "xlsx-with-one-string-everywhere": ("xlsx", one_string_everywhere, MEMORY),
    "xlsx-of-many-sheets": ("xlsx", many_sheets, f"The file has more than 100 sheets (MAX_DOCUMENT_PAGES). {SPLIT}"),
    "encrypted-xlsx": ("xlsx", lambda _: SAMPLES / "encrypted.xlsx", DAMAGED),
    "html-of-200000-nested-tags": ("html", content(b"<div>" * 200_000), NESTED),
    "html-of-200000-nested-tables": ("html", content(b"<table><tr><td>" * 200_000), NESTED),
    "text-in-no-encoding": ("text", content(b"caf\xe9 \xff\x81\xc3( end"), ENCODING),
    "html-without-text": ("html", content(b"<script>alert(1)</script>"), NO_TEXT),
    "text-of-white-space": ("text", content(b" \n\t " * 1000), NO_TEXT),
    "binary-text": ("text", content(b"a\0b"), BINARY),
    "binary-markdown": ("markdown", content(b"\x7fELF\0"), BINARY),
    "markdown-of-too-many-sections": (
        "markdown",
        content(b"# a\n\nb\n\n# c\n\nd\n\n" * 110_000),
        f"The file has more than 200,000 sections. {SPLIT}",
    ),
}


# They take a second each, and most of them the memory that a file may have.
LARGE = {
    "pdf-that-unpacks-to-400-mb",
    "pdf-of-a-million-words",
    "docx-that-unpacks-to-200-mb",
    "docx-that-fits-and-whose-tree-does-not",
    "docx-of-many-parts",
    "xlsx-with-a-cell-far-away",
    "xlsx-with-one-string-everywhere",
    "html-of-200000-nested-tables",
    "markdown-of-too-many-sections",
}


# One for each library that reads them, and those in which the service itself finds no text.
IN_A_PROCESS = {
    "encrypted-pdf",
    "docx-that-says-it-unpacks-to-1-kb",
    "docx-with-an-entity-bomb",
    "xlsx-of-many-sheets",
    "html-of-200000-nested-tags",
    "text-in-no-encoding",
    *(case for case, (_, _, words) in CASES.items() if words.startswith(NO_TEXT)),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.slow] * (case not in IN_A_PROCESS)) for case in CASES]
)
async def test_a_hostile_file_fails_alone_with_a_reason(case: str, tmp_path: Path) -> None:
    kind, make, words = CASES[case]
    assert await refusal(make(tmp_path), kind) == words


@pytest.mark.parametrize("case", [case for case in CASES if case not in LARGE | IN_A_PROCESS])
def test_a_reader_itself_finds_the_reason(case: str, tmp_path: Path) -> None:
    kind, make, words = CASES[case]
    assert in_process.refusal(make(tmp_path), kind, LIMITS) == words


def whole(kind: str, folder: Path) -> Path:
    if kind == "pdf":
        return sample_files.pdf(folder / "file", ["The keeper"] * 30)
    sample = {"docx": "word.docx", "pptx": "powerpoint.pptx", "xlsx": "excel.xlsx"}[kind]
    return content((SAMPLES / sample).read_bytes())(folder)


@pytest.mark.parametrize("kind", ["pdf", "docx", "pptx", "xlsx"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_file_cut_short_is_called_damaged(kind: str, part: float, tmp_path: Path) -> None:
    assert in_process.refusal(cut_short(kind, part, tmp_path), kind) == DAMAGED


@pytest.mark.parametrize("kind", ["pdf", "docx", "pptx", "xlsx"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
@pytest.mark.slow
async def test_a_file_cut_short_leaves_nothing_over(kind: str, part: float, tmp_path: Path) -> None:
    assert await refusal(cut_short(kind, part, tmp_path), kind) == DAMAGED


def cut_short(kind: str, part: float, folder: Path) -> Path:
    path = whole(kind, folder)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    return path


@pytest.mark.parametrize("kind", ["pdf", "docx", "pptx", "xlsx"])
def test_a_file_with_a_hole_is_read_as_far_as_it_is_whole(kind: str, tmp_path: Path) -> None:
    path = whole(kind, tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    if kind == "xlsx":
        # Of its sheets all that have text.
        assert in_process.refusal(path, kind) == DAMAGED
        return
    blocks = read(path, kind)
    if kind == "pdf":
        assert 10 <= len(blocks) < 30
    else:
        assert blocks[0].text.startswith(("Lorem ipsum", "Test text"))
