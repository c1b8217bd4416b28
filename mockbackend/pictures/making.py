"""Making a picture: asked for once, since a retried time-out is paid twice; fetched or decoded; stored."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from ..errors import UpstreamError
from ..events import PictureMade, Usage
from ..settings import Settings
from ..storage.pictures import Picture, Pictures
from ..upstream import Upstream
from ..upstream.faults import MALFORMED
from .fetch import Fetcher, is_private_host
from .kinds import picture


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """What the request asks of a picture; None is what the settings say."""

    size: str | None = None
    quality: str | None = None
    style: str | None = None


class PictureMaker:
    """Prompts in, stored pictures out."""

    def __init__(self, settings: Settings, upstream: Upstream, store: Pictures) -> None:
        self._settings = settings
        self._upstream = upstream
        self._store = store

    async def make(
        self, userid: str, conversation_id: str, prompt: str, options: PictureOptions
    ) -> tuple[PictureMade, Usage]:
        """Make one picture of that conversation. Raises UpstreamError."""
        settings = self._settings
        body = {"prompt": prompt, "n": 1, "size": options.size or settings.image_size}
        optional = {
            "quality": options.quality or settings.image_quality,
            "style": options.style or settings.image_style,
        }
        answer = await self._upstream.image(body | {name: value for name, value in optional.items() if value})
        data = answer.get("data")
        entry: dict[str, Any] = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
        made = await self._picture(entry)
        token = await self._store.put(userid, conversation_id, made)
        usage = answer.get("usage") or {}
        counted = Usage(usage.get("input_tokens") or 0, usage.get("output_tokens") or 0)
        return PictureMade(token, entry.get("revised_prompt") or None), counted

    async def _picture(self, entry: dict[str, Any]) -> Picture:
        if encoded := entry.get("b64_json"):
            if len(encoded) * 3 // 4 > self._settings.max_picture_bytes:
                raise UpstreamError("The picture is larger than is allowed.")
            try:
                return picture(base64.b64decode(encoded, validate=True))
            except binascii.Error:
                raise UpstreamError(MALFORMED.message) from None
        if url := entry.get("url"):
            allow_private = await is_private_host(self._upstream.address)
            return await Fetcher(self._settings.max_picture_bytes, allow_private=allow_private).fetch(url)
        raise UpstreamError(MALFORMED.message)
