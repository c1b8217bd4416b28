"""Kinds of documents: the name says it, and the first bytes must not gainsay it."""

from __future__ import annotations

import pytest

from mockbackend.documents.kinds import Kind, Unreadable, kind_of, media_type
from tests.documents.making import SAMPLES

OFFICE = "application/vnd.openxmlformats-officedocument"


@pytest.mark.parametrize(
    ("name", "head", "kind", "sent_as"),
    [
        ("Report.PDF", b"%PDF-1.7\n", "pdf", "application/pdf"),
        ("mailed.pdf", b"\r\n\r\n%PDF-1.4\n", "pdf", "application/pdf"),
        ("a.docx", b"PK\x03\x04", "docx", f"{OFFICE}.wordprocessingml.document"),
        ("a.pptx", b"PK\x03\x04", "pptx", f"{OFFICE}.presentationml.presentation"),
        ("a.xlsx", b"PK\x03\x04", "xlsx", f"{OFFICE}.spreadsheetml.sheet"),
        ("a.html", b"<p>", "html", "text/html"),
        ("a.htm", b"<p>", "html", "text/html"),
        ("a.md", b"# A", "markdown", "text/markdown"),
        ("a.markdown", b"# A", "markdown", "text/markdown"),
        ("archive.tar.txt", b"a", "text", "text/plain"),
        ("utf16.txt", "\ufeffa".encode("utf-16-le"), "text", "text/plain"),
        ("a.csv", b"a,b", "csv", "text/csv"),
        ("a.tsv", b"a\tb", "csv", "text/csv"),
    ],
)
def test_a_name_with_fitting_bytes_has_its_kind(name: str, head: bytes, kind: Kind, sent_as: str) -> None:
    assert kind_of(name, head) == kind
    assert media_type(kind) == sent_as


@pytest.mark.parametrize("name", ["a.exe", "README", ".pdf", "a.doc", "a.pdf.zip", "a.", ""])
def test_a_type_that_cannot_be_read_is_refused_with_those_that_can(name: str) -> None:
    with pytest.raises(
        Unreadable, match=r"^Files of this type cannot be read\. These can: \.pdf, \.docx.*\.csv, \.tsv\.$"
    ):
        kind_of(name, b"MZ")


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.txt", "a.csv"])
def test_an_empty_file_is_called_empty(name: str) -> None:
    with pytest.raises(Unreadable, match=r"^The file is empty\.$"):
        kind_of(name, b"")


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.pdf", b"PK\x03\x04"),
        ("a.pdf", b" " * 1024 + b"%PDF-1.7"),
        ("a.docx", b"%PDF-1.7"),
        ("a.xlsx", b"<html>"),
        ("a.txt", b"%PDF-1.7"),
        ("a.csv", b"PK\x03\x04"),
        ("a.html", b"\x7fELF\0\0"),
        ("a.md", b"\x89PNG\r\n\x1a\n\0\0"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(name: str, head: bytes) -> None:
    with pytest.raises(Unreadable, match=rf"^The file is named \{name[1:]} but is none\.$"):
        kind_of(name, head)


def test_an_encrypted_office_file_is_called_so() -> None:
    head = (SAMPLES / "encrypted.xlsx").read_bytes()[:1024]
    with pytest.raises(Unreadable, match=r"encrypted .*: upload it without its password, saved as \.xlsx\.$"):
        kind_of("encrypted.xlsx", head)
