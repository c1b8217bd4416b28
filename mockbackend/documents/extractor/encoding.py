"""The text in the bytes of a file."""

from __future__ import annotations

import codecs

from ..errors import Unreadable
from .limits import Limits

# UTF-8 takes four bytes for a character at most, so a longer file is certainly over the limit.
BYTES_PER_CHARACTER = 4
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read_text(path: str, limits: Limits) -> str:
    """The text of a text file. Raises Unreadable if it is binary, or certainly longer than the limit."""
    with open(path, "rb") as file:
        data = file.read(limits.characters * BYTES_PER_CHARACTER + 1)
    if len(data) > limits.characters * BYTES_PER_CHARACTER:
        raise Unreadable(
            f"The file has more than {limits.characters:,} characters of text (MAX_DOCUMENT_CHARACTERS). "
            "Split it into smaller files."
        )
    return decode(data)


def decode(data: bytes, declared: str = "") -> str:
    """Decode by the byte order mark, by the declared encoding, as UTF-8, or else as windows-1252.

    Bytes that are invalid in that encoding become U+FFFD. Raises Unreadable if the data is binary.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if b"\0" in data:
        raise Unreadable("The file is binary, not text. Check the file and its name.")
    if declared and (text := _as_declared(data, declared)) is not None:
        return text
    try:
        return data.decode()
    except UnicodeDecodeError:
        # Web browsers read ISO-8859-1 as this, too.
        return data.decode("windows-1252", "replace")


def _as_declared(data: bytes, declared: str) -> str | None:
    encoding = declared.strip().lower()
    # UTF-8 is tried anyway, UTF-16 would contain NULs, and Latin-1 means windows-1252 on the web.
    if encoding in ("utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "iso-8859-1", "latin1", "us-ascii", "ascii"):
        return None
    try:
        if not codecs.lookup(encoding)._is_text_encoding:
            return None
        return data.decode(encoding, "replace")
    except (LookupError, ValueError):
        return None
