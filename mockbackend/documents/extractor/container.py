"""The ZIP container of the Office formats, tried before a library unpacks it whole.

What it unpacks to is counted as it comes: the sizes that a ZIP declares are its maker's word.
"""

from __future__ import annotations

import zipfile

from ..errors import Unreadable
from ..formats import Format, wrong_content
from .limits import Limits

ENTRIES = 20_000
CHUNK = 1 << 16
# The libraries hold a file's parts and a tree of each; more than this cannot fit anyway.
SHARE_OF_MEMORY = 2
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


def check(path: str, office: Format, limits: Limits) -> None:
    """Unpack everything once and keep nothing. Raises Unreadable, or BadZipFile where the container is damaged."""
    left = limit = limits.memory_bytes // SHARE_OF_MEMORY
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if not any(entry.filename.startswith(office.office_folder) for entry in entries):
            raise wrong_content(office.extensions[0])
        if len(entries) > ENTRIES:
            raise Unreadable(f"The file is packed from more than {ENTRIES:,} parts.")
        for entry in entries:
            if entry.flag_bits & 1:
                raise Unreadable("The file is encrypted: upload it without its password.")
            # Office writes these two; the others unpack in pieces of no known size.
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Unreadable("The file is packed in a way that Office does not use.")
            left -= _unpack(archive, entry, left)
            if left < 0:
                raise Unreadable(f"The file unpacks to more than {limit >> 20:,} MB.")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> int:
    """The bytes that an entry has, counted until they are more than `most`."""
    size = 0
    is_xml = entry.filename.endswith((".xml", ".rels"))
    with archive.open(entry) as part:
        while size <= limit and (chunk := part.read(CHUNK)):
            # Entities are what a document type is there for, and no Office file has one.
            if is_xml and size == 0 and any(mark in chunk for mark in _DOCTYPES):
                raise Unreadable("The file declares XML entities, which no Office file needs.")
            size += len(chunk)
    return size
