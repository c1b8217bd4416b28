"""Ids in paths and queries."""

from __future__ import annotations

import httpx2
import pytest

from tests.harness.api import error_of


@pytest.mark.parametrize("bad", ["a%0Ab", "a%00", "%FF", "a%20b", "x" * 257, "%C3%A4", "a%5Cb"])
async def test_a_bad_id_in_the_path_is_named(client: httpx2.AsyncClient, bad: str) -> None:
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/pin"), ("POST", "/stop")):
        response = await client.request(method, f"/conversations/{bad}{path}", json={"title": "a", "is_pinned": True})
        assert error_of(response, 400)["message"].startswith("id ")
    assert error_of(await client.get(f"/chat/{bad}/stream"), 400)["message"].startswith("id ")
    assert error_of(await client.get(f"/chat?chatId={bad}"), 400)["message"].startswith("chatId ")


async def test_a_join_without_an_id_is_refused(client: httpx2.AsyncClient) -> None:
    assert error_of(await client.get("/chat"), 400)["message"].startswith("chatId")
