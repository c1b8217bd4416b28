"""Pictures: a request and a step become the document of an answer, and a URL shows what was kept."""

import asyncio
import base64
from collections.abc import Iterator
from time import time
from typing import get_args

from ..gateway import content_filter as filters
from ..gateway import error_faults as refusals
from ..gateway import tokens
from ..gateway.reply import Piece, Reply, whole
from ..script import faults
from ..script.rules import ImageStep
from .drawing import draw
from .request import ImageRequest
from .store import Gallery, Kept

FOREVER_PIECE = bytes(64 * 1024)
TOKENS = {"low": 272, "medium": 1056, "high": 4160}


async def answer(request: ImageRequest, step: ImageStep, gallery: Gallery) -> dict[str, object]:
    """The document of a 200. Drawn in a thread: it takes tens of milliseconds."""
    transparent = request.background == "transparent"
    content = await asyncio.to_thread(draw, request.prompt, request.size, request.file_format, transparent)
    if request.call.deployment.makes_urls:
        return {"created": int(time()), "data": [_dalle(request, step, gallery, content)]}
    encoded = base64.b64encode(content).decode()
    return {
        "created": int(time()),
        "background": request.background,
        "data": [{"b64_json": encoded}] * request.count,
        "output_format": request.file_format,
        "quality": request.quality,
        "size": "{}x{}".format(*request.size),
        "usage": _usage(request),
    }


def show(picture: Kept | None) -> Reply:
    """What the URL of a picture answers."""
    plain = {"content-type": "text/plain; charset=utf-8"}
    if picture is None:
        return whole(b"Not found", plain, 404)
    headers = {"content-type": picture.media_type}
    match picture.fault:
        case faults.ImageGone():
            return whole(b"Not found", plain, 404)
        case faults.ImageNotImage():
            return whole(refusals.PAGE, {"content-type": refusals.HTML})
        case faults.ImageHuge():
            return Reply(_endless(picture.content), headers)
        case faults.ImageRedirect(to):
            return whole(b"", {"location": to}, 302)
        case faults.ImageSlow(seconds):
            return whole(picture.content, headers, delay=seconds)
        case None:
            return whole(picture.content, headers)


def _dalle(request: ImageRequest, step: ImageStep, gallery: Gallery, content: bytes) -> dict[str, object]:
    revised = step.revised_prompt
    if revised is None:
        revised = f"A picture in clear light and plain colours: {request.prompt}"
    source: dict[str, object]
    if request.url:
        fault = step.fault if isinstance(step.fault, get_args(faults.UrlFault)) else None
        token = gallery.keep(Kept(content, "image/png", fault))
        source = {"url": step.url or f"{request.call.origin}/generated/{token}.png"}
    else:
        source = {"b64_json": base64.b64encode(content).decode()}
    return {
        "content_filter_results": filters.ANSWER_SAFE,
        "prompt_filter_results": filters.PROMPT_SAFE,
        "revised_prompt": revised,
        **source,
    }


def _usage(request: ImageRequest) -> dict[str, object]:
    """Words in, picture out; the real price of a picture depends on its size too."""
    text = tokens.count(request.prompt)
    drawn = TOKENS[request.quality] * request.count
    return {
        "input_tokens": text,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": text},
        "output_tokens": drawn,
        "total_tokens": text + drawn,
    }


def _endless(content: bytes) -> Iterator[Piece]:
    """A true picture's beginning, then bytes without end."""
    yield content
    while True:
        yield FOREVER_PIECE
