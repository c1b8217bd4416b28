"""JSON of very many values, or of long ones, read by the standard library's Python code.

orjson reads all of a body in one call, and no other thread runs meanwhile: 10 MB of `{},{},…` stop every answer for
0.6 s, and for another 0.2 s as they are freed; 40 MB in two hundred strings, for 0.1 s. The standard library's own loop
can be interrupted at any value.
"""

from __future__ import annotations

import json
import math
from json.decoder import JSONArray, JSONObject, scanstring  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

# orjson reads that many in about 20 ms.
MANY_VALUES = 100_000
# Or that much text.
MANY_BYTES = 16 * 1024 * 1024
# 10,000 messages of AI SDK 4 have 150,000.
MAX_VALUES = 500_000


class TooManyValues(Exception):
    """The body has more than `MAX_VALUES` values."""


def is_dense(body: bytes) -> bool:
    """Whether orjson would take long to read a body, which may have many values, or much in its strings."""
    return len(body) > MANY_BYTES or sum(body.count(mark) for mark in (b",", b"[", b"{")) > MANY_VALUES


def loads(body: bytes) -> Any:
    """The value of a dense body, as orjson reads it. Raises ValueError, RecursionError and TooManyValues."""
    return _Decoder().decode(body.decode())


class _Decoder(json.JSONDecoder):
    def __init__(self) -> None:
        super().__init__(parse_int=_integer, parse_float=_float, parse_constant=_refuse)
        self._count = 0
        self.parse_object = self._object
        self.parse_array = self._array
        self.parse_string = _string
        self.scan_once = py_make_scanner(self)

    def _object(self, place: tuple[str, int], strict: bool, scan_once: Any, *hooks: Any) -> Any:
        return JSONObject(place, strict, self._counting(scan_once), *hooks)

    def _array(self, place: tuple[str, int], scan_once: Any) -> Any:
        return JSONArray(place, self._counting(scan_once))

    def _counting(self, scan_once: Any) -> Any:
        def counted(text: str, start: int) -> Any:
            self._count += 1
            if self._count > MAX_VALUES:
                raise TooManyValues
            return scan_once(text, start)

        return counted


def _integer(text: str) -> int | float:
    # Beyond 64 bits it could not be sent.
    number = int(text)
    return number if -(2**63) <= number < 2**64 else _float(text)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]}… is too large a number")
    return number


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _string(text: str, start: int, strict: bool) -> tuple[str, int]:
    found: tuple[str, int] = scanstring(text, start, strict)
    # Half a character, written as an escape, could not be stored.
    found[0].encode()
    return found
