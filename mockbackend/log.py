"""The log: one line per event, as text or as JSON, with the id of its request.

In JSON a line also has what is known of its turn, and the numbers of its message as fields of their own.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

Format = Literal["text", "json"]
request_id: ContextVar[str] = ContextVar("request_id", default="-")


@dataclass(slots=True)
class TurnFields:
    """What the lines of a turn say of it. `userid` is not among them as it is."""

    turn: str
    conversation: str
    userid: str
    step: int = 0
    retries: int = 0


turn_fields: ContextVar[TurnFields | None] = ContextVar("turn_fields", default=None)


def fields(**values: Any) -> dict[str, Any]:
    """The `extra` of a line that has these fields in JSON."""
    return {"fields": values}


def count_retry() -> None:
    """Count a repeated call of the model API for the turn that runs here, if any."""
    if (found := turn_fields.get()) is not None:
        found.retries += 1


# Characters that begin a new line or control a terminal. A logged value may contain them, the log may not.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A, 0x0D)}
_CONTROL |= {0x0A: "\n  ", 0x0D: "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}
# The same for what JSON leaves as it is.
_JSON_CONTROL = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
# Who has the address of an image can see it.
_IMAGES = "/images/"


def printable(text: str) -> str:
    """The text without characters that begin a new line or control a terminal."""
    return text.translate(_CONTROL)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id.get()
        # The lines of a traceback are indented, and so is a forged line.
        return printable(super().format(record))


class JSONLines(logging.Formatter):
    """A line of JSON for each record, those of other libraries too."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if (request := request_id.get()) != "-":
            line["request"] = request
        if (turn := turn_fields.get()) is not None:
            line |= {"turn": turn.turn, "conversation": turn.conversation, "owner": _hashed(turn.userid)}
            line |= {"step": turn.step, "retries": turn.retries}
        line |= getattr(record, "fields", {})
        if record.name == "hypercorn.access" and isinstance(record.args, dict):
            line |= _access(record.args)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _dumped(line).translate(_JSON_CONTROL)


def _access(atoms: dict[str, Any]) -> dict[str, Any]:
    path = _IMAGES + "..." if atoms["U"].startswith(_IMAGES) else atoms["U"]
    return {
        "message": f"{atoms['m']} {path} {atoms['s']}",
        "client": atoms["h"],
        "method": atoms["m"],
        "path": path,
        "status": int(atoms["s"]) if atoms["s"].isdigit() else None,
        "duration_ms": round(float(atoms["L"]) * 1000),
    }


def _dumped(line: dict[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str).decode()
    except TypeError:
        # Half a character, which JSON cannot hold.
        whole = {key: str(value).encode(errors="replace").decode() for key, value in line.items()}
        return orjson.dumps(whole).decode()


@functools.lru_cache(maxsize=1024)
def _hashed(userid: str) -> str:
    return hashlib.blake2b(userid.encode(), digest_size=8).hexdigest()


_FORMATTERS: dict[Format, logging.Formatter] = {
    "text": _Lines("%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s"),
    "json": JSONLines(),
}


def configure(level: str, form: Format = "text") -> None:
    """Send the log to standard error. A further call changes level and format.

    In JSON the lines of other libraries, and Python's warnings, are in it as well.
    """
    ours = logging.getLogger("mockbackend")
    if not ours.handlers:
        ours.addHandler(logging.StreamHandler())
        ours.propagate = False
    for handler in ours.handlers:
        handler.setFormatter(_FORMATTERS[form])
    ours.setLevel(level.upper())
    root = logging.getLogger()
    if form == "json" and not root.handlers:
        root.addHandler(ours.handlers[0])
        logging.captureWarnings(True)
