"""A recorded answer, sent as it came: its bytes, its pace, and how it ended."""

from collections.abc import Iterator

from ...mock.script.raw import Raw, raw_of
from . import wire
from .call import Call
from .reply import CUT, Pause, Piece, Reply

# How long a stream that its client left stands still for one that does not leave.
LEFT_SECONDS = 60.0


def recorded(raw: str | None, call: Call) -> Raw | None:
    """The recorded answer, where it is of the wire that the call came by, and streamed only if that asks for it."""
    if raw is None:
        return None
    found = raw_of(raw)
    if found.wire != call.operation.path or (found.is_stream and call.body.get("stream") is not True):
        return None
    return found


def replay(raw: Raw, body: bytes | None = None) -> Reply:
    """The reply that was recorded; `body` replaces what was said, in one piece."""
    pieces = raw.pieces if body is None else ((raw.ended_at, body),)
    headers = {**wire.azure_headers(wire.JSON), **raw.headers}
    if raw.ending == "end" and not raw.is_stream:
        headers["content-length"] = str(sum(len(piece) for _, piece in pieces))
    return Reply(_paced(raw, pieces), headers, raw.status, raw.delay / 1000)


def _paced(raw: Raw, pieces: tuple[tuple[int, bytes], ...]) -> Iterator[Piece]:
    now = raw.delay
    for at, piece in (*pieces, (raw.ended_at, b"")):
        if at > now:
            yield Pause((at - now) / 1000)
            now = at
        if piece:
            yield piece
    if raw.ending == "left":
        yield Pause(LEFT_SECONDS)
    if raw.ending != "end":
        yield CUT
