"""The log: one line a thing, with the request that it belongs to."""

from __future__ import annotations

import logging
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id.get()
        # A line break in a logged value would forge a line of its own; a traceback's own lines are indented.
        return super().format(record).replace("\r", "\\r").replace("\n", "\n  ")


def configure(level: str) -> None:
    """Send our log to standard error; once in a process."""
    root = logging.getLogger("mockbackend")
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(_Lines("%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s"))
        root.addHandler(handler)
        root.propagate = False
    root.setLevel(level.upper())
