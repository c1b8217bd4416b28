"""A decoder of server-sent events (WHATWG HTML, section 9.2.6), of which it gives only the data."""

from __future__ import annotations

MAX_EVENT_BYTES = 16 * 1024 * 1024
BOM = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """An event that is larger than anything a model says."""


class EventDecoder:
    """A parser that takes bytes, cut anywhere, and gives the data of whole events, never that of one that was cut.

    A line ends with \\n, \\r or \\r\\n. What is not UTF-8 is given as it came.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._size = 0
        # At the beginning a mark may come, after a \r its \n.
        self._may_skip: bytes | None = BOM

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; returns the data of the events that they complete. Raises EventTooLarge."""
        if self._may_skip is not None:
            chunk = self._skip(chunk, self._may_skip)
        if b"\r" in chunk:
            if chunk.endswith(b"\r"):
                self._may_skip = b"\n"
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        is_line = chunk.startswith(b"data: ") and chunk.find(b"\n") == len(chunk) - 2 and chunk.endswith(b"\n")
        if is_line and not self._line and not self._data:
            # Most pieces are this: one event of one line.
            return [chunk[6:-2]]
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and self._line:
            lines[0] = b"".join([*self._line, lines[0]])
            self._line.clear()
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line:
                if self._data:
                    events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                    self._data.clear()
                    self._size = 0
            elif line == b"data":
                self._data.append(b"")
        if rest:
            self._line.append(rest)
        if self._data or self._line:
            self._size += len(chunk)
            if self._size > MAX_EVENT_BYTES and self._held() > MAX_EVENT_BYTES:
                raise EventTooLarge
        return events

    def _held(self) -> int:
        """How many bytes are held of an event that is not whole."""
        self._size = sum(map(len, self._line)) + sum(map(len, self._data))
        return self._size

    def _skip(self, chunk: bytes, mark: bytes) -> bytes:
        """The bytes without a mark that they may begin with; nothing while it may still be coming."""
        chunk = b"".join([*self._line, chunk])
        self._line.clear()
        if len(chunk) < len(mark) and mark.startswith(chunk):
            self._line.append(chunk)
            return b""
        self._may_skip = None
        return chunk.removeprefix(mark)
