"""Making an image: asked for once, since a retried time-out is paid twice; fetched or decoded; stored."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from ..errors import ImageError
from ..events import ImageMade, Usage
from ..settings import Settings
from ..storage import Image, Images
from ..upstream import Upstream
from ..upstream.errors import invalid_response
from ..upstream.usage import tokens
from .fetch import SECONDS, TOO_LARGE, Fetcher, is_private_host
from .formats import image


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """What the request asks of an image; None is what the settings say."""

    size: str | None = None
    quality: str | None = None
    style: str | None = None


class ImageGenerator:
    """Prompts in, stored images out."""

    def __init__(self, settings: Settings, upstream: Upstream, store: Images) -> None:
        self._settings = settings
        self._upstream = upstream
        self._store = store

    async def generate(
        self, userid: str, conversation_id: str, prompt: str, options: ImageOptions
    ) -> tuple[ImageMade, Usage]:
        """Make one image of that conversation. Raises UpstreamError, ImageError."""
        settings = self._settings
        body = {"prompt": prompt, "n": 1, "size": options.size or settings.image_size}
        optional = {
            "quality": options.quality or settings.image_quality,
            "style": options.style or settings.image_style,
        }
        answer = await self._upstream.image(body | {name: value for name, value in optional.items() if value})
        data = answer.get("data")
        entry: dict[str, Any] = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
        made = await self._image(entry)
        token = await self._store.put(userid, conversation_id, made)
        revised = entry.get("revised_prompt")
        drawn = ImageMade(token, revised if isinstance(revised, str) and revised else None)
        return drawn, _counted(answer.get("usage"))

    async def _image(self, entry: dict[str, Any]) -> Image:
        encoded, url = entry.get("b64_json"), entry.get("url")
        if encoded and isinstance(encoded, str):
            if len(encoded) * 3 // 4 > self._settings.max_image_bytes:
                raise ImageError(TOO_LARGE)
            try:
                return image(base64.b64decode(encoded, validate=True))
            except ValueError:
                raise invalid_response() from None
        if url and isinstance(url, str):
            allow_private = await is_private_host(self._upstream.engine.address)
            fetcher = Fetcher(
                self._settings.max_image_bytes,
                allow_private=allow_private,
                seconds=min(SECONDS, self._settings.image_timeout_seconds),
            )
            return await fetcher.fetch(url)
        raise invalid_response()


def _counted(usage: object) -> Usage:
    """What an image model reported; zeros where it is nothing that counts."""
    found = usage if isinstance(usage, dict) else {}
    try:
        return Usage(tokens(found.get("input_tokens")), tokens(found.get("output_tokens")))
    except TypeError:
        # The image is paid for.
        return Usage()
