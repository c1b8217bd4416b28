"""Attachments of messages, as stored parts: images go into the store, text into the message."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from ..concurrency import in_thread
from ..errors import ImageError, ServiceError, bad_request, unusable
from ..images.fetch import TOO_LARGE, Fetcher
from ..images.formats import NOT_AN_IMAGE
from ..messages import AttachmentPart, ImagePart, Part
from ..storage import Image, Images, QuotaExceeded
from ..storage.file_limits import no_room
from .attached_file import read_file, text_type
from .request import Attachment, SentMessage

OWN_IMAGE = re.compile(r"/images/([A-Za-z0-9_-]{32})$")
MAX_ATTACHMENTS = 50
SECONDS = 60.0


class Attachments:
    """Attachments on their way into the store.

    The images of one request may have `max_bytes` together, all that its user stores `user_bytes`.
    """

    def __init__(self, store: Images, fetcher: Fetcher, max_bytes: int, user_bytes: int) -> None:
        self._user_bytes = user_bytes
        self._store = store
        self._fetcher = fetcher
        self._max_bytes = max_bytes

    async def store(
        self, userid: str, conversation_id: str, messages: Sequence[SentMessage], tokens: list[str]
    ) -> list[list[Part]]:
        """The parts of each message's attachments. Raises ServiceError (422) if one cannot be used.

        The tokens of stored images go into `tokens` one by one. The caller discards them if no turn follows.
        """
        count = sum(len(message.attachments) for message in messages)
        if count > MAX_ATTACHMENTS:
            raise unusable(f"messages: at most {MAX_ATTACHMENTS} files can be attached.")
        if not count:
            return [[] for _ in messages]
        room = self._max_bytes
        stored: list[list[Part]] = []
        limit = asyncio.timeout(SECONDS)
        try:
            async with limit:
                for message in messages:
                    stored.append([])
                    for attachment in message.attachments:
                        found = await self._content(userid, conversation_id, attachment, room)
                        if isinstance(found, Image):
                            room -= len(found.content)
                            token = await self._store.put(userid, conversation_id, found, user_bytes=self._user_bytes)
                            tokens.append(token)
                            media_type, name = found.media_type, attachment.name
                            found = {"type": "picture", "token": token, "media_type": media_type, "name": name}
                        stored[-1].append(found)
        except QuotaExceeded:
            raise ServiceError(422, "quota", no_room(self._user_bytes)) from None
        except TimeoutError:
            if limit.expired():
                raise unusable("messages: the images could not be fetched in time. Please try again.") from None
            raise
        return stored

    async def _content(
        self, userid: str, conversation_id: str, attachment: Attachment, room: int
    ) -> Image | ImagePart | AttachmentPart:
        """An image to store, or a part that is complete."""
        name = attachment.name
        if attachment.problem is not None:
            raise bad_request(attachment.problem)
        try:
            if attachment.url is not None:
                own = OWN_IMAGE.search(attachment.url)
                home = await self._store.home(userid, own[1]) if own else None
                if own is None or home is None:
                    return await self._fetcher.fetch(userid, attachment.url, room)
                if home == conversation_id:
                    return {"type": "picture", "token": own[1], "name": name}
                # An image of another conversation is deleted with it, so this one gets a copy.
                return _within(room, await self._store.get(own[1]))
            found = attachment.text
            if found is None:
                file = await in_thread(lambda: read_file(attachment), "reading")
                if isinstance(file, Image):
                    return _within(room, file)
                found = file
            media_type = text_type(attachment.media_type)
            return {"type": "attachment", "name": name, "media_type": media_type, "text": found}
        except ImageError as error:
            raise unusable(f"{name}: {error.message}") from None


def _within(room: int, found: Image | None) -> Image:
    if found is None:
        raise ImageError(NOT_AN_IMAGE)
    if len(found.content) > room:
        raise ImageError(TOO_LARGE)
    return found
