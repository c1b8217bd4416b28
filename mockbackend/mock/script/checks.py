"""What types cannot say of a rule's answer."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec import Struct

from .raw import RawError, raw_of


def check_moved(given: Struct, empty: Struct, key: str, place: str) -> None:
    """Raise ValueError for a key that stands beside a list of answers, and not in one of them."""
    for name in empty.__struct_fields__:
        if getattr(given, name) != getattr(empty, name):
            raise ValueError(f"move '{name}' into {place}, since the rule has '{key}'")


def check_corner(item: Any) -> None:
    """Raise ValueError for an answer whose corner is not its only fault."""
    if item.corner is not None and (item.fault is not None or getattr(item, "wire", None) is not None):
        raise ValueError("'corner' is a fault of its own: leave 'fault' and 'wire' out")


def check_raw(raw: str | None) -> None:
    """Raise ValueError for what is no recorded answer."""
    if raw is not None:
        try:
            raw_of(raw)
        except RawError as error:
            raise ValueError(f"'raw': {error}") from None


def check_json(name: str, value: object) -> None:
    """Raise ValueError for a value that JSON does not have."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"'{name}' cannot be written as JSON: {error}") from None
