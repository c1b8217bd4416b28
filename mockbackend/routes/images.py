"""GET /images/{token}. It is open, since an <img> sends no credentials: anyone who has the token can see the image."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..errors import not_found
from .auth import get_service

HEADERS = {
    "cache-control": "private, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}


async def get(request: Request) -> Response:
    """A stored image."""
    image = await get_service(request).storage.images.get(request.path_params["token"])
    if image is None:
        raise not_found()
    return Response(image.content, media_type=image.media_type, headers=HEADERS)
