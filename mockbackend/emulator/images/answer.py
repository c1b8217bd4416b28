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
        "background": "transparent" if request.transparent else "opaque",
        "data": [{"b64_json": encoded}] * request.count,
        "output_format": request.file_format,
        "quality": request.quality,
        "size": "{}x{}".format(*request.size),
        "usage": _usage(request),
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


def _usage(request: ImageRequest) -> dict[str, object]:
    """The tokens of a prompt and of its image; at Azure the latter depend on its size too."""
    text = tokens.count(request.prompt)
    drawn = TOKENS[request.quality] * request.count
    return {
        "input_tokens": text,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": text},
        "output_tokens": drawn,
        "total_tokens": text + drawn,
    }
