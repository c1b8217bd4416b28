"""Images behind a URL, in memory; the oldest make room for new ones."""

from collections import OrderedDict
from dataclasses import dataclass

from ...mock import drawn
from ...mock.script.faults import UrlFault

MAX_IMAGES = 64


@dataclass(frozen=True, slots=True)
class StoredImage:
    """The bytes of an image, and the fault that its URL has."""

    content: bytes
    media_type: str
    fault: UrlFault | None = None


class ImageStore:
    def __init__(self) -> None:
        self._images: OrderedDict[str, StoredImage] = OrderedDict()

    def add(self, image: StoredImage) -> str:
        """Store an image until 64 newer ones have come; return its token, which nobody can guess."""
        token = drawn.token_urlsafe(24)
        self._images[token] = image
        if len(self._images) > MAX_IMAGES:
            self._images.popitem(last=False)
        return token

    def find(self, token: str) -> StoredImage | None:
        return self._images.get(token)
