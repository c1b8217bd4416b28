"""The conversations: their list and its pages, search, rename, pin, delete."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.conftest import StartServer
from tests.routes.api import data_url, error_of, png, say
from tests.running import Server, chat

KEYS = {"id", "title", "is_pinned", "created_at", "updated_at", "message_count"}


@pytest.fixture
async def client(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a user of its own."""
    async with server.client(request.node.name) as client:
        yield client


def told(server: Server, userid: str, texts: list[tuple[str, str]], pinned: tuple[str, ...] = ()) -> None:
    """Say these texts in these conversations."""
    headers = {"userid": userid}
    with httpx2.Client(base_url=server.url, auth=server.auth, headers=headers, trust_env=False) as client:
        for conversation_id, text in texts:
            assert client.post("/chat", json={"id": conversation_id, "message": text}).status_code == 200
        for conversation_id in pinned:
            client.post(f"/conversations/{conversation_id}/pin", json={"is_pinned": True})


@pytest.fixture(scope="module")
def shelf(server: Server) -> str:
    """A user who has 7 conversations, `c0` the oldest, of which `c2` and `c4` are pinned."""
    told(server, "shelf", [(f"c{number}", f"Number {number}") for number in range(7)], pinned=("c2", "c4"))
    return "shelf"


async def listed(client: httpx2.AsyncClient, **query: Any) -> list[str]:
    response = await client.get("/conversations", params=query)
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()]


async def test_a_row_is_what_front_ends_list(client: httpx2.AsyncClient) -> None:
    before = time.time_ns() // 1_000_000
    answer = await say(client, "Hello, world")
    after = time.time_ns() // 1_000_000
    (row,) = (await client.get("/conversations")).json()
    assert set(row) == KEYS
    assert row["id"] == answer.conversation_id
    assert (row["title"], row["is_pinned"], row["message_count"]) == ("Hello, world", False, 2)
    assert before <= row["created_at"] <= row["updated_at"] <= after
    assert type(row["created_at"]) is type(row["updated_at"]) is int
    read = (await client.get(f"/conversations/{row['id']}")).json()
    assert {key: value for key, value in read.items() if key != "messages"} == row


async def test_pinned_ones_come_first_and_then_the_newest(server: Server, shelf: str) -> None:
    async with server.client(shelf) as client:
        assert await listed(client) == ["c4", "c2", "c6", "c5", "c3", "c1", "c0"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
async def test_pages_are_followed_by_their_links(server: Server, shelf: str, limit: int) -> None:
    async with server.client(shelf) as client:
        found: list[str] = []
        url: str | None = f"/conversations?limit={limit}"
        while url:
            response = await client.get(url)
            rows = response.json()
            assert 1 <= len(rows) <= limit
            found += [row["id"] for row in rows]
            url = response.links["next"]["url"] if "link" in response.headers else None
            assert url is None or url.startswith("/conversations?")
        assert found == ["c4", "c2", "c6", "c5", "c3", "c1", "c0"]


async def test_a_link_keeps_the_search(server: Server, shelf: str) -> None:
    async with server.client(shelf) as client:
        first = await client.get("/conversations", params={"q": "Number", "limit": "5"})
        second = await client.get(first.links["next"]["url"])
        assert [row["id"] for row in second.json()] == ["c1", "c0"]
        assert "link" not in second.headers
        assert "limit=5" in first.links["next"]["url"]
        assert "q=Number" in first.links["next"]["url"]


async def test_a_page_stands_though_a_newer_conversation_came(client: httpx2.AsyncClient) -> None:
    for number in range(4):
        await say(client, "Hello", f"page-{number}")
    first = await client.get("/conversations?limit=2")
    await say(client, "Hello", "page-4")
    await say(client, "Hello", "page-0")
    second = await client.get(first.links["next"]["url"])
    assert [row["id"] for row in first.json()] == ["page-3", "page-2"]
    assert [row["id"] for row in second.json()] == ["page-1"]


LIMITS = ["0", "-1", "201", "x", "", "1.5", "١", "1e2", "99999999999999999999"]


@pytest.mark.parametrize("limit", LIMITS)
async def test_a_limit_that_is_none_is_named(client: httpx2.AsyncClient, limit: str) -> None:
    assert error_of(await client.get("/conversations", params={"limit": limit}), 400)["message"].startswith("limit")


CURSORS = ["x", "", "W10=", "bnVsbA==", "WzEsMiwzXQ==", "WzEsMiwzLDRd", "ä", "W3RydWUsMWUzMDAsIngiXQ=="]


@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_cursor_that_is_none_is_named(client: httpx2.AsyncClient, cursor: str) -> None:
    assert error_of(await client.get("/conversations", params={"cursor": cursor}), 400)["message"].startswith("cursor")


async def test_a_search_that_is_too_long_is_named(client: httpx2.AsyncClient) -> None:
    assert error_of(await client.get("/conversations", params={"q": "x" * 1001}), 400)["message"].startswith("q ")
    assert await listed(client, q="x" * 1000) == []


# What is said, and searches that find it or do not.
SAID = "Die Größe der Straße beträgt 100% (siehe a_b\\c) — ÉTÉ 東京 İstanbul"
FOUND = [
    *("Größe", "GRÖSSE", "grösse", "größe", "STRASSE", "straße", "100%", "a_b", "b\\c", "été", "Été", "東京", "京"),
    *("  Größe  ", "der Straße", "DIE GR", "(", "—", "i̇stanbul"),
]
NOT_FOUND = ["Grösze", "100_", "a%b", "a.b", "aXb", "%Größe", "%%", "grosse", "*", "Größe  der", "'", '"', "\\\\"]


@pytest.fixture(scope="module")
def searched(server: Server) -> str:
    """A user with one conversation that says it, and one that does not."""
    told(server, "searched", [("said", "An opening"), ("said", SAID), ("unsaid", "Something else")])
    return "searched"


@pytest.mark.parametrize("query", FOUND)
async def test_a_search_finds_what_was_said(server: Server, searched: str, query: str) -> None:
    async with server.client(searched) as client:
        assert await listed(client, q=query) == ["said"]


@pytest.mark.parametrize("query", NOT_FOUND)
async def test_a_search_finds_nothing_that_was_not_said(server: Server, searched: str, query: str) -> None:
    async with server.client(searched) as client:
        assert await listed(client, q=query) == []


async def test_an_empty_search_is_none(server: Server, searched: str) -> None:
    async with server.client(searched) as client:
        assert await listed(client, q="") == await listed(client, q=" ") == ["unsaid", "said"]


async def test_answers_are_searched_too(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Hello")
    assert answer.text == "You said: Hello"
    assert await listed(client, q="you SAID") == [answer.conversation_id]


async def test_titles_are_searched_also_when_renamed(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Hello")
    await client.patch(f"/conversations/{answer.conversation_id}", json={"title": "Über 50%"})
    assert await listed(client, q="ÜBER 50%") == [answer.conversation_id]
    assert await listed(client, q="50_") == []


async def test_what_was_replaced_is_found_no_more(client: httpx2.AsyncClient) -> None:
    whole = {"id": "edited", "messages": [{"role": "user", "content": "Walrus", "parts": []}]}
    await chat(client, whole)
    await say(client, "Penguin", "edited")
    assert await listed(client, q="penguin") == ["edited"]
    edited = {"id": "edited", "messages": [{"role": "user", "parts": [{"type": "text", "text": "Ostrich"}]}]}
    assert (await chat(client, edited)).status == 200
    assert await listed(client, q="ostrich") == ["edited"]
    assert await listed(client, q="penguin") == []


async def test_a_conversation_moves_up_when_it_goes_on(client: httpx2.AsyncClient) -> None:
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
async def test_a_title_is_the_first_messages_opening_words(client: httpx2.AsyncClient, text: str) -> None:
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


async def test_patch_pins_and_renames_at_once(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Hello")
    path = f"/conversations/{answer.conversation_id}"
    row = (await client.patch(path, json={"title": "A", "is_pinned": True, "id": "other"})).json()
    assert (row["title"], row["is_pinned"], row["id"]) == ("A", True, answer.conversation_id)
    row = (await client.patch(path, json={"is_pinned": False})).json()
    assert (row["title"], row["is_pinned"]) == ("A", False)


async def test_pinning_twice_is_pinning_once(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Hello")
    path = f"/conversations/{answer.conversation_id}/pin"
    rows = [(await client.post(path, json={"is_pinned": pin})).json() for pin in (True, True, False, False)]
    assert [row["is_pinned"] for row in rows] == [True, True, False, False]
    assert len({row["updated_at"] for row in rows}) == 1
    assert all(set(row) == KEYS for row in rows)


async def test_what_is_deleted_is_gone_with_its_pictures(client: httpx2.AsyncClient, server: Server) -> None:
    attachment = {"name": "a.png", "contentType": "image/png", "url": data_url(png(), "image/png")}
    message = {"role": "user", "content": "Look", "experimental_attachments": [attachment]}
    await chat(client, {"id": "gone", "messages": [message]})
    made = await chat(client, {"id": "gone", "mode": "image", "message": "A walrus"})
    await say(client, "Kept", "kept")
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
    assert await listed(client) == ["kept"]
    assert await listed(client, q="walrus") == []


async def test_an_id_that_was_deleted_may_begin_anew(client: httpx2.AsyncClient) -> None:
    await say(client, "Before", "again")
    await client.delete("/conversations/again")
    await say(client, "After", "again")
    messages = (await client.get("/conversations/again")).json()["messages"]
    assert [message["content"] for message in messages] == ["After", "You said: After"]
    async with httpx2.AsyncClient(base_url=client.base_url, auth=("u", "p"), trust_env=False) as stranger:
        stranger.headers["userid"] = "a stranger"
        error_of(await stranger.get("/conversations/again"), 404)


IDS = ["x", "x" * 256, "a.b", "...", "a-b_c~d", "9f1c", "a%b", "a?b#c", "!$&'()*+,;=:@", "{id}", '"<>^`|']


@pytest.mark.parametrize("conversation_id", IDS)
async def test_an_id_of_a_clients_own_is_kept(server: Server, client: httpx2.AsyncClient, conversation_id: str) -> None:
    answer = await say(client, "Hello", conversation_id)
    assert answer.conversation_id == conversation_id
    encoded = "".join(f"%{byte:02X}" for byte in conversation_id.encode())
    assert (await client.get(f"/conversations/{encoded}")).json()["id"] == conversation_id
    assert (await client.delete(f"/conversations/{encoded}")).status_code == 204


async def test_a_conversation_of_no_id_gets_a_new_uuid(client: httpx2.AsyncClient) -> None:
    ids = {(await say(client, "Hello")).conversation_id for _ in range(2)}
    assert len(ids) == 2
    assert all(len(one) == 36 and one.count("-") == 4 for one in ids)


async def test_either_key_names_the_conversation(client: httpx2.AsyncClient) -> None:
    await chat(client, {"conversation_id": "named", "message": "One"})
    await chat(client, {"id": "named", "conversation_id": "ignored", "message": "Two"})
    await chat(client, {"id": None, "conversation_id": "named", "message": "Three"})
    assert await listed(client) == ["named"]


async def test_a_conversation_that_is_full_takes_no_more(start_server: StartServer) -> None:
    server = start_server({"MAX_CONVERSATION_MESSAGES": "4"})
    async with server.client() as client:
        for text in ("One", "Two"):
            await say(client, text, "full")
        answer = await chat(client, {"id": "full", "message": "Three"})
        assert answer.status == 422
        assert answer.json()["error"]["message"] == "This conversation is full. Please begin a new one."
        (row,) = (await client.get("/conversations")).json()
        assert row["message_count"] == 4
