"""The ids of a conversation's tool calls: engines give the same ones again, and clients tell calls apart by them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import orjson

from ..storage import Exchange

# As engines that count their calls name them, beginning from the first with each answer.
_COUNTED = re.compile(r"(?:^|[\W_])\d{1,6}$")


class CallIds(set[str]):
    """The ids that are taken. One that stands in kept bytes is looked for only when it is asked for.

    Of a history whose beginning is left out it is not known which it has: a counted one is taken there.
    """

    def __init__(self, history: Iterable[Exchange]) -> None:
        history = list(history)
        super().__init__(
            part["id"]
            for exchange in history
            for message in exchange.messages
            for part in message["parts"]
            if part["type"] == "tool"
        )
        self._wires = [exchange.wire for exchange in history if exchange.wire]
        self._is_whole = not history or history[0].position == 0

    def __contains__(self, call_id: object) -> bool:
        if super().__contains__(call_id):
            return True
        if not self._is_whole and isinstance(call_id, str) and _COUNTED.search(call_id):
            return True
        sought = b'"id":' + orjson.dumps(call_id)
        return any(sought in wire for wire in self._wires)
