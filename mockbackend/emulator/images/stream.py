"""An image that comes as a stream of events: coarse ones first, then the whole."""

from collections.abc import Iterator

import orjson

from ..gateway.call import Operation
from ..gateway.reply import Pause, Piece
from .answer import image_fields, image_usage
from .request import ImageRequest


def image_stream(request: ImageRequest, partial: list[bytes], whole: bytes, delay: float) -> Iterator[Piece]:
    """The events of a request; the seconds that its rule takes are before and between them."""
    name = "image_edit" if request.call.operation is Operation.IMAGE_EDIT else "image_generation"
    between = delay / (len(partial) + 1)
    # `n` images are several streams in one: each has its own events.
    for _ in range(request.count):
        for index, content in enumerate(partial):
            yield Pause(between)
            yield _event(f"{name}.partial_image", {**image_fields(request, content), "partial_image_index": index})
        yield Pause(between)
        yield _event(f"{name}.completed", {**image_fields(request, whole), "usage": image_usage(request, 1)})


def _event(kind: str, fields: dict[str, object]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))
