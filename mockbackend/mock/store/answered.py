"""What the headers of an answer say that a verdict has to know."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime


def conversation_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The conversation that the service has answered in."""
    return next((value.decode("latin-1") for name, value in headers if name == b"x-conversation-id"), None)


def retry_after_of(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    """The seconds for which the client should wait, as it may read them."""
    given = {name.lower(): value.decode("latin-1") for name, value in headers}
    for header, unit in ((b"retry-after-ms", 1000), (b"retry-after", 1)):
        if (value := given.get(header)) is None:
            continue
        try:
            return float(value) / unit
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except ValueError:
            pass
    return None
