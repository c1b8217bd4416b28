"""How pictures and attachments read in a message."""

from __future__ import annotations

import base64

from ..messages import Part
from .links import Links


def markdown(token: str, revised_prompt: str | None, links: Links) -> str:
    """The Markdown of a picture, with the revised prompt as a second paragraph where there is one."""
    picture = f"![Generated Image]({links.picture(token)})"
    return f"{picture}\n\n*Revised prompt: {revised_prompt}*" if revised_prompt else picture


def attachment_url(part: Part, links: Links) -> tuple[str, str]:
    """The media type and URL of a user's attachment: a stored picture's, or a text's data: URL."""
    if part["type"] == "picture":
        return part.get("media_type", "image/png"), links.picture(part["token"])
    media_type = part.get("media_type", "text/plain")
    return media_type, f"data:{media_type};base64,{base64.b64encode(part['text'].encode()).decode()}"
