"""Images and attachments in a message."""

from __future__ import annotations

import base64
from typing import assert_never

from ..messages import AttachmentPart, ImagePart
from .links import Links


def markdown(token: str, revised_prompt: str | None, links: Links) -> str:
    """The Markdown of an image, followed by the revised prompt if there is one."""
    image = f"![Generated Image]({links.image(token)})"
    return f"{image}\n\n*Revised prompt: {revised_prompt}*" if revised_prompt else image


def attachment_url(part: ImagePart | AttachmentPart, links: Links) -> tuple[str, str]:
    """The media type and URL of a user's attachment. An image is linked, a text is a data: URL."""
    match part["type"]:
        case "picture":
            return part.get("media_type", "image/png"), links.image(part["token"])
        case "attachment":
            media_type = part["media_type"]
            return media_type, f"data:{media_type};base64,{base64.b64encode(part['text'].encode()).decode()}"
        case _:
            assert_never(part)
