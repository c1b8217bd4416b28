"""A conversation's row: begun, renamed, pinned, deleted."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.api import data_url, error_of, listed, png, say
from tests.harness.http_client import PLAIN
from tests.harness.service import Server

KEYS = {"id", "title", "is_pinned", "created_at", "updated_at", "message_count"}


async def test_a_conversation_moves_up_when_it_continues(client: httpx2.AsyncClient) -> None:
    for conversation_id in ("one", "two", "one"):
        await say(client, "Hello", conversation_id + "-up")
    assert await listed(client) == ["one-up", "two-up"]
    (row, _) = (await client.get("/conversations")).json()
    assert row["message_count"] == 4


TITLED = {
    "What is the weather like in the mountains of Norway at the end of a long winter?": (
        "What is the weather like in the mountains of Norway at the…"
    ),
    "  a\n\n b  ": "a b",
}


@pytest.mark.parametrize("text", TITLED)
async def test_a_title_is_the_beginning_of_the_first_message(client: httpx2.AsyncClient, text: str) -> None:
    answer = await say(client, text)
    await say(client, "Another", answer.conversation_id)
    (row,) = (await client.get("/conversations")).json()
    assert row["title"] == TITLED[text]


async def test_renaming_changes_the_title_and_nothing_else(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Hello")
    (before,) = (await client.get("/conversations")).json()
    response = await client.patch(f"/conversations/{answer.conversation_id}", json={"title": "  Neuer Titel ✓ "})
    assert (response.status_code, response.json()) == (200, {**before, "title": "Neuer Titel ✓"})
    await say(client, "Again", answer.conversation_id)
    (row,) = (await client.get("/conversations")).json()
    assert row["title"] == "Neuer Titel ✓"


async def test_a_title_has_at_most_200_characters(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Hello")
    response = await client.patch(f"/conversations/{answer.conversation_id}", json={"title": "ü" * 200})
    assert response.json()["title"] == "ü" * 200


async def test_patch_can_pin_and_rename_at_once(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Hello")
    path = f"/conversations/{answer.conversation_id}"
    row = (await client.patch(path, json={"title": "A", "is_pinned": True, "id": "other"})).json()
    assert (row["title"], row["is_pinned"], row["id"]) == ("A", True, answer.conversation_id)
    row = (await client.patch(path, json={"is_pinned": False})).json()
    assert (row["title"], row["is_pinned"]) == ("A", False)


async def test_pinning_twice_changes_nothing(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Hello")
    path = f"/conversations/{answer.conversation_id}/pin"
    rows = [(await client.post(path, json={"is_pinned": pin})).json() for pin in (True, True, False, False)]
    assert [row["is_pinned"] for row in rows] == [True, True, False, False]
    assert len({row["updated_at"] for row in rows}) == 1
    assert all(set(row) == KEYS for row in rows)


async def test_a_deleted_conversation_is_gone_with_its_images(client: httpx2.AsyncClient, server: Server) -> None:
    attachment = {"name": "a.png", "contentType": "image/png", "url": data_url(png(), "image/png")}
    message = {"role": "user", "content": "Look", "experimental_attachments": [attachment]}
    await chat(client, {"id": "gone", "messages": [message]})
    made = await chat(client, {"id": "gone", "mode": "image", "message": "A walrus"})
    await say(client, "Kept", "not-deleted")
    generated = made.text.partition("(")[2].partition(")")[0]
    stored = (await client.get("/conversations/gone")).json()
    attached = stored["messages"][0]["experimental_attachments"][0]["url"]
    files = [server.data_dir / "pictures" / url.rpartition("/")[2] for url in (generated, attached)]
    for url in (generated, attached):
        assert (await client.get(url)).status_code == 200
    assert all(file.exists() for file in files)

    response = await client.delete("/conversations/gone")
    assert (response.status_code, response.content) == (204, b"")
    error_of(await client.delete("/conversations/gone"), 404)
    error_of(await client.get("/conversations/gone"), 404)
    error_of(await client.patch("/conversations/gone", json={"title": "a"}), 404)
    error_of(await client.post("/conversations/gone/pin", json={"is_pinned": True}), 404)
    error_of(await client.post("/conversations/gone/stop"), 404)
    assert (await client.get("/chat/gone/stream")).status_code == 204
    for url in (generated, attached):
        error_of(await client.get(url), 404)
    assert not any(file.exists() for file in files)
    assert await listed(client) == ["not-deleted"]
    assert await listed(client, q="walrus") == []


async def test_a_deleted_id_can_be_used_again(client: httpx2.AsyncClient) -> None:
    await say(client, "Before", "again")
    await client.delete("/conversations/again")
    await say(client, "After", "again")
    messages = (await client.get("/conversations/again")).json()["messages"]
    assert [message["content"] for message in messages] == ["After", "You said: After"]
    async with httpx2.AsyncClient(base_url=client.base_url, auth=("u", "p"), **PLAIN) as stranger:
        stranger.headers["userid"] = "a stranger"
        error_of(await stranger.get("/conversations/again"), 404)


IDS = ["x", "x" * 256, "a.b", "...", "a-b_c~d", "9f1c", "a%b", "a?b#c", "!$&'()*+,;=:@", "{id}", '"<>^`|']


@pytest.mark.sampled(3)
@pytest.mark.parametrize("conversation_id", IDS)
async def test_a_clients_own_id_is_kept(server: Server, client: httpx2.AsyncClient, conversation_id: str) -> None:
    answer = await say(client, "Hello", conversation_id)
    assert answer.conversation_id == conversation_id
    encoded = "".join(f"%{byte:02X}" for byte in conversation_id.encode())
    assert (await client.get(f"/conversations/{encoded}")).json()["id"] == conversation_id
    assert (await client.delete(f"/conversations/{encoded}")).status_code == 204


async def test_a_conversation_without_an_id_gets_a_uuid(client: httpx2.AsyncClient) -> None:
    ids = {(await say(client, "Hello")).conversation_id for _ in range(2)}
    assert len(ids) == 2
    assert all(len(one) == 36 and one.count("-") == 4 for one in ids)


async def test_either_key_names_the_conversation(client: httpx2.AsyncClient) -> None:
    await chat(client, {"conversation_id": "named", "message": "One"})
    await chat(client, {"id": "named", "conversation_id": "ignored", "message": "Two"})
    await chat(client, {"id": None, "conversation_id": "named", "message": "Three"})
    assert await listed(client) == ["named"]


async def test_a_full_conversation_takes_no_further_message(start_server: StartServer) -> None:
    server = start_server({"MAX_CONVERSATION_MESSAGES": "4"})
    async with server.client() as client:
        for text in ("One", "Two"):
            await say(client, text, "full")
        answer = await chat(client, {"id": "full", "message": "Three"})
        assert answer.status == 422
        assert (
            answer.json()["error"]["message"]
            == "This conversation has reached its limit of 4 messages (MAX_CONVERSATION_MESSAGES). "
            "Please start a new one."
        )
        (row,) = (await client.get("/conversations")).json()
        assert row["message_count"] == 4


CHANGES: dict[str, tuple[str, str, Any, str]] = {
    "nothing to change": ("PATCH", "", {}, "title"),
    "a title as a number": ("PATCH", "", {"title": 1}, "title"),
    "an empty title": ("PATCH", "", {"title": ""}, "title"),
    "a title of blanks": ("PATCH", "", {"title": " \n"}, "title"),
    "a title of 201 characters": ("PATCH", "", {"title": "x" * 201}, "title"),
    "is_pinned as a number": ("PATCH", "", {"is_pinned": 1}, "is_pinned"),
    "is_pinned as a word": ("PATCH", "", {"title": "a", "is_pinned": "true"}, "is_pinned"),
    "a list": ("PATCH", "", [], "The body"),
    "no is_pinned": ("POST", "/pin", {}, "is_pinned"),
    "is_pinned that is null": ("POST", "/pin", {"is_pinned": None}, "is_pinned"),
    "is_pinned as zero": ("POST", "/pin", {"is_pinned": 0}, "is_pinned"),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", CHANGES)
async def test_a_bad_change_is_named_and_changes_nothing(server: Server, case: str) -> None:
    method, path, body, named = CHANGES[case]
    async with server.client("user-3") as client:
        if (await client.get("/conversations/mine")).status_code == 404:
            assert (await client.post("/chat", json={"id": "mine", "message": "Hello"})).status_code == 200
        before = (await client.get("/conversations/mine")).json()
        error = error_of(await client.request(method, f"/conversations/mine{path}", json=body), 400)
        assert error["message"].startswith(named)
        assert (await client.get("/conversations/mine")).json() == before
