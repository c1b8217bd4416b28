"""The formats of images that are stored and served, recognized by their first bytes."""

from __future__ import annotations

from ..errors import ImageError
from ..storage import Image

SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
NOT_AN_IMAGE = "This is not a PNG, JPEG, GIF or WebP image."


def recognize(content: bytes) -> Image:
    """The bytes as an image of their format. Raises ImageError if they have none of these formats."""
    media_type = _media_type(content)
    if media_type is None:
        raise ImageError(NOT_AN_IMAGE)
    return Image(media_type, content)


def is_image(content: bytes) -> bool:
    """Whether the bytes begin as an image of these formats does."""
    return _media_type(content) is not None


def _media_type(content: bytes) -> str | None:
    for signature, media_type in SIGNATURES:
        if content.startswith(signature):
            return media_type
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None
