"""The ZIP container of the Office formats, checked before a library unpacks all of it.

The unpacked bytes are counted, since the sizes that a ZIP declares can be false.
"""

from __future__ import annotations

import zipfile
import zlib
from contextlib import suppress

from ..errors import HasPassword, TooLarge, Unreadable, WrongContent
from ..formats import Format
from .limits import Limits
from .package import part_name

ENTRIES = 20_000
CHUNK = 1 << 16
# The libraries hold a file's parts and a tree of each, so more than this cannot fit anyway.
SHARE_OF_MEMORY = 2
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


def check(path: str, office: Format, limits: Limits) -> None:
    """Unpack everything once and keep nothing. Raises Unreadable, or BadZipFile if the container is damaged.

    Damage of a part is left to the reader, which may not need that part.
    """
    left = limit = limits.memory_bytes // SHARE_OF_MEMORY
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if not any(part_name(entry.filename).startswith(office.office_folder) for entry in entries):
            raise WrongContent(office.extensions[0])
        if len(entries) > ENTRIES:
            raise TooLarge(f"The file consists of more than {ENTRIES:,} parts.")
        for entry in entries:
            if entry.flag_bits & 1:
                raise HasPassword()
            # Office writes these two. The others unpack in pieces of unknown size.
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Unreadable("The file uses a compression that is not Office's. Save it again in Office.")
            # Books declare theirs, and no reader resolves them.
            left -= _unpack(archive, entry, left, may_declare=office.name == "epub")
            if left < 0:
                raise TooLarge(f"Unpacked, the file is larger than {limit >> 20:,} MB.")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int, *, may_declare: bool) -> int:
    """The bytes that an entry has, counted until they are more than `limit`."""
    size = 0
    is_xml = entry.filename.endswith((".xml", ".rels")) and not may_declare
    with suppress(zipfile.BadZipFile, zlib.error, EOFError), archive.open(entry) as part:
        while size <= limit and (chunk := part.read(CHUNK)):
            # A document type serves to declare entities, and no Office file has one.
            if is_xml and size == 0 and any(mark in chunk for mark in _DOCTYPES):
                raise Unreadable("The file declares XML entities, as Office never does. Save it again in Office.")
            size += len(chunk)
    return size
