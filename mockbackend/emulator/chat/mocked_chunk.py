"""What a step does that no model can: data parts, and what comes of its tool calls. Only the service is sent it."""

from collections.abc import Iterator

from msgspec import UNSET

from ...data_parts import DATA_PARTS
from ...mock.played_calls import PLAYED_CALLS
from ...mock.script.data_parts import shown
from ...mock.script.rules import ChatStep
from ..gateway import wire
from ..gateway.call import Call


def mocked_events(step: ChatStep, call: Call) -> Iterator[bytes]:
    """What goes before the stream of a step, on either wire."""
    if not call.mocked.is_of_turn:
        return
    chunk: dict[str, object] = {}
    if step.data_parts:
        chunk[DATA_PARTS] = shown(step.data_parts)
    if any(one.is_played for one in step.tool_calls):
        # By their places: the service may give them other ids.
        chunk[PLAYED_CALLS] = [
            {"client": one.client, "approval": one.approval, "result": None if one.result is UNSET else one.result}
            if one.is_played
            else None
            for one in step.tool_calls
        ]
    if chunk:
        yield wire.event_bytes({"choices": [], **chunk})
