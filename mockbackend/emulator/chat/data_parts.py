"""The data parts of a step, which the service shows as if a tool had. No model sends such, so others get none."""

from collections.abc import Iterator

from ...mock.script.data_parts import mocked_chunk
from ...mock.script.rules import ChatStep
from ..gateway import wire
from ..gateway.call import Call


def data_part_events(step: ChatStep, call: Call) -> Iterator[bytes]:
    """What goes before the stream of a step, on either wire."""
    if step.data_parts and call.mocked.is_of_turn:
        yield wire.event_bytes(mocked_chunk(step.data_parts))
