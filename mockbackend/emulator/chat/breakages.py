"""Faults that break an answer whatever its wire: a stream from a place on, or a document."""

from collections.abc import Callable, Iterator
from typing import TypeVar, assert_never

from ...mock.script import faults
from ..gateway import wire
from ..gateway.reply import CUT, Pause, Piece, Reply

Part = TypeVar("Part")


def broken_stream(
    fault: faults.Breakage, rest: Iterator[Part], garbage: bytes, error: Callable[[], Part]
) -> Iterator[Part | Piece]:
    """What follows from the fault on; `rest` would have been the rest of the stream."""
    match fault:
        case faults.Cut():
            yield CUT
        case faults.End():
            return
        case faults.Malformed():
            yield garbage
            yield from rest
        case faults.ErrorEvent():
            yield error()
        case faults.Stall(seconds=seconds):
            yield Pause(seconds)
            yield from rest
        case _:
            assert_never(fault)


def broken_document(fault: faults.Breakage, whole: dict[str, object], failed: dict[str, object], delay: float) -> Reply:
    """The closest equivalent in an answer that is not streamed; `failed` is its document where the model fails."""
    headers, body = wire.azure_headers(wire.JSON), wire.json_bytes(whole)
    half = body[: len(body) // 2]
    match fault:
        case faults.Cut():
            return Reply([half, CUT], {**headers, "content-length": str(len(body))}, delay=delay)
        case faults.End() | faults.Malformed():
            return Reply.of(half, headers, delay=delay)
        case faults.ErrorEvent():
            return Reply.json(failed, delay=delay)
        case faults.Stall(seconds=seconds):
            return Reply.json(whole, delay=delay + seconds)
        case _:
            assert_never(fault)
