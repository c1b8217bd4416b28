"""Ids, tokens and the time for what works in a context: by a scenario's seed and clock, else by chance and for real."""

from __future__ import annotations

import base64
import random
import secrets
import time as real_time
import uuid as real_uuid
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Source:
    """Where ids and times come from; None stands for chance, and for the real clock."""

    random: random.Random | None = None
    now: datetime | None = None


_source: ContextVar[Source | None] = ContextVar("source", default=None)


def begin(source: Source | None) -> None:
    """Draw from this source whatever follows in this context."""
    _source.set(source)


def _bytes(count: int) -> bytes:
    source = _source.get()
    return source.random.randbytes(count) if source and source.random else secrets.token_bytes(count)


def uuid() -> real_uuid.UUID:
    """A random UUID."""
    source = _source.get()
    return real_uuid.UUID(bytes=_bytes(16), version=4) if source and source.random else real_uuid.uuid4()


def token_hex(count: int) -> str:
    """A token of that many bytes, in hexadecimal digits."""
    return _bytes(count).hex()


def token_urlsafe(count: int) -> str:
    """A token of that many bytes, in characters for URLs."""
    return base64.urlsafe_b64encode(_bytes(count)).rstrip(b"=").decode()


def time() -> float:
    """The time in seconds since 1970."""
    source = _source.get()
    return source.now.timestamp() if source and source.now else real_time.time()


def now(zone: tzinfo) -> datetime:
    """The time in a zone."""
    source = _source.get()
    return source.now.astimezone(zone) if source and source.now else datetime.now(zone)


def is_still() -> bool:
    """Whether the clock stands still."""
    source = _source.get()
    return source is not None and source.now is not None


def shown_ms(real: int) -> int:
    """What is shown of a stored time, in milliseconds: a clock that stands still has always stood."""
    source = _source.get()
    return int(source.now.timestamp() * 1000) if source and source.now else real
