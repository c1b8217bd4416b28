"""The text in the bytes of a file, whatever encoding it is in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import Unreadable
from ..wide_text import wide_encoding
from .limits import Limits
from .output import Output

if TYPE_CHECKING:
    from .legacy_encodings import Guess

# UTF-8 takes four bytes for a character at most, so a longer file is certainly over the limit.
BYTES_PER_CHARACTER = 4
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ESCAPES = re.compile(rb"\x1b\$|\x1b\([JI]")
_ESCAPED = ("iso2022_kr", "iso2022_jp", "iso2022_jp_ext", "iso2022_jp_2", "iso2022_jp_2004")
# What browsers mean by these names.
_MEANT = {
    **dict.fromkeys(("gb2312", "gbk", "gb_2312-80", "gb2312-80"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "windows-31j", "ms_kanji"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "ksc5601"), "cp949"),
    **dict.fromkeys(("tis-620", "iso-8859-11", "windows-874"), "cp874"),
    "big5": "cp950",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso8859-8",
    "macintosh": "mac_roman",
}
# These say nothing: they are tried anyway, or are written by programs that do not know better.
_UNTOLD = ("", "utf-8", "utf8", "unicode", "iso-8859-1", "latin1", "latin-1", "windows-1252", "us-ascii", "ascii")
# Python calls these text as well. No file is in them, and a few kilobytes of the first take it minutes.
_NO_FILES = ("punycode", "idna", "unicode-escape", "raw-unicode-escape")
# Of what is not ASCII, how much may be invalid: no other text has that many valid sequences of UTF-8.
_UTF8_DAMAGE, _DAMAGE = 0.25, 0.01
_NOT_ASCII = re.compile("[^\x00-\x7f]")
UNKNOWN = "The encoding of the file's text is not known. Save it as UTF-8 and upload that."
DOUBTFUL = (
    "The file does not say in which encoding its text is; it was read as {}. "
    "If letters are wrong, save it as UTF-8 and upload that."
)


def read_text(path: str, limits: Limits, output: Output) -> str:
    """The text of a text file, or its beginning if that is certainly as long as the limit. Raises Unreadable."""
    with open(path, "rb") as file:
        return decode(file.read((limits.characters + 1) * BYTES_PER_CHARACTER), output=output)


def decode(data: bytes, declared: str = "", output: Output | None = None) -> str:
    """Decode by the byte order mark, as UTF-8, by the declared encoding, or by what the bytes look like.

    A few bytes that are invalid in that encoding become U+FFFD. Raises Unreadable if no encoding fits. Where another
    fits about as well, `output` gets a note.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if wide := wide_encoding(data):
        return data.decode(wide, "replace")
    if b"\0" in data:
        raise Unreadable("The file is binary, not text. Check the file and its name.")
    if data.isascii():
        return _seven_bits(data, declared)
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd") - data.count("\ufffd".encode())
    if damaged <= _UTF8_DAMAGE * (_not_ascii(text) - damaged):
        return text
    for encoding, is_doubtful in _candidates(data, declared):
        try:
            text = data.decode(encoding, "replace")
        except ValueError:
            continue
        if text.count("\ufffd") <= _DAMAGE * _not_ascii(text):
            if output and is_doubtful:
                output.note(DOUBTFUL.format(encoding))
            return text
    raise Unreadable(UNKNOWN)


def _candidates(data: bytes, declared: str) -> Iterator[Guess]:
    """The encodings that `data` may be in, likely ones first."""
    # Imported late: most text is in none of them.
    from .legacy_encodings import Guess, guess

    if encoding := _known(declared):
        yield Guess(encoding)
    if found := guess(data):
        yield found


def _not_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _seven_bits(data: bytes, declared: str) -> str:
    """ASCII, or an encoding that switches to others by escape sequences."""
    encodings = [encoding for encoding in (_known(declared), *(_ESCAPED if _ESCAPES.search(data) else ())) if encoding]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except ValueError:
            continue
    return data.decode()


def _known(declared: str) -> str | None:
    """Python's name of a declared encoding. None if it says nothing or is unknown."""
    name = declared.strip().lower()
    name = _MEANT.get(name) or _MEANT.get(name.removeprefix("x-"), name.removeprefix("x-"))
    # UTF-16 and UTF-32 would have NULs.
    if name in _UNTOLD or name.startswith(("utf-16", "utf-32")):
        return None
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    return name if found._is_text_encoding and found.name.replace("_", "-") not in _NO_FILES else None
