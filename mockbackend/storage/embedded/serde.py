"""LangGraph's serializer, which takes a long history message by message.

Its own reads and writes a checkpoint in one call, in which no other thread runs. The bytes are the same.
"""

from __future__ import annotations

from typing import Any

import msgspec
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from ...messages import MANY_MESSAGES

LARGE_BYTES = 1024 * 1024
CHANNEL = "messages"
MSGPACK = "msgpack"


class _Values(msgspec.Struct):
    messages: list[msgspec.Raw]


class _Checkpoint(msgspec.Struct):
    channel_values: _Values


_decoder = msgspec.msgpack.Decoder(_Checkpoint)


class Serde(JsonPlusSerializer):
    """The saver's own serializer, for checkpoints of any length."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """The bytes of a value, and their kind."""
        values = obj.get("channel_values") if isinstance(obj, dict) else None
        messages = values.get(CHANNEL) if isinstance(values, dict) else None
        if not isinstance(values, dict) or not isinstance(messages, list) or len(messages) <= MANY_MESSAGES:
            return super().dumps_typed(obj)
        return MSGPACK, msgspec.msgpack.encode(
            {**obj, "channel_values": {**values, CHANNEL: self.encode_each(messages)}}
        )

    def encode_each(self, messages: list[Any]) -> list[msgspec.Raw]:
        """The messages as they stand in a checkpoint; those that are encoded already stay as they are."""
        return [
            message if isinstance(message, msgspec.Raw) else msgspec.Raw(super(Serde, self).dumps_typed(message)[1])
            for message in messages
        ]

    def loads_messages(self, kind: str, stored: bytes) -> Any:
        """The messages of a checkpoint, whatever it holds."""
        if kind == MSGPACK and len(stored) > LARGE_BYTES:
            try:
                raw = _decoder.decode(stored).channel_values.messages
            except msgspec.DecodeError:
                pass  # let the saver's own reader say what it is
            else:
                return [self.loads_typed((MSGPACK, bytes(message))) for message in raw]
        return self.loads_typed((kind, stored))["channel_values"].get(CHANNEL, [])
