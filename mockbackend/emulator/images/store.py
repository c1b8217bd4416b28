"""Pictures that wait behind a URL, in memory, the oldest given up first."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from ..script.faults import UrlFault

KEPT = 64


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes of a picture, and the fault that its URL shows instead of it."""

    content: bytes
    media_type: str
    fault: UrlFault | None = None


class Gallery:
    def __init__(self) -> None:
        self._pictures: OrderedDict[str, Kept] = OrderedDict()

    def keep(self, picture: Kept) -> str:
        """A token that nobody can guess; the picture answers under it until 64 newer ones have come."""
        token = secrets.token_urlsafe(24)
        self._pictures[token] = picture
        if len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)
        return token

    def find(self, token: str) -> Kept | None:
        return self._pictures.get(token)
