"""LangGraph's serializer, which takes a long history message by message.

Its own reads and writes a checkpoint in one call, in which no other thread runs. The bytes are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from ...messages import MANY_MESSAGES

LARGE_BYTES = 1024 * 1024
BATCH_BYTES = 256 * 1024
CHANNEL = "messages"
MSGPACK = "msgpack"
T = TypeVar("T")


class _Values(msgspec.Struct):
    messages: list[msgspec.Raw]


class _Checkpoint(msgspec.Struct):
    channel_values: _Values


class _Update(msgspec.Struct):
    new_messages: list[msgspec.Raw]


_checkpoints = msgspec.msgpack.Decoder(_Checkpoint)
_updates = msgspec.msgpack.Decoder(_Update)


class Serde(JsonPlusSerializer):
    """The saver's own serializer, for checkpoints of any length."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """The bytes of a value, and their kind."""
        values = obj.get("channel_values") if isinstance(obj, dict) else None
        messages = values.get(CHANNEL) if isinstance(values, dict) else None
        if not isinstance(values, dict) or not isinstance(messages, list) or not _is_in_parts(messages):
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

    def dumps_update(self, base_length: int, new_messages: list[Any]) -> tuple[str, bytes]:
        """The bytes of an update of the graph's state, and their kind."""
        update = {"base_length": base_length, "new_messages": new_messages}
        if not _is_in_parts(new_messages):
            return super().dumps_typed(update)
        return MSGPACK, msgspec.msgpack.encode({**update, "new_messages": self.encode_each(new_messages)})

    def loads_messages(self, kind: str, stored: bytes) -> Iterator[Any]:
        """The messages of a checkpoint, whatever it holds, some at a time."""
        if (raw := _large(_checkpoints, kind, stored)) is None:
            yield self.stored_messages(kind, stored)
            return
        found: list[Any] = []
        size = 0
        for message in raw.channel_values.messages:
            found.append(self.loads_typed((MSGPACK, bytes(message))))
            size += len(bytes(message))
            if size > BATCH_BYTES:
                yield found
                found, size = [], 0
        yield found

    def stored_messages(self, kind: str, stored: bytes) -> Any:
        """All messages of a checkpoint, to be counted or stored again: those of a large one are not decoded."""
        if (raw := _large(_checkpoints, kind, stored)) is not None:
            return raw.channel_values.messages
        return self.loads_typed((kind, stored))["channel_values"].get(CHANNEL, [])

    def loads_updates(self, stored: list[Any]) -> list[Any]:
        """The messages of each of these updates: None of one that cannot be read, whatever it is."""
        found: list[Any] = []
        batch: list[Any] = []
        size = 0
        for one in stored:
            batch.append(one)
            size += len(one) if isinstance(one, bytes) else 0
            if size > BATCH_BYTES:
                found += self._loads_batch(batch)
                batch, size = [], 0
        return found + self._loads_batch(batch)

    def _loads_batch(self, stored: list[Any]) -> list[Any]:
        with suppress(Exception):
            # One call for all of them, as an array, costs half.
            array = b"\xdd" + len(stored).to_bytes(4) + b"".join(stored)
            if len(array) <= LARGE_BYTES:
                return [update["new_messages"] for update in self.loads_typed((MSGPACK, array))]
        return [self._loads_update(one) for one in stored]

    def _loads_update(self, stored: Any) -> Any:
        with suppress(Exception):
            if (raw := _large(_updates, MSGPACK, stored)) is not None:
                return [self.loads_typed((MSGPACK, bytes(message))) for message in raw.new_messages]
            return self.loads_typed((MSGPACK, stored))["new_messages"]
        return None


def _is_in_parts(messages: list[Any]) -> bool:
    return len(messages) > MANY_MESSAGES or any(isinstance(one, msgspec.Raw) for one in messages)


def _large(decoder: msgspec.msgpack.Decoder[T], kind: str, stored: bytes) -> T | None:
    """What is too large to be decoded in one call; None if it is not, or of another shape."""
    if kind != MSGPACK or len(stored) <= LARGE_BYTES:
        return None
    try:
        return decoder.decode(stored)
    except msgspec.DecodeError:
        return None  # the saver's own reader says what it is
