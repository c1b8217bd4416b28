"""What one user keeps: documents and images within MAX_USER_BYTES, and a number of conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.harness.answers import Answer, chat
from tests.harness.api import data_url, error_of
from tests.harness.service import Server
from tests.turn.spending.conftest import Environment, failures, usage
from tests.turn.test_stop import stored

SETTING = "MAX_USER_BYTES"
FEW = {"MAX_CONVERSATIONS_PER_USER": "2"}
FULL = {SETTING: "3000", "MAX_FILE_BYTES": "2000"}


def jpeg(size: int) -> bytes:
    """An image of that many bytes, as far as the service looks."""
    return b"\xff\xd8\xff\xe0" + b"x" * (size - 4)


async def attach(client: httpx2.AsyncClient, size: int, conversation_id: str) -> Answer:
    attachment = {"name": "a.jpg", "url": data_url(jpeg(size), "image/jpeg")}
    message = {"role": "user", "content": "Look", "experimental_attachments": [attachment]}
    return await chat(client, {"id": conversation_id, "messages": [message]})


async def upload(client: httpx2.AsyncClient, content: bytes) -> dict[str, Any]:
    response = await client.post("/files", files={"file": ("a.txt", content)})
    assert response.status_code == 202
    [row] = response.json()
    found: dict[str, Any] = row
    return found


async def stored_bytes(client: httpx2.AsyncClient) -> int:
    return int((await usage(client))["stored_bytes"])


async def test_documents_and_images_fill_one_quota(
    storage: Environment, emulated: Callable[..., Server], own: str
) -> None:
    async with emulated({**storage, **FULL}).client(own) as client:
        assert (await upload(client, b"a" * 1000))["status"] == "queued"
        assert (await attach(client, 1500, own)).status == 200
        assert await stored_bytes(client) == 2500
        refused = await attach(client, 501, f"{own}-b")
        assert refused.status == 422
        assert refused.json()["error"]["code"] == "quota"
        assert SETTING in refused.json()["error"]["message"]
        assert (await client.get(f"/conversations/{own}-b")).status_code == 404
        row = await upload(client, b"b" * 501)
        assert row["status"] == "failed"
        assert SETTING in row["error"]
        assert (await attach(client, 500, f"{own}-c")).status == 200
        assert await stored_bytes(client) == 3000
        # Nothing is left: no image is asked for, and all else goes on.
        drawn = await chat(client, {"message": "a dog", "mode": "image"})
        assert drawn.codes == "f23ed"
        assert SETTING in drawn.errors[0]
        asked = await chat(client, {"message": "draw three"})
        assert asked.text == "Look: There."
        assert [SETTING in words for words in failures(asked)] == [True] * 3
        assert (await usage(client))["images"] == 0
        assert (await client.delete(f"/conversations/{own}")).status_code == 204
        assert await stored_bytes(client) == 1500


async def test_a_generated_image_that_does_not_fit_is_an_error(emulated: Callable[..., Server], own: str) -> None:
    async with emulated({SETTING: "100"}).client(own) as client:
        drawn = await chat(client, {"message": "a dog", "mode": "image", "id": own})
        assert drawn.codes == "f23ed"
        assert SETTING in drawn.errors[0]
        asked = await chat(client, {"message": "draw three"})
        assert asked.text == "Look: There."
        assert [SETTING in words for words in failures(asked)] == [True] * 3
        # They have been made, and paid for.
        found = await usage(client)
        assert (found["images"], found["stored_bytes"]) == (4, 0)


@pytest.mark.slow
async def test_of_what_races_only_that_is_stored_which_fits(
    storage: Environment, emulated: Callable[..., Server], own: str
) -> None:
    env = {**storage, **FULL}
    async with emulated(env).client(own) as one, emulated(env).client(own) as other:
        images = [attach(client, 700, f"{own}-{number}") for number, client in enumerate([one, other] * 4)]
        documents = [upload(client, str(number).encode() * 700) for number, client in enumerate([one, other] * 4)]
        answers, rows = await asyncio.gather(asyncio.gather(*images), asyncio.gather(*documents))
        kept = [answer for answer in answers if answer.status == 200]
        queued = [row for row in rows if row["status"] != "failed"]
        assert len(kept) + len(queued) == 4
        assert await stored_bytes(other) == 2800


async def test_images_that_no_message_shows_any_more_are_discarded(
    storage: Environment, emulated: Callable[..., Server], own: str
) -> None:
    async with emulated({**storage, **FEW}).client(own) as client:
        await attach(client, 500, own)
        await chat(client, {"id": own, "message": "draw three"})
        with_all = await stored_bytes(client)
        said = (await stored(client, own))["messages"]
        shown = said[1]["content"] + said[3]["content"]
        urls = [part.partition(")")[0] for part in shown.split("](")[1:]]
        assert len(urls) == 3
        again = {"id": own, "trigger": "regenerate-message", "messageId": said[3]["id"], "messages": said[:3]}
        assert (await client.post("/chat", json=again)).status_code == 200
        assert await stored_bytes(client) == with_all, "as many as before"
        assert [(await client.get(url)).status_code for url in urls] == [404] * 3
        # What is edited away goes with all that follows it.
        edited = {"id": said[0]["id"], "role": "user", "content": "Something else"}
        assert (await chat(client, {"id": own, "messages": [edited]})).status == 200
        assert await stored_bytes(client) == 0


async def test_a_user_has_so_many_conversations(
    storage: Environment, emulated: Callable[..., Server], own: str
) -> None:
    env = {**storage, **FEW}
    async with emulated(env).client(own) as client, emulated(env).client(own) as other:
        for name in (own, f"{own}-b"):
            assert (await chat(client, {"message": "Hello", "id": name})).status == 200
        for one in (client, other):
            error = error_of(await one.post("/chat", json={"message": "Hello", "id": f"{own}-c"}), 422)
            assert "MAX_CONVERSATIONS_PER_USER" in error["message"]
        assert (await chat(other, {"message": "Go on", "id": own})).status == 200
        assert len((await client.get("/conversations")).json()) == 2
        await client.delete(f"/conversations/{own}")
        assert (await chat(other, {"message": "Hello", "id": f"{own}-c"})).status == 200
