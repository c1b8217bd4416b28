"""Calls of the model API without the client's work for each: what it makes of the first is sent with each other body.

The client walks and copies its options, headers and URL several times for a request, though what it makes of them
depends on the path and the token alone. So that is kept of the first request to a path. A response that is no success
is given to the client as if it had sent the request: it makes its own error of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2
import openai
import yarl

from .transport import Transport

SENT = httpx2.Request("POST", "http://sent.invalid/")
# Each request has its own.
OWN_HEADERS = {"content-length"}


@dataclass(frozen=True, slots=True)
class _Head:
    """What the client has made of a request, but for its body and the headers of that call."""

    url: yarl.URL
    headers: Mapping[str, str]

    @property
    def token(self) -> str:
        """The token that it carries, if any."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Direct:
    """Calls through that client, whose transport this is."""

    def __init__(self, client: openai.AsyncOpenAI, transport: Transport) -> None:
        self._client = client
        self._transport = transport
        self._heads: dict[str, _Head] = {}

    async def post(self, path: str, content: bytes, headers: Mapping[str, str], token: str | None) -> httpx2.Response:
        """Send a body, with headers of its own (in lower case). Raises what the client raises, or the transport.

        The response's body is still to be read. `token` is what the client sends now, if it has no key.
        """
        head = self._heads.get(path)
        if head is None or (token is not None and head.token != token):
            response = await self._through_client(path, content, headers)
            self._heads[path] = _head_of(response.request, headers)
        else:
            own = {**head.headers, **headers, "content-length": str(len(content))}
            response = await self._transport.send("POST", head.url, own, content)
            if not response.is_success:
                try:
                    with self._transport.received(response):
                        response = await self._through_client(path, content, headers)
                except BaseException:
                    # The client may have failed before it took it.
                    await response.aclose()
                    raise
        # The request holds its body.
        response.request = SENT
        return response

    async def _through_client(self, path: str, content: bytes, headers: Mapping[str, str]) -> httpx2.Response:
        # The client itself reads the body of an error response.
        stream = await self._client.post(
            path,
            content=content,
            cast_to=object,
            stream=True,
            stream_cls=openai.AsyncStream[object],
            options={"headers": headers},
        )
        return stream.response


def _head_of(request: httpx2.Request, own: Mapping[str, str]) -> _Head:
    headers = {name: value for name, value in request.headers.items() if name not in own and name not in OWN_HEADERS}
    return _Head(yarl.URL(str(request.url), encoded=True), headers)
