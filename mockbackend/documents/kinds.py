"""What kind of document a file is: by the extension of its name, which its first bytes must not gainsay."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

Kind = Literal["pdf", "docx", "pptx", "xlsx", "html", "markdown", "text", "csv"]

_EXTENSIONS: dict[str, Kind] = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".xlsx": "xlsx",
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".csv": "csv",
    ".tsv": "csv",
}
_OFFICE = "application/vnd.openxmlformats-officedocument"
_MEDIA_TYPES: dict[Kind, str] = {
    "pdf": "application/pdf",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "pptx": f"{_OFFICE}.presentationml.presentation",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "html": "text/html",
    "markdown": "text/markdown",
    "text": "text/plain",
    "csv": "text/csv",
}
_ZIP = b"PK\x03\x04"
# The container of the older Office formats, and of every encrypted file of the newer ones.
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Readers of PDF take the mark anywhere in the first 1,024 bytes.
_PDF, _PDF_WITHIN = b"%PDF-", 1024


class Unreadable(Exception):
    """A document that cannot be read; its words are for the user."""


def kind_of(name: str, head: bytes) -> Kind:
    """The kind of the file `name`, whose first bytes (1,024 or more, if it has them) are `head`; raises Unreadable."""
    extension = PurePosixPath(name).suffix.lower()
    kind = _EXTENSIONS.get(extension)
    if kind is None:
        raise Unreadable(f"Files of this type cannot be read. These can: {', '.join(_EXTENSIONS)}.")
    if not head:
        raise Unreadable("The file is empty.")
    if kind in ("docx", "pptx", "xlsx") and head.startswith(_OLE):
        raise Unreadable(
            f"The file is encrypted or of an older Office format: upload it without its password, saved as {extension}."
        )
    if not _is_possible(kind, head):
        raise Unreadable(f"The file is named {extension} but is none.")
    return kind


def media_type(kind: Kind) -> str:
    """The media type of a document of this kind."""
    return _MEDIA_TYPES[kind]


def _is_possible(kind: Kind, head: bytes) -> bool:
    if kind == "pdf":
        return _PDF in head[:_PDF_WITHIN]
    if kind in ("docx", "pptx", "xlsx"):
        return head.startswith(_ZIP)
    if head.startswith(_UTF16):
        return True
    return b"\0" not in head and not head.startswith((_PDF, _ZIP))
