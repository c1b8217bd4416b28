"""The name of an uploaded file, taken from a part's header and cleaned. It is displayed and never used as a path."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

CHARACTERS = 200
EXTENSION_CHARACTERS = 20
NAMELESS = "file"
PARAMETER = re.compile(rb';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"(?=\s*(?:;|$))|[^;]*)')
# RFC 5987: filename*=UTF-8''na%C3%AFve.txt
EXTENDED = re.compile(rb"(utf-8|iso-8859-1)'[^']*'(\S*)", re.IGNORECASE)
# Browsers and curl escape a quote like this. They escape line ends too, which are removed like all control characters.
ESCAPED = re.compile(r"%(22|0D|0A)")
# Control characters, line separators, and characters that change the direction of a text.
INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def filename_of(disposition: bytes) -> str | None:
    """The cleaned file name of a Content-Disposition header, or None if the part is not a file."""
    parameters = {name.lower(): value.strip() for name, value in PARAMETER.findall(disposition)}
    if extended := EXTENDED.fullmatch(parameters.get(b"filename*", b"")):
        return clean(unquote_to_bytes(extended[2]).decode(extended[1].decode(), "replace"))
    value = parameters.get(b"filename", b"")
    if len(value) > 1 and value[:1] == value[-1:] == b'"':
        value = re.sub(rb'\\(["\\])', rb"\1", value[1:-1])
    # Browsers send an empty name for a file field in which nothing was chosen.
    if not value:
        return None
    try:
        name = value.decode()
    except UnicodeDecodeError:
        name = value.decode("latin-1")
    return clean(ESCAPED.sub(lambda match: '"' if match[1] == "22" else "", name))


def clean(name: str) -> str:
    """The last component of a path, of any system, without invisible characters. A long name keeps its extension."""
    name = INVISIBLE.sub("", re.split(r"[/\\]", name)[-1]).strip()
    if len(name) > CHARACTERS:
        stem, dot, extension = name.rpartition(".")
        ending = dot + extension if dot and len(extension) <= EXTENSION_CHARACTERS else ""
        name = (stem if ending else name)[: CHARACTERS - len(ending) - 1] + "…" + ending
    return NAMELESS if name in ("", ".", "..") else name
