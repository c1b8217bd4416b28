"""Reasoning that only its own model can read, kept for the calls of tools that it led to.

A model that is asked again with the results of its tools goes on from where it was. Nothing is stored over there, so
what it has thought goes along, sealed. It is kept in memory alone: in a later turn nobody needs it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

MAX_BYTES = 32 * 1024 * 1024


class SealedReasoning:
    """The reasoning items of the latest answers, by the first call that followed them."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, tuple[list[dict[str, Any]], int]] = OrderedDict()
        self._bytes = 0

    def keep(self, call_id: str, items: list[dict[str, Any]]) -> None:
        """Keep the items that came before a call; the oldest ones go if there is no room for them."""
        size = sum(len(item["encrypted_content"]) for item in items)
        self._bytes += size - self._items.pop(call_id, ([], 0))[1]
        self._items[call_id] = items, size
        while self._bytes > MAX_BYTES and len(self._items) > 1:
            _, (_, gone) = self._items.popitem(last=False)
            self._bytes -= gone

    def before(self, call_id: str) -> list[dict[str, Any]]:
        """The items that came before that call."""
        return self._items.get(call_id, ([], 0))[0]
