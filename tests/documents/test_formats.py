"""The table of formats: whole, and applied to names and first bytes."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from inspect import signature

import pytest

from mockbackend.documents.errors import Unreadable
from mockbackend.documents.extractor import readers
from mockbackend.documents.formats import FORMATS, format_of
from tests.documents.sample_files import SAMPLES

OFFICE = "application/vnd.openxmlformats-officedocument"


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_everything_that_is_needed_of_it(name: str) -> None:
    entry = FORMATS[name]
    assert entry.name == name
    assert entry.extensions
    assert all(one.startswith(".") and one == one.lower() and len(one) > 1 for one in entry.extensions)
    assert entry.media_type.count("/") == 1
    read = import_module(f"{readers.__name__}.{entry.reader}").read
    assert list(signature(read).parameters) == ["path", "output", "limits"]


def test_no_two_formats_share_an_extension_or_a_media_type_and_every_reader_is_used() -> None:
    formats = FORMATS.values()
    extensions = [extension for entry in formats for extension in entry.extensions]
    assert len(set(extensions)) == len(extensions)
    assert len({entry.media_type for entry in formats}) == len(FORMATS)
    assert {entry.reader for entry in formats} == {module.name for module in pkgutil.iter_modules(readers.__path__)}


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
def test_a_name_with_fitting_bytes_has_its_format(name: str, head: bytes, kind: str, sent_as: str) -> None:
    found = format_of(name, head)
    assert (found.name, found.media_type) == (kind, sent_as)


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.txt", "a.csv"])
def test_an_empty_file_is_called_empty(name: str) -> None:
    with pytest.raises(Unreadable, match=r"^The file is empty\.$"):
        format_of(name, b"")


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
    with pytest.raises(Unreadable, match=rf"ends in \{name[1:]}, but the content is something else\."):
        format_of(name, head)


def test_an_encrypted_office_file_is_called_so() -> None:
    head = (SAMPLES / "encrypted.xlsx").read_bytes()[:1024]
    with pytest.raises(Unreadable, match=r"Save it as \.xlsx without a password and upload that\.$"):
        format_of("encrypted.xlsx", head)
