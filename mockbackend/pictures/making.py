"""Making a picture: asked for once, since a retried time-out is paid twice; fetched or decoded; stored."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from ..errors import PictureError
from ..events import PictureMade, Usage
from ..settings import Settings
from ..storage.pictures import Picture, Pictures
from ..upstream import Upstream
from ..upstream.faults import malformed
from ..upstream.usage import tokens
from .fetch import SECONDS, TOO_LARGE, Fetcher, is_private_host
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
        """Make one picture of that conversation. Raises UpstreamError, PictureError."""
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
        revised = entry.get("revised_prompt")
        drawn = PictureMade(token, revised if isinstance(revised, str) and revised else None)
        return drawn, _counted(answer.get("usage"))

    async def _picture(self, entry: dict[str, Any]) -> Picture:
        encoded, url = entry.get("b64_json"), entry.get("url")
        if encoded and isinstance(encoded, str):
            if len(encoded) * 3 // 4 > self._settings.max_picture_bytes:
                raise PictureError(TOO_LARGE)
            try:
                return picture(base64.b64decode(encoded, validate=True))
            except ValueError:
                raise malformed() from None
        if url and isinstance(url, str):
            allow_private = await is_private_host(self._upstream.engine.address)
            fetcher = Fetcher(
                self._settings.max_picture_bytes,
                allow_private=allow_private,
                seconds=min(SECONDS, self._settings.image_timeout_seconds),
            )
            return await fetcher.fetch(url)
        raise malformed()


def _counted(usage: object) -> Usage:
    """What a picture model reported; zeros where it is nothing that counts."""
    found = usage if isinstance(usage, dict) else {}
    try:
        return Usage(tokens(found.get("input_tokens")), tokens(found.get("output_tokens")))
    except TypeError:
        # The picture is paid for.
        return Usage()
