"""Text of two or four bytes a character without a byte order mark, as some programs save it."""

from __future__ import annotations

import re

SAMPLE = 4096
# A file is longer than what is looked at of it, so that may end within a character.
CUT = 1024
KNOWN_SHARE = 0.95
_CONTROL = re.compile(rb"[\0-\x08\x0b\x0e-\x19\x1c-\x1f]")
_ENCODINGS = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
# What a text in any script has: blanks, digits and the marks of Western and East Asian sentences.
_COMMON = "[ \t\r\n0-9.,;:!?()\"'\uff0c\uff01\uff1f\u3000-\u3002-]"
# The scripts of most languages: up to Arabic, Indic ones to Georgian, Ethiopic, Khmer, letters with two marks; signs;
# East Asian ones; emoji.
_KNOWN = (
    "[\t\r\n -\u06ff\u0900-\u10ff\u1200-\u137f\u1780-\u17ff\u1e00-\u27bf"
    "\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\ufe0f\uff00-\uffee\U0001f000-\U0001faff]"
)


def wide_encoding(data: bytes) -> str | None:
    """The encoding in which the beginning of `data` is such a text. None if it is something else."""
    sample = data[:SAMPLE]
    if b"\0" not in sample and len(_CONTROL.findall(sample)) < _least_share(sample) * len(sample):
        return None
    found, most = None, (-1, -1)
    for encoding in _ENCODINGS:
        text = _beginning(data, encoding)
        fitting = len(re.findall(_COMMON, text)), len(re.findall(_KNOWN, text))
        if fitting > most and fitting[1] >= max(KNOWN_SHARE * len(text), 1):
            found, most = encoding, fitting
    return found


def _least_share(sample: bytes) -> float:
    """The share of control characters from which on a sample without NULs is no text of one byte a character."""
    try:
        sample.decode()
    except UnicodeDecodeError:
        return 0.02
    return 0.2


def _beginning(data: bytes, encoding: str) -> str:
    """The beginning of `data` in this encoding; empty if it is not in it."""
    try:
        return data[:SAMPLE].decode(encoding)
    except UnicodeDecodeError as error:
        is_cut = len(data) >= CUT and error.start + 4 > min(len(data), SAMPLE)
        return data[: error.start].decode(encoding) if is_cut else ""
