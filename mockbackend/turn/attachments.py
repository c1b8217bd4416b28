"""Attachments of a user's message, made into stored parts: pictures into the store, text into the message."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UpstreamError, unusable
from ..messages import Part
from ..pictures.fetch import Fetcher
from ..pictures.kinds import NotAPicture, picture
from ..storage.pictures import Picture, Pictures
from .request import Attachment

OWN_PICTURE = re.compile(r"/images/([A-Za-z0-9_-]{32})$")
TEXT_TYPES = ("text/", "application/json", "application/xml", "application/yaml", "application/x-yaml")


@dataclass(frozen=True, slots=True)
class Prepared:
    """An attachment that can be stored: a picture's bytes, a stored picture's token, or a text."""

    name: str
    media_type: str = ""
    picture: Picture | None = None
    token: str | None = None
    text: str = ""


class Attachments:
    """Prepares attachments before anything is stored, and stores them once the turn has its place."""

    def __init__(self, store: Pictures, fetcher: Fetcher) -> None:
        self._store = store
        self._fetcher = fetcher

    async def prepare(self, userid: str, attachment: Attachment) -> Prepared:
        """Decode, or fetch; a 422 where it cannot be used."""
        if attachment.url is not None:
            return await self._from_url(userid, attachment.name, attachment.url)
        content = attachment.content or b""
        if attachment.media_type.startswith("image/"):
            try:
                return Prepared(attachment.name, picture=picture(content))
            except NotAPicture as error:
                raise unusable(f"{attachment.name}: {error.message}") from None
        if attachment.media_type.startswith(TEXT_TYPES):
            try:
                return Prepared(attachment.name, attachment.media_type, text=content.decode())
            except UnicodeDecodeError:
                raise unusable(f"{attachment.name}: the text is not UTF-8.") from None
        raise unusable(f"{attachment.name}: {attachment.media_type or 'files of no type'} cannot be attached.")

    async def _from_url(self, userid: str, name: str, url: str) -> Prepared:
        own = OWN_PICTURE.search(url)
        if own and await self._store.is_owner(userid, own[1]):
            return Prepared(name, token=own[1])
        try:
            return Prepared(name, picture=await self._fetcher.fetch(url))
        except UpstreamError as error:
            raise unusable(f"{name}: {error.message}") from None

    async def store(self, userid: str, conversation_id: str, prepared: Prepared) -> Part:
        """The part of the message."""
        if prepared.picture is not None:
            token = await self._store.put(userid, conversation_id, prepared.picture)
            media_type = prepared.picture.media_type
            return {"type": "picture", "token": token, "name": prepared.name, "media_type": media_type}
        if prepared.token is not None:
            return {"type": "picture", "token": prepared.token, "name": prepared.name}
        return {"type": "attachment", "name": prepared.name, "media_type": prepared.media_type, "text": prepared.text}
