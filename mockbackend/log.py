"""The log: one line a thing, with the request that it belongs to."""

from __future__ import annotations

import logging
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")


# What would begin a line of its own or steer a terminal: a logged value may hold it, the log may not.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A, 0x0D)}
_CONTROL |= {0x0A: "\n  ", 0x0D: "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def printable(text: str) -> str:
    """The text with nothing in it that begins a line of its own or steers a terminal."""
    return text.translate(_CONTROL)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id.get()
        # A traceback's own lines are indented; so is a line that was forged.
        return printable(super().format(record))


def configure(level: str) -> None:
    """Send our log to standard error; once in a process."""
    root = logging.getLogger("mockbackend")
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(_Lines("%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s"))
        root.addHandler(handler)
        root.propagate = False
    root.setLevel(level.upper())
