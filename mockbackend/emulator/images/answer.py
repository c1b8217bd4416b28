"""Answers to image calls: the documents of both shapes."""

import base64

from ...mock import drawn
from ..gateway import content_filter, tokens
from .request import ImageRequest

TOKENS = {"low": 272, "medium": 1056, "high": 4160}


def gpt_image_document(request: ImageRequest, content: bytes) -> dict[str, object]:
    encoded = base64.b64encode(content).decode()
    return {
        "created": int(drawn.time()),
        **_shape(request),
        "data": [{"b64_json": encoded}] * request.count,
        "usage": image_usage(request, request.count),
    }


def image_fields(request: ImageRequest, content: bytes) -> dict[str, object]:
    """The fields of an event with an image."""
    return {"b64_json": base64.b64encode(content).decode(), "created_at": int(drawn.time()), **_shape(request)}


def _shape(request: ImageRequest) -> dict[str, object]:
    return {
        "background": "transparent" if request.transparent else "opaque",
        "output_format": request.file_format,
        "quality": request.quality,
        "size": "{}x{}".format(*request.size),
    }


def dalle_document(
    request: ImageRequest, content: bytes, url: str | None, revised_prompt: str | None
) -> dict[str, object]:
    """The document of dall-e-3: with a URL, or without one with the bytes."""
    if revised_prompt is None:
        revised_prompt = f"An image in clear light and plain colours: {request.prompt}"
    source = {"b64_json": base64.b64encode(content).decode()} if url is None else {"url": url}
    item = {
        "content_filter_results": content_filter.ANSWER_SAFE,
        "prompt_filter_results": content_filter.PROMPT_SAFE,
        "revised_prompt": revised_prompt,
        **source,
    }
    return {"created": int(drawn.time()), "data": [item]}


def image_usage(request: ImageRequest, count: int) -> dict[str, object]:
    """The tokens of a prompt and of its images; at Azure the latter depend on their size too."""
    text, shown = tokens.count(request.prompt), tokens.PER_IMAGE * len(request.images)
    drawn = TOKENS[request.quality] * count
    return {
        "input_tokens": text + shown,
        "input_tokens_details": {"image_tokens": shown, "text_tokens": text},
        "output_tokens": drawn,
        "total_tokens": text + shown + drawn,
    }
