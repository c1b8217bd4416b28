"""The list of conversations: order, pages, search."""

from __future__ import annotations

import time

import httpx2
import pytest

from tests.harness.answers import chat
from tests.harness.api import error_of, listed, say
from tests.harness.http_client import PLAIN
from tests.harness.service import Server

KEYS = {"id", "title", "is_pinned", "created_at", "updated_at", "message_count"}


def converse(server: Server, userid: str, texts: list[tuple[str, str]], pinned: tuple[str, ...] = ()) -> None:
    """Say these texts in these conversations."""
    headers = {"userid": userid}
    with httpx2.Client(base_url=server.url, auth=server.auth, headers=headers, **PLAIN) as client:
        for conversation_id, text in texts:
            assert client.post("/chat", json={"id": conversation_id, "message": text}).status_code == 200
        for conversation_id in pinned:
            client.post(f"/conversations/{conversation_id}/pin", json={"is_pinned": True})


@pytest.fixture(scope="module")
def shelf(server: Server) -> str:
    """A user who has 7 conversations, `c0` the oldest, of which `c2` and `c4` are pinned."""
    converse(server, "shelf", [(f"c{number}", f"Number {number}") for number in range(7)], pinned=("c2", "c4"))
    return "shelf"


async def test_a_row_has_what_front_ends_list(client: httpx2.AsyncClient) -> None:
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


async def test_pinned_conversations_come_first_then_the_newest(server: Server, shelf: str) -> None:
    async with server.client(shelf) as client:
        assert await listed(client) == ["c4", "c2", "c6", "c5", "c3", "c1", "c0"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
async def test_the_link_of_a_page_leads_to_the_next(server: Server, shelf: str, limit: int) -> None:
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


async def test_a_new_conversation_does_not_shift_the_pages(client: httpx2.AsyncClient) -> None:
    for number in range(4):
        await say(client, "Hello", f"page-{number}")
    first = await client.get("/conversations?limit=2")
    await say(client, "Hello", "page-4")
    await say(client, "Hello", "page-0")
    second = await client.get(first.links["next"]["url"])
    assert [row["id"] for row in first.json()] == ["page-3", "page-2"]
    assert [row["id"] for row in second.json()] == ["page-1"]


LIMITS = ["0", "-1", "201", "x", "", "1.5", "١", "1e2", "99999999999999999999", "0000000050000000", "1" + "0" * 5000]


@pytest.mark.parametrize("limit", LIMITS)
async def test_an_invalid_limit_is_named(client: httpx2.AsyncClient, limit: str) -> None:
    assert error_of(await client.get("/conversations", params={"limit": limit}), 400)["message"].startswith("limit")


CURSORS = ["x", "", "W10=", "bnVsbA==", "WzEsMiwzXQ==", "WzEsMiwzLDRd", "ä", "W3RydWUsMWUzMDAsIngiXQ=="]


@pytest.mark.parametrize("cursor", CURSORS)
async def test_an_invalid_cursor_is_named(client: httpx2.AsyncClient, cursor: str) -> None:
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
    converse(server, "searched", [("said", "An opening"), ("said", SAID), ("unsaid", "Something else")])
    return "searched"


@pytest.mark.parametrize("query", FOUND)
async def test_a_search_finds_what_was_said(server: Server, searched: str, query: str) -> None:
    async with server.client(searched) as client:
        assert await listed(client, q=query) == ["said"]


@pytest.mark.parametrize("query", NOT_FOUND)
async def test_a_search_does_not_find_what_was_not_said(server: Server, searched: str, query: str) -> None:
    async with server.client(searched) as client:
        assert await listed(client, q=query) == []


async def test_an_empty_search_lists_everything(server: Server, searched: str) -> None:
    async with server.client(searched) as client:
        assert await listed(client, q="") == await listed(client, q=" ") == ["unsaid", "said"]


async def test_answers_are_searched_too(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Hello")
    assert answer.text == "You said: Hello"
    assert await listed(client, q="you SAID") == [answer.conversation_id]


async def test_titles_are_searched_even_after_renaming(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Hello")
    await client.patch(f"/conversations/{answer.conversation_id}", json={"title": "Über 50%"})
    assert await listed(client, q="ÜBER 50%") == [answer.conversation_id]
    assert await listed(client, q="50_") == []


async def test_replaced_messages_are_no_longer_found(client: httpx2.AsyncClient) -> None:
    whole = {"id": "edited", "messages": [{"role": "user", "content": "Walrus", "parts": []}]}
    await chat(client, whole)
    await say(client, "Penguin", "edited")
    assert await listed(client, q="penguin") == ["edited"]
    edited = {"id": "edited", "messages": [{"role": "user", "parts": [{"type": "text", "text": "Ostrich"}]}]}
    assert (await chat(client, edited)).status == 200
    assert await listed(client, q="ostrich") == ["edited"]
    assert await listed(client, q="penguin") == []
