"""Absolute URLs of images and documents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Links:
    """URLs under the origin that one client uses, such as `https://chat.example.com`."""

    origin: str

    def image(self, token: str) -> str:
        """The URL of an image."""
        return f"{self.origin}/images/{token}"

    def file(self, file_id: str) -> str:
        """The URL of a document, which only its owner can open."""
        return f"{self.origin}/files/{file_id}/content"
