"""What an attached file is: an image or a text, by its bytes and its name.

The type that a client sends is what its system calls the file: Windows calls a .csv Excel, and browsers call a .ts a
video. It decides only about a file whose name has no extension.
"""

from __future__ import annotations

import codecs
from pathlib import PurePosixPath

from ..documents.errors import Unreadable
from ..documents.wide_text import wide_encoding
from ..errors import ImageError, unusable
from ..images.formats import is_image, recognize
from ..storage import Image
from .request import Attachment

# fmt: off
IMAGE_EXTENSIONS = frozenset((
    ".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jpe", ".jpeg", ".jpg", ".jxl", ".png",
    ".svg", ".svgz", ".tif", ".tiff", ".webp",
))
# fmt: on
# Of types that are never text.
NO_TEXT_TYPES = ("audio/", "font/", "image/", "video/")
UNKNOWN_TYPES = ("", "application/octet-stream", "binary/octet-stream")
# Files that are not text, even if all of their first bytes are.
BINARY_SIGNATURES = (b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
# Of UTF-16 and UTF-32.
WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
# Those that no text has: not tabs, the ends of lines and pages, backspaces, and the escapes of a terminal's colors.
CONTROLS = bytes(set(range(32)) - set(b"\b\t\n\v\f\r\x1b"))
# Of a text's bytes.
MOST_CONTROLS = 0.01
# Fewer bytes that are not UTF-8 say nothing of their encoding.
FEWEST_BYTES = 3


def read_file(attachment: Attachment) -> Image | str:
    """The image or the text that its content is. Raises ServiceError (422) if it is neither."""
    name, content = attachment.name, attachment.content or b""
    if is_image(content):
        return recognize(content)
    extension = PurePosixPath(name).suffix.lower()
    media_type = attachment.media_type
    if extension in IMAGE_EXTENSIONS or (not extension and media_type.startswith("image/")):
        try:
            return recognize(content)
        except ImageError as error:
            raise unusable(f"{name}: {error.message}") from None
    if not content.startswith(BINARY_SIGNATURES) and (extension or not media_type.startswith(NO_TEXT_TYPES)):
        try:
            text = _decode(content, attachment.charset)
        except Unreadable:
            raise unusable(f"{name}: the encoding of the text is not known. Save it as UTF-8 and try again.") from None
        if text is not None:
            return text
    kind = "a binary file" if media_type in UNKNOWN_TYPES else media_type
    raise unusable(f"{name}: {kind} cannot be attached. Upload it as a document (POST /files).")


def text_type(media_type: str) -> str:
    """The media type that a text is stored with."""
    if media_type in UNKNOWN_TYPES or media_type.startswith(NO_TEXT_TYPES):
        return "text/plain"
    return media_type


def _decode(content: bytes, charset: str) -> str | None:
    """The text in the bytes, or None if they are binary. Raises Unreadable if their encoding is not known."""
    is_wide = wide_encoding(content) is not None or content.startswith(WIDE_MARKS)
    if not is_wide and b"\0" in content:
        return None
    if not is_wide and len(content) - len(content.translate(None, CONTROLS)) > len(content) * MOST_CONTROLS:
        return None
    if len(content) < FEWEST_BYTES and not content.isascii():
        raise Unreadable
    # Imported late: few messages have files, and its tables take time.
    from ..documents.extractor.encoding import decode

    return decode(content, charset)
