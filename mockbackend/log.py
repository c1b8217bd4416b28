"""The log: one line per event, with the id of its request."""

from __future__ import annotations

import logging
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")


# Characters that begin a new line or control a terminal. A logged value may contain them, the log may not.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A, 0x0D)}
_CONTROL |= {0x0A: "\n  ", 0x0D: "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def printable(text: str) -> str:
    """The text without characters that begin a new line or control a terminal."""
    return text.translate(_CONTROL)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id.get()
        # The lines of a traceback are indented, and so is a forged line.
        return printable(super().format(record))


def configure(level: str) -> None:
    """Send the log to standard error. A further call only changes the level."""
    root = logging.getLogger("mockbackend")
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(_Lines("%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s"))
        root.addHandler(handler)
        root.propagate = False
    root.setLevel(level.upper())
