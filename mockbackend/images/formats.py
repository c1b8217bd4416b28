"""What kind of image some bytes are, by their first ones: the only kinds that are stored and served."""

from __future__ import annotations

from ..errors import ImageError
from ..storage import Image

_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


NOT_AN_IMAGE = "This is not a PNG, JPEG, GIF or WebP image."


def image(content: bytes) -> Image:
    """The image that these bytes are; ImageError where they are none."""
    for magic, media_type in _MAGIC:
        if content.startswith(magic):
            return Image(media_type, content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Image("image/webp", content)
    raise ImageError(NOT_AN_IMAGE)
