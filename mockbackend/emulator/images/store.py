"""Images behind a URL; the oldest make room for new ones."""

import msgspec

from ...mock import drawn
from ...mock.script.faults import UrlFault
from ...mock.store import MockStore

MAX_IMAGES = 64
MAX_BYTES = 256 * 1024 * 1024


class StoredImage(msgspec.Struct, frozen=True):
    """The bytes of an image, and the fault that its URL has."""

    content: bytes
    media_type: str
    fault: UrlFault | None = None


class ImageStore:
    """Images by their tokens, which name no scenario."""

    def __init__(self, store: MockStore) -> None:
        self._kept = store.kept("image", MAX_IMAGES, MAX_BYTES)

    def add(self, scenario: str, image: StoredImage) -> str:
        """Store an image until 64 newer ones have come; return its token, which nobody can guess."""
        token = drawn.token_urlsafe(24)
        self._kept.add(scenario, token, msgspec.msgpack.encode(image))
        return token

    def find(self, token: str) -> StoredImage | None:
        found = self._kept.find(token)
        return None if found is None else msgspec.msgpack.decode(found, type=StoredImage)
