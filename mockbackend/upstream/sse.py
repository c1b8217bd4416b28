"""A decoder of server-sent events (WHATWG HTML, section 9.2.6), of which it reads only `data`."""

from __future__ import annotations


class EventDecoder:
    """A parser that takes bytes, cut anywhere, and gives the data of whole events, never that of one that was cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; returns the data of the events that they complete."""
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        events: list[bytes] = []
        for line in lines:
            if line.endswith(b"\r"):
                line = line[:-1]
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data.clear()
        return events
