"""The images API: one request, and what its response holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..events import Usage
from .client import Upstream
from .usage import tokens


@dataclass(frozen=True, slots=True)
class ImageResponse:
    """The first image of a response: in base64 or at a URL; neither if the API sent something else."""

    base64: str | None
    url: str | None
    revised_prompt: str | None
    usage: Usage


async def request_image(upstream: Upstream, body: dict[str, Any]) -> ImageResponse:
    """Ask for an image, once: a retry after a time-out would be paid for twice. Raises UpstreamError.

    `body` is the request without its model.
    """
    answer = await upstream.post_json(upstream.engine.images, body, upstream.image_timeout)
    data = answer.get("data")
    image: dict[str, Any] = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    return ImageResponse(
        _text(image.get("b64_json")),
        _text(image.get("url")),
        _text(image.get("revised_prompt")),
        _usage(answer.get("usage")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _usage(usage: object) -> Usage:
    counts = usage if isinstance(usage, dict) else {}
    return Usage(tokens(counts.get("input_tokens")), tokens(counts.get("output_tokens")))
