"""The name of an uploaded file: read from its part's header, and cleaned. It is shown, and never a path."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header

CHARACTERS = 200
EXTENSION_CHARACTERS = 20
NAMELESS = "file"
QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')
# RFC 5987, which the parser leaves out: filename*=UTF-8''na%C3%AFve.txt
EXTENDED = re.compile(rb";\s*filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;\s]*)", re.IGNORECASE)
# What browsers and curl write for a quote; the line ends that they write likewise are control characters.
ESCAPED = re.compile(r"%(22|0D|0A)")
# Control characters, separators of lines, and what turns the direction of a text.
UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def filename_of(disposition: bytes) -> str | None:
    """The clean file name that a Content-Disposition header gives; None where it gives none."""
    if extended := EXTENDED.search(QUOTED.sub(b'""', disposition)):
        return clean(unquote_to_bytes(extended[2]).decode(extended[1].decode(), "replace"))
    plain = parse_options_header(disposition)[1].get(b"filename")
    # A browser sends an empty one for a field in which nothing was chosen.
    if not plain:
        return None
    try:
        name = plain.decode()
    except UnicodeDecodeError:
        name = plain.decode("latin-1")
    return clean(ESCAPED.sub(lambda match: '"' if match[1] == "22" else "", name))


def clean(name: str) -> str:
    """The last component of a path, of any system, without what cannot be shown; a long one keeps its extension."""
    name = UNSHOWN.sub("", re.split(r"[/\\]", name)[-1]).strip()
    if len(name) > CHARACTERS:
        stem, dot, extension = name.rpartition(".")
        ending = dot + extension if dot and len(extension) <= EXTENSION_CHARACTERS else ""
        name = (stem if ending else name)[: CHARACTERS - len(ending) - 1] + "…" + ending
    return NAMELESS if name in ("", ".", "..") else name
