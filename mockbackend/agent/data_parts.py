"""The data parts that tools show beside the answer's words, within the limits of a turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import orjson
from langchain_core.tools import ToolException

from ..data_parts import MAX_ID_CHARACTERS, name_problem
from ..events import DataShown
from ..upstream.chat.tool_calls import is_too_deep

# What a part takes besides its data.
PART_BYTES = 100


class DataParts:
    """What the tools of one turn have shown, `earlier` too where it goes on, and may still show."""

    def __init__(
        self, emit: Callable[[DataShown], None], max_parts: int, max_bytes: int, earlier: Sequence[DataShown]
    ) -> None:
        self.emit = emit
        self._max_parts = max_parts
        self._max_bytes = max_bytes
        self._kept = {(part.name, part.id) for part in earlier}
        self._bytes = sum(len(orjson.dumps(part.data)) + PART_BYTES for part in earlier)
        # Tools run side by side, some of them on threads.
        self._lock = threading.Lock()

    def count(self, part: DataShown, size: int) -> None:
        """Count a part of that many bytes. Raises ToolException if there is no room for it."""
        with self._lock:
            if self._bytes + size + PART_BYTES > self._max_bytes:
                raise ToolException(
                    f"{part.name!r} is not shown: the tools of this turn would show more than {self._max_bytes} bytes "
                    "of data (MAX_DATA_BYTES_PER_TURN)."
                )
            key = (part.name, part.id)
            if not part.transient and key not in self._kept:
                if len(self._kept) >= self._max_parts:
                    raise ToolException(
                        f"{part.name!r} is not shown: the tools of this turn may add {self._max_parts} data parts to "
                        "its answer (MAX_DATA_PARTS_PER_TURN). One of an id that was shown replaces that."
                    )
                self._kept.add(key)
            self._bytes += size + PART_BYTES


class CallParts:
    """What one tool call shows, from whichever thread it runs on."""

    def __init__(self, parts: DataParts, call_id: str) -> None:
        self._parts = parts
        self._call_id = call_id
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._numbers = count(1)
        self._is_over = False

    def show(self, name: str, data: Any, *, id: str | None = None, transient: bool = False) -> None:  # noqa: A002
        """Show data, any JSON. Raises ToolException, which says why it cannot be shown."""
        if self._is_over:
            raise ToolException(f"{name!r} is not shown: the call has ended.")
        part, size = _part(name, data, f"{self._call_id}-{next(self._numbers)}" if id is None else id, transient)
        self._parts.count(part, size)
        if threading.get_ident() == self._thread:
            self._parts.emit(part)
            return
        # The loop may be closed by now.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._emit, part)

    def _emit(self, part: DataShown) -> None:
        # A call that took too long has ended, though its thread goes on.
        if not self._is_over:
            self._parts.emit(part)

    def end(self) -> None:
        """Show nothing more: the call has a result."""
        self._is_over = True


def _part(name: str, data: Any, part_id: str, transient: bool) -> tuple[DataShown, int]:
    """The part, and how many bytes its data has."""
    if problem := name_problem(name):
        raise ToolException(f"{name!r} is not shown: {problem}.")
    try:
        encoded = orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)
        orjson.dumps(part_id)
    except TypeError as error:
        raise ToolException(f"{name!r} is not shown: it is not JSON ({error}).") from None
    if not isinstance(part_id, str) or not 0 < len(part_id) <= MAX_ID_CHARACTERS:
        raise ToolException(f"{name!r} is not shown: an id is a text of 1 to {MAX_ID_CHARACTERS} characters.")
    value = orjson.loads(encoded)
    if is_too_deep(value):
        raise ToolException(f"{name!r} is not shown: it is nested too deeply.")
    return DataShown(name, part_id, value, transient), len(encoded)
