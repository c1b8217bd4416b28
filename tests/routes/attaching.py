"""Images attached to a message, and the URLs under which they are shown."""

from __future__ import annotations

import httpx2

from tests.harness.answers import chat
from tests.harness.api import data_url, png

KINDS = {
    "image/png": png(),
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"x" * 20,
    "image/gif": b"GIF89a" + b"x" * 20,
    "image/webp": b"RIFF\x10\0\0\0WEBP" + b"x" * 20,
}


async def attached(client: httpx2.AsyncClient, content: bytes = KINDS["image/png"], conversation_id: str = "a") -> str:
    """The URL of an image that is attached to a message."""
    attachment = {"name": "a", "url": data_url(content, "image/png")}
    body = {
        "id": conversation_id,
        "messages": [{"role": "user", "content": "a", "experimental_attachments": [attachment]}],
    }
    assert (await chat(client, body)).status == 200
    return await shown(client, conversation_id)


async def shown(client: httpx2.AsyncClient, conversation_id: str = "a", **headers: str) -> str:
    """The URL under which the conversation's image is shown to this request."""
    response = await client.get(f"/conversations/{conversation_id}", headers=headers)
    url: str = response.json()["messages"][0]["experimental_attachments"][0]["url"]
    return url
