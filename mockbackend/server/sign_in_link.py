"""The link that signs the page in on the machine where the service was started: good once, at any worker."""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
import time
from typing import Self

MINUTES = 10


class SignInLink:
    """A secret that is good once, for ten minutes. Made before the workers are forked, which all know it."""

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(18)
        self._until = time.monotonic() + MINUTES * 60
        # One byte, for the worker that reads it first; the others find the end.
        self._once, writing = os.pipe()
        os.write(writing, b"1")
        os.close(writing)

    @classmethod
    def of(cls, host: str) -> Self | None:
        """A link where only this machine can reach the host, else None."""
        try:
            is_loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_loopback = host == "localhost"
        return cls() if is_loopback else None

    def take(self, secret: str) -> bool:
        """Whether this is the secret, in time, and for the first time."""
        if not hmac.compare_digest(secret.encode(), self.secret.encode()) or time.monotonic() > self._until:
            return False
        return os.read(self._once, 1) == b"1"
