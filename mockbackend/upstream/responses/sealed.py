"""Reasoning that only its own model can read, kept for the calls of tools that it led to.

A model that is asked again with the results of its tools goes on from where it was. Nothing is stored over there, so
what it has thought goes along, sealed. It is kept in memory alone, for its own turn: call ids of other turns, and so of
other users, may be the same.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ...log import turn_fields

MAX_BYTES = 32 * 1024 * 1024


class SealedReasoning:
    """The reasoning items of the latest answers, by the first call that followed them."""

    def __init__(self) -> None:
        self._items: OrderedDict[tuple[str, str], tuple[list[dict[str, Any]], int]] = OrderedDict()
        self._bytes = 0

    def keep(self, call_id: str, items: list[dict[str, Any]]) -> None:
        """Keep the items that came before a call; the oldest ones go if there is no room for them."""
        size = sum(len(item["encrypted_content"]) for item in items)
        key = _key(call_id)
        self._bytes += size - self._items.pop(key, ([], 0))[1]
        self._items[key] = items, size
        while self._bytes > MAX_BYTES and len(self._items) > 1:
            _, (_, gone) = self._items.popitem(last=False)
            self._bytes -= gone

    def before(self, call_id: str) -> list[dict[str, Any]]:
        """The items that came before that call."""
        return self._items.get(_key(call_id), ([], 0))[0]


def _key(call_id: str) -> tuple[str, str]:
    turn = turn_fields.get()
    return turn.turn if turn else "", call_id
