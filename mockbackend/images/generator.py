"""The generator of images: asks the model API for one, fetches or decodes it, and stores it."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from ..errors import ImageError
from ..events import ImageMade, Usage
from ..settings import Settings
from ..storage import Image, Images, QuotaExceeded, Spending
from ..storage.file_limits import no_room
from ..upstream import Upstream
from ..upstream.errors import invalid_response
from ..upstream.images import ImageResponse, request_image
from .fetch import SECONDS, TOO_LARGE, Fetcher, is_private_host
from .formats import recognize


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """The options of one image; None stands for what is set."""

    size: str | None = None
    quality: str | None = None
    style: str | None = None


class ImageGenerator:
    """A generator of images from prompts, which stores them."""

    def __init__(self, settings: Settings, upstream: Upstream, store: Images, spending: Spending) -> None:
        self._settings = settings
        self._spending = spending
        self._upstream = upstream
        self._store = store

    async def check_room(self, userid: str) -> None:
        """Raise ImageError if nothing more can be stored for the user: no image need be asked for."""
        if await self._spending.stored_bytes(userid) >= self._settings.max_user_bytes:
            raise ImageError(no_room(self._settings.max_user_bytes))

    async def generate(
        self, userid: str, conversation_id: str, prompt: str, options: ImageOptions
    ) -> tuple[ImageMade, Usage]:
        """Make one image in that conversation. Raises UpstreamError, and ImageError if there is no room for it."""
        settings = self._settings
        body = {"prompt": prompt, "n": 1, "size": options.size or settings.image_size}
        optional = {
            "quality": options.quality or settings.image_quality,
            "style": options.style or settings.image_style,
        }
        body |= {name: value for name, value in optional.items() if value}
        response = await request_image(self._upstream, body)
        image = await self._content(userid, response)
        try:
            token = await self._store.put(userid, conversation_id, image, user_bytes=settings.max_user_bytes)
        except QuotaExceeded:
            raise ImageError(no_room(settings.max_user_bytes)) from None
        return ImageMade(token, response.revised_prompt), response.usage

    async def _content(self, userid: str, response: ImageResponse) -> Image:
        settings = self._settings
        if response.base64 is not None:
            if len(response.base64) * 3 // 4 > settings.max_image_bytes:
                raise ImageError(TOO_LARGE)
            try:
                return recognize(base64.b64decode(response.base64, validate=True))
            except ValueError:
                raise invalid_response() from None
        if response.url is not None:
            # A model API on this network keeps its images there, too.
            allow_private = await is_private_host(self._upstream.engine.address)
            seconds = min(SECONDS, settings.image_timeout_seconds)
            fetcher = Fetcher(settings.max_image_bytes, allow_private=allow_private, seconds=seconds)
            return await self._fetch(fetcher, userid, response.url)
        raise invalid_response()

    async def _fetch(self, fetcher: Fetcher, userid: str, url: str) -> Image:
        recorder = self._upstream.recorder
        try:
            image = await fetcher.fetch(userid, url)
        except ImageError:
            if recorder:
                recorder.take_image(url, None)
            raise
        if recorder:
            recorder.take_image(url, image.content)
        return image
