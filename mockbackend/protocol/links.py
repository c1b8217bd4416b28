"""The absolute URLs of what an answer shows and names, as one client reaches them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Links:
    """URLs under one origin, such as `https://chat.example.com`."""

    origin: str

    def image(self, token: str) -> str:
        """Where an image is shown."""
        return f"{self.origin}/images/{token}"

    def file(self, file_id: str) -> str:
        """Where a document is had, by its owner alone."""
        return f"{self.origin}/files/{file_id}/content"
