"""What kind of picture some bytes are, by their first ones: the only kinds that are stored and served."""

from __future__ import annotations

from ..errors import PictureError
from ..storage.pictures import Picture

_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


NONE = "What came as a picture is none that can be shown (PNG, JPEG, GIF or WebP)."


def picture(content: bytes) -> Picture:
    """The picture that these bytes are; PictureError where they are none."""
    for magic, media_type in _MAGIC:
        if content.startswith(magic):
            return Picture(media_type, content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Picture("image/webp", content)
    raise PictureError(NONE)
