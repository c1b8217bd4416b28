"""The formats of documents that can be read: one table, which uploads, indexing and the extractor's process share.

To add a format: a row here, and a module in `extractor/readers` that the row names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from posixpath import splitext
from typing import NamedTuple

from .errors import Unreadable, WrongContent
from .wide_text import wide_encoding

_OFFICE = "application/vnd.openxmlformats-officedocument"
_ZIP = b"PK\x03\x04"
# The container of the older Office formats, and of every encrypted file of the newer ones.
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The beginning of the first is also UTF-32's.
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
# Readers of PDF accept the mark anywhere in the first 1,024 bytes.
_PDF, _PDF_WITHIN = b"%PDF-", 1024


class Format(NamedTuple):
    """A format of documents."""

    name: str
    """What is stored with a file of this format, so it never changes."""
    extensions: tuple[str, ...]
    """The endings of file names, in lower case."""
    media_type: str
    """What a file is sent as when it is downloaded."""
    is_possible: Callable[[bytes], bool]
    """Whether a file may begin with these bytes: all of it, or 1,024 or more."""
    reader: str
    """The module in `extractor/readers`."""
    office_folder: str = ""
    """The folder in the ZIP container of an Office file that holds its parts."""
    empty_hint: str = ""
    """What to do about a file in which no text is found."""


def _is_pdf(head: bytes) -> bool:
    return _PDF in head[:_PDF_WITHIN]


def _is_zip(head: bytes) -> bool:
    return head.startswith(_ZIP)


def _is_ole(head: bytes) -> bool:
    return head.startswith(_OLE)


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return head.startswith(_WIDE_MARKS) or wide_encoding(head) is not None
    return not head.startswith((_PDF, _ZIP))


_TABLE = (
    Format(
        name="pdf",
        extensions=(".pdf",),
        media_type="application/pdf",
        is_possible=_is_pdf,
        reader="pdf",
        empty_hint=" If it is a scan, run text recognition (OCR) on it and upload the result.",
    ),
    Format(
        name="docx",
        extensions=(".docx", ".docm", ".dotx", ".dotm"),
        media_type=f"{_OFFICE}.wordprocessingml.document",
        is_possible=_is_zip,
        reader="docx",
        office_folder="word/",
    ),
    Format(
        name="pptx",
        extensions=(".pptx", ".pptm", ".ppsx", ".ppsm", ".potx"),
        media_type=f"{_OFFICE}.presentationml.presentation",
        is_possible=_is_zip,
        reader="pptx",
        office_folder="ppt/",
    ),
    Format(
        name="xlsx",
        extensions=(".xlsx", ".xlsm", ".xltx", ".xltm"),
        media_type=f"{_OFFICE}.spreadsheetml.sheet",
        is_possible=_is_zip,
        reader="xlsx",
        office_folder="xl/",
    ),
    Format(
        name="xlsb",
        extensions=(".xlsb",),
        media_type="application/vnd.ms-excel.sheet.binary.macroEnabled.12",
        is_possible=_is_zip,
        reader="xlsx",
        office_folder="xl/",
    ),
    Format(name="xls", extensions=(".xls",), media_type="application/vnd.ms-excel", is_possible=_is_ole, reader="xlsx"),
    Format(
        name="ods",
        extensions=(".ods",),
        media_type="application/vnd.oasis.opendocument.spreadsheet",
        is_possible=_is_zip,
        reader="xlsx",
        office_folder="content.xml",
    ),
    Format(
        name="epub",
        extensions=(".epub",),
        media_type="application/epub+zip",
        is_possible=_is_zip,
        reader="epub",
        office_folder="meta-inf/",
    ),
    Format(name="eml", extensions=(".eml",), media_type="message/rfc822", is_possible=_is_text, reader="eml"),
    Format(
        name="html", extensions=(".html", ".htm", ".xhtml"), media_type="text/html", is_possible=_is_text, reader="html"
    ),
    Format(
        name="markdown",
        extensions=(".md", ".markdown"),
        media_type="text/markdown",
        is_possible=_is_text,
        reader="markdown",
    ),
    Format(name="text", extensions=(".txt",), media_type="text/plain", is_possible=_is_text, reader="text"),
    Format(name="csv", extensions=(".csv", ".tsv"), media_type="text/csv", is_possible=_is_text, reader="csv"),
    Format(
        name="json",
        extensions=(".json", ".jsonl", ".ndjson", ".geojson", ".ipynb"),
        media_type="application/json",
        is_possible=_is_text,
        reader="json",
    ),
    Format(name="xml", extensions=(".xml",), media_type="application/xml", is_possible=_is_text, reader="xml"),
)
FORMATS: Mapping[str, Format] = {one.name: one for one in _TABLE}
"""By their names."""
# What is something else even if it begins like text.
_OTHERS = (".bin", ".rtf", ".ps", ".eps", ".exe", ".zip", ".doc", ".ppt", ".pages", ".msg")
_BY_EXTENSION = {extension: one for one in _TABLE for extension in one.extensions}


# Bytes of other kinds that look like text: RTF, PostScript, and what has words of its own.
_NOT_PLAIN = (b"{\\rtf", b"%!PS", b"MZ", b"GIF8", b"BZh")
_CONTROL = re.compile(rb"[\x01-\x06\x0e-\x19\x1c-\x1f]")


def _is_plain(head: bytes) -> bool:
    """Whether a file with an unknown name is text: source code, settings, a log."""
    return _is_text(head) and not head.startswith(_NOT_PLAIN) and (b"\0" in head or not _CONTROL.search(head))


def _exported(head: bytes) -> Format | None:
    """What programs that are not Excel call .xls: a workbook of a newer format, a page or a table in text."""
    if _is_zip(head):
        return FORMATS["xlsx"]
    if not _is_text(head):
        return None
    return FORMATS["html"] if b"<" in head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] else FORMATS["csv"]


def format_of(file_name: str, head: bytes) -> Format:
    """The format of a file, by its name's extension, which its first 1,024 bytes must not contradict.

    What has an unknown extension and is text is read as text. Raises Unreadable.
    """
    extension = splitext(file_name)[1].lower()
    found = _BY_EXTENSION.get(extension)
    if not head:
        raise Unreadable("The file is empty.")
    if found is None and extension not in _OTHERS and _is_plain(head):
        return FORMATS["text"]
    if found is None:
        named = ", ".join(_BY_EXTENSION)
        raise Unreadable(f"This type of file is not supported. Supported types: {named}, and text of any kind.")
    if found.name == "xls" and not _is_ole(head) and (exported := _exported(head)):
        return exported
    if found.office_folder and head.startswith(_OLE):
        raise Unreadable(
            "The file has a password or is in an older Office format. "
            f"Save it as {extension} without a password and upload that."
        )
    if not found.is_possible(head):
        raise WrongContent(extension)
    return found
