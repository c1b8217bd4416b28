"""The URL of an image that was drawn, and its faults."""

from collections.abc import Iterator
from typing import assert_never

from ...mock.script import faults
from ..gateway import error_faults
from ..gateway.reply import Piece, Reply
from .store import StoredImage

FILLER = bytes(64 * 1024)


def show_image(image: StoredImage | None) -> Reply:
    """What the URL answers; None where no image has it."""
    if image is None:
        return _not_found()
    fault, headers = image.fault, {"content-type": image.media_type}
    match fault:
        case None:
            return Reply.of(image.content, headers)
        case faults.ImageGone():
            return _not_found()
        case faults.ImageNotImage():
            return Reply.of(error_faults.PAGE, {"content-type": error_faults.HTML})
        case faults.ImageHuge():
            return Reply(_endless(image.content), headers)
        case faults.ImageRedirect(to):
            return Reply.of(b"", {"location": to}, 302)
        case faults.ImageSlow(seconds):
            return Reply.of(image.content, headers, delay=seconds)
        case _:
            assert_never(fault)


def _not_found() -> Reply:
    return Reply.of(b"Not found", {"content-type": "text/plain; charset=utf-8"}, 404)


def _endless(content: bytes) -> Iterator[Piece]:
    """A real image at first, then bytes without end."""
    yield content
    while True:
        yield FILLER
