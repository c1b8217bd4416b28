"""How a generated picture reads in an answer."""

from __future__ import annotations

from collections.abc import Callable


def markdown(token: str, revised_prompt: str | None, picture_url: Callable[[str], str]) -> str:
    """The Markdown of a picture, with the revised prompt as a second paragraph where there is one."""
    picture = f"![Generated Image]({picture_url(token)})"
    return f"{picture}\n\n*Revised prompt: {revised_prompt}*" if revised_prompt else picture
