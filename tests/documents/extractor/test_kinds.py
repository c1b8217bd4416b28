"""Files of further kinds: spreadsheets, books, mail, data and source code."""

from __future__ import annotations

import zipfile
from email.message import EmailMessage
from pathlib import Path

import orjson
import pytest
import xlwt  # type: ignore[import-untyped]

from mockbackend.documents.errors import Unreadable
from mockbackend.documents.formats import format_of
from mockbackend.storage.passages import Passage
from tests.documents import sample_files
from tests.documents.extractor.in_process import read, read_with_notice

ROWS = (("Region", "Sold"), ("North", "seven"), ("South", "Łódź"))
SALES = [Passage("North | seven\n\nSouth | Łódź", "sheet Sales, rows 2-3", "Region | Sold")]
CHAPTER = b"<html xmlns='http://www.w3.org/1999/xhtml'><head><title>x</title></head><body>%s</body></html>"


def xls(path: Path) -> Path:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Sales")
    for number, row in enumerate(ROWS):
        for column, text in enumerate(row):
            sheet.write(number, column, text)
    book.save(str(path))
    return path


def named(path: Path, name: str) -> list[Passage]:
    """The blocks of the file at `path` if it is uploaded under this name."""
    return read(path, format_of(name, path.read_bytes()[:1024]).name)


def written(folder: Path, content: bytes | str) -> Path:
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_older_binary_and_open_spreadsheets_are_read(tmp_path: Path) -> None:
    assert named(xls(tmp_path / "file"), "a.xls") == SALES
    assert named(sample_files.xlsb(tmp_path / "file", ROWS), "a.xlsb") == SALES
    assert named(sample_files.ods(tmp_path / "file", ROWS), "a.ods") == SALES


def test_what_programs_export_as_xls_is_read_as_what_it_is(tmp_path: Path) -> None:
    page = "<table><tr><td>Region<td>Sold<tr><td>North<td>7</table>"
    assert named(written(tmp_path, f"\ufeff {page}"), "a.xls")[0].text == "Region | Sold\n\nNorth | 7"
    assert named(written(tmp_path, "Region\tSold\nNorth\t7\n"), "a.xls") == [
        Passage("North | 7", "row 2", "Region | Sold")
    ]


def test_a_book_gives_its_chapters_in_their_order(tmp_path: Path) -> None:
    doctype = b'<?xml version="1.0"?><!DOCTYPE html>'
    chapters = {
        "two.xhtml": doctype + CHAPTER % b"<h1>Second</h1><p>The lens turns.</p>",
        "one.xhtml": doctype + CHAPTER % "<h1>First</h1><p>Łódź &amp; lamps.</p>".encode(),
    }
    extra = {"OEBPS/inner.epub": b"PK\x03\x04 a book in the book", "OEBPS/toc.ncx": b"<!DOCTYPE ncx><ncx/>"}
    assert named(sample_files.epub(tmp_path / "file", chapters, extra), "a.epub") == [
        Passage("The lens turns.", "chapter 1", "Second"),
        Passage("Łódź & lamps.", "chapter 2", "First"),
    ]


def test_a_book_whose_chapters_name_each_other_ends_and_a_protected_one_is_called_so(tmp_path: Path) -> None:
    chapters = {"one.xhtml": CHAPTER % b"<p>Once. <a href='one.xhtml'>Again</a></p>"}
    path = sample_files.epub(tmp_path / "file", chapters)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    many = b"<spine>" + b"<itemref idref='c0'/>" * 5000
    entries["OEBPS/book.opf"] = entries["OEBPS/book.opf"].replace(b"<spine>", many)
    assert named(sample_files.zipped(path, entries), "a.epub") == [Passage("Once. Again", "chapter 1", "x")]
    reference = b"<c:CipherReference xmlns:c='http://www.w3.org/2001/04/xmlenc#' URI='OEBPS/one.xhtml'/>"
    entries["META-INF/encryption.xml"] = b"<encryption>%s</encryption>" % reference
    with pytest.raises(Unreadable, match="has a password"):
        named(sample_files.zipped(path, entries), "a.epub")


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ada <a@x.org>", "b@x.org", "Lampe für Łódź"
    message.set_content("The lamp is lit.\n\nAt dusk – always.")
    message.add_alternative("<p>The lamp is lit, as a page.</p>", subtype="html")
    return message


def test_mail_gives_who_wrote_what_and_what_is_attached(tmp_path: Path) -> None:
    message = mail()
    message.add_attachment("a,b\n1,2\n", filename="list.csv")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="plan.pdf")
    inner = mail()
    inner.replace_header("Subject", "The first one")
    message.add_attachment(inner)
    blocks = named(written(tmp_path, message.as_bytes()), "a.eml")
    assert blocks == [
        Passage(
            "From: Ada <a@x.org>\nTo: b@x.org\nSubject: Lampe für Łódź\n\nThe lamp is lit.\n\n"
            "At dusk – always.\n\nlist.csv\n\na,b\n1,2",
            "",
            "Lampe für Łódź",
        ),
        Passage(
            "From: Ada <a@x.org>\nTo: b@x.org\nSubject: The first one\n\nThe lamp is lit.\n\nAt dusk – always.",
            "attached message",
            "The first one",
        ),
    ]


def test_mail_that_is_only_a_page_or_in_an_older_encoding_is_read(tmp_path: Path) -> None:
    page = b"Subject: =?koi8-r?B?8M/ez9TB?=\r\nContent-Type: text/html; charset=koi8-r\r\n\r\n<p>" + "маяк".encode(
        "koi8-r"
    )
    (block,) = named(written(tmp_path, page), "a.eml")
    assert block.text.endswith("маяк")


def test_mail_whose_plain_form_is_blank_is_read_from_its_page(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "s"
    message.set_content(" \u00a0\n")
    message.add_alternative("<p>The lamp is lit.</p>", subtype="html")
    (block,) = named(written(tmp_path, message.as_bytes()), "a.eml")
    assert block.text == "Subject: s\n\nThe lamp is lit."


def test_mail_names_or_reads_what_is_attached_to_the_form_that_is_not_taken(tmp_path: Path) -> None:
    page = EmailMessage()
    page.set_content("<p>As a page.</p>", subtype="html")
    page.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="report.pdf")
    page.add_attachment("The list.", filename="list.txt")
    message = EmailMessage()
    message["Subject"] = "s"
    message.set_content("As text.")
    message.make_alternative()
    message.attach(page)
    (block,), notice = read_with_notice(written(tmp_path, message.as_bytes()), "eml")
    assert block.text.split("\n\n") == ["Subject: s", "As text.", "list.txt", "The list."]
    assert "not read: report.pdf. " in notice


def test_one_odd_attachment_does_not_cost_the_mail(tmp_path: Path) -> None:
    message = mail()
    message.add_attachment(bytes(range(256)), maintype="text", subtype="plain", filename="odd.txt")
    message.add_attachment("a,b\n1,2\n", filename="list.csv")
    (block,), notice = read_with_notice(written(tmp_path, message.as_bytes()), "eml")
    assert "The lamp is lit." in block.text
    assert block.text.endswith("list.csv\n\na,b\n1,2")
    assert "not read: odd.txt. " in notice


def test_mail_within_mail_without_end_is_read_as_far_as_it_is_sane(tmp_path: Path) -> None:
    nested = b"Subject: s\r\nContent-Type: message/rfc822\r\n\r\n" * 60 + b"Subject: last\r\n\r\nThe end."
    assert len(named(written(tmp_path, nested), "a.eml")) == 21
    deep = b"Content-Type: message/rfc822\r\n\r\n" * 20_000
    with pytest.raises(Unreadable):
        named(written(tmp_path, deep), "a.eml")


def test_json_gives_every_value_under_its_keys(tmp_path: Path) -> None:
    value = {"lamp": {"lit": True, "wicks": [{"length": 7}, {"length": 9.5}]}, "name": "Łódź", "none": None}
    (block,) = named(written(tmp_path, orjson.dumps(value)), "a.json")
    assert block.text.split("\n\n") == [
        "lamp.lit: true\nlamp.wicks.1.length: 7\nlamp.wicks.2.length: 9.5",
        "name: Łódź",
        "none: null",
    ]
    (block,) = named(written(tmp_path, '{"a": 1}\n{"a": "b"}\n'), "a.jsonl")
    assert block.text == "1.a: 1\n\n2.a: b"
    for text in ("// a comment\n{}", "[" * 5000):
        assert named(written(tmp_path, text), "a.json") == [Passage(text)]


def test_a_notebook_gives_its_cells_and_what_they_put_out_as_text(tmp_path: Path) -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["\x1b[31mred\x1b[0m\n", "lamp\n"]},
        {"output_type": "execute_result", "data": {"text/html": "<b>7</b>", "text/plain": ["seven"]}},
        {"output_type": "error", "ename": "KeyError", "evalue": "'wick'", "traceback": ["..."]},
        {"output_type": "display_data", "data": {"image/png": "AAAA" * 100, "text/plain": "<Figure size 640x480>"}},
        {"output_type": "display_data", "data": {"text/html": "<p>x", "text/plain": "<IPython.core.display.HTML>"}},
        "odd",
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Lamps\n", "All of them."]},
        {"cell_type": "code", "source": "print(1)", "outputs": outputs},
        {"cell_type": "code", "source": "2", "outputs": None},
    ]
    notebook = orjson.dumps({"cells": cells, "nbformat": 4, "metadata": {}})
    blocks, notice = read_with_notice(written(tmp_path, notebook), "json")
    assert blocks == [
        Passage("# Lamps\nAll of them.", "cell 1"),
        Passage("print(1)\n\nred\nlamp\n\nseven\n\nKeyError: 'wick'", "cell 2"),
        Passage("2", "cell 3"),
    ]
    assert notice == "Outputs of the cells that are no text, such as images, are not read: 3."


def test_xml_gives_texts_and_attributes_and_no_entities(tmp_path: Path) -> None:
    lamps = '<a:lamps xmlns:a="u"><lamp id="7">Łódź <b>bright</b> one</lamp></a:lamps>'
    page = f'<?xml version="1.0" encoding="iso-8859-2"?>{lamps}'
    (block,) = named(written(tmp_path, page.encode("iso8859-2")), "a.xml")
    assert block.text.split("\n\n") == ["lamp id=7: Łódź bright one"]
    bomb = "<!DOCTYPE x [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]><x>before &b; after</x>"
    (block,) = named(written(tmp_path, bomb), "a.xml")
    assert "lol" not in block.text
    assert named(written(tmp_path, "<not> well-formed"), "a.xml") == [Passage("<not> well-formed")]
    with pytest.raises(Unreadable, match="nested too deeply"):
        named(written(tmp_path, "<a>" * 10_000), "a.xml")


def test_xml_in_another_encoding_than_it_says_is_text(tmp_path: Path) -> None:
    russian = "<lamp>маяк на берегу моря</lamp>"
    assert named(written(tmp_path, russian.encode("cp1251")), "a.xml") == [Passage(russian)]
    claim = '<?xml version="1.0" encoding="utf-8"?><lamp>the café is lit</lamp>'
    assert named(written(tmp_path, claim.encode("latin-1")), "a.xml") == [Passage(claim)]


def test_xml_keeps_the_order_of_words_and_names_the_entities_that_it_leaves(tmp_path: Path) -> None:
    contract = """<!DOCTYPE c [<!ENTITY co "The Company">]>
        <c><p>Owner &co; pays <b>all <a to="x">fair</a></b> costs</p><q><r>1</r><r>2</r></q><s>&co;</s></c>"""
    blocks, notice = read_with_notice(written(tmp_path, contract), "xml")
    assert [block.text.split("\n\n") for block in blocks] == [
        ["p: Owner &co; pays all fair costs", "a to=x", "r: 1", "r: 2", "s: &co;"]
    ]
    assert "&name;" in notice


NAMES = "main.rs Makefile .gitignore a.py App.vue schema.sql conf.yaml app.log a.ts LICENSE"


@pytest.mark.parametrize("name", NAMES.split(" "))
def test_source_code_and_text_of_any_name_is_read(name: str, tmp_path: Path) -> None:
    assert named(written(tmp_path, "fn main() {\n    lamp();\n}\n\n// Łódź\n"), name) == [
        Passage("fn main() {\n lamp();\n}\n\n// Łódź".replace("\n lamp", "\n    lamp"))
    ]
    assert named(written(tmp_path, "lamp: Łódź\n".encode("utf-16")), name) == [Passage("lamp: Łódź")]


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.exe", b"MZ\x90\0\x03"),
        ("tool", b"\x7fELF\x02\x01\x01\0"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0"),
        ("a.gz", b"\x1f\x8b\x08\x08abc"),
        ("a.rtf", b"{\\rtf1\\ansi lamp}"),
        ("letter", b"{\\rtf1\\ansi lamp}"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("a.zip", b"PK\x03\x04"),
        ("a.ps", b"%!PS-Adobe"),
    ],
)
def test_what_is_not_text_is_refused_with_what_is_read(name: str, head: bytes) -> None:
    with pytest.raises(
        Unreadable, match=r"^This type of file is not supported\. Supported types: \.pdf, .*of any kind\.$"
    ):
        format_of(name, head)
