"""GET /images/{token}. It is open, since an <img> sends no credentials: anyone who has the token can see the image."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..errors import not_found
from .auth import get_service
from .pieces import in_pieces

HEADERS = {
    "cache-control": "private, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}


async def get(request: Request) -> Response:
    """A stored image."""
    found = await get_service(request).storage.images.content(request.path_params["token"])
    if found is None:
        raise not_found()
    media_type, blob = found
    headers = {**HEADERS, "content-length": str(blob.size)}
    if request.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    return await in_pieces(blob.pieces(), 200, headers, media_type)
