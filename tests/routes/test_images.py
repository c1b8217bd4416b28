"""Images as they are served."""

from __future__ import annotations

import re

import httpx2
import pytest

from tests.harness.answers import chat
from tests.harness.api import error_of
from tests.harness.http_client import PLAIN
from tests.harness.service import Server
from tests.routes.attaching import KINDS, attached


@pytest.mark.parametrize("media_type", KINDS)
async def test_an_image_is_served_to_anyone_with_its_url(server: Server, media_type: str) -> None:
    async with server.client(media_type) as client:
        url = await attached(client, KINDS[media_type], media_type.replace("/", "-"))
    async with httpx2.AsyncClient(**PLAIN) as stranger:
        response = await stranger.get(url)
    assert (response.status_code, response.content) == (200, KINDS[media_type])
    # By what it is, not by what it was called.
    assert response.headers["content-type"] == media_type
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in response.headers["cache-control"]
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"


async def test_a_token_cannot_be_guessed(server: Server) -> None:
    async with server.client("guess") as client:
        urls = {await attached(client, conversation_id=f"guess-{number}") for number in range(3)}
    tokens = {url.rpartition("/")[2] for url in urls}
    assert len(tokens) == 3
    # 32 characters of 6 bits each.
    assert all(re.fullmatch(r"[\w-]{32}", token) for token in tokens)


@pytest.mark.parametrize("token", ["x", "a" * 32, "a" * 5000, "%00", "..%2f..%2flogin", "%FF", ".", "a.part"])
async def test_an_unknown_token_is_a_404(client: httpx2.AsyncClient, token: str) -> None:
    error_of(await client.get(f"/images/{token}"), 404)


async def test_an_image_that_is_sent_back_is_not_stored_twice(server: Server) -> None:
    async with server.client("back") as client:
        url = await attached(client, conversation_id="back")
        before = len(list((server.data_dir / "pictures").iterdir()))
        part = {"type": "image_url", "image_url": {"url": url}}
        message = {"role": "user", "content": [{"type": "text", "text": "Again"}, part]}
        answer = await chat(client, {"id": "back", "message": message})
        assert answer.status == 200, answer.body
        assert "I see 1 image" in answer.text
        assert len(list((server.data_dir / "pictures").iterdir())) == before
