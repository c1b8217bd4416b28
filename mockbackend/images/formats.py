"""The formats of images that are stored and served, recognized by their first bytes."""

from __future__ import annotations

from ..errors import ImageError
from ..storage import Image

SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
NOT_AN_IMAGE = "This is not a PNG, JPEG, GIF or WebP image."


def recognize(content: bytes) -> Image:
    """The bytes as an image of their format. Raises ImageError if they have none of these formats."""
    for signature, media_type in SIGNATURES:
        if content.startswith(signature):
            return Image(media_type, content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Image("image/webp", content)
    raise ImageError(NOT_AN_IMAGE)
