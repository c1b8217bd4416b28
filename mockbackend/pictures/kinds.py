"""What kind of picture some bytes are, by their first ones: the only kinds that are stored and served."""

from __future__ import annotations

from ..errors import UpstreamError
from ..storage.pictures import Picture

_MAGIC = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))


class NotAPicture(UpstreamError):
    """Bytes that are no picture of a kind that we serve."""

    def __init__(self) -> None:
        super().__init__("What came as a picture is none that can be shown (PNG, JPEG, GIF or WebP).")


def picture(content: bytes) -> Picture:
    """The picture that these bytes are; NotAPicture where they are none."""
    for magic, media_type in _MAGIC:
        if content.startswith(magic):
            return Picture(media_type, content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Picture("image/webp", content)
    raise NotAPicture
