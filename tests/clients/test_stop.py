"""Stop: the client closes its connection or asks the server. Either way the text stays and the chat continues."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.clients.client import Client, OpenPage, Page, until
from tests.clients.compared import same
from tests.clients.conftest import Stored


def test_the_text_stays_when_the_client_stops(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = answer(open_page)
    page.act("stop")
    held = page.wait(status="ready")
    assert held["errors"] == []
    stored_messages = until(stored, lambda messages: len(messages) == 2)
    # The server may have said a word or two more before it knew.
    said = held["shown"].split("assistant: ")[1]
    assert said.startswith("a1 a2 a3")
    assert text(stored_messages[1]).startswith(said)
    assert "end" not in text(stored_messages[1])
    assert is_incomplete(stored_messages[1])


def test_the_next_question_is_answered_after_a_stop(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = answer(open_page)
    page.act("stop")
    page.wait(status="ready")
    held = page.send("plain")
    assert len(held["messages"]) == 4
    same(client, held["messages"][2:], stored()[2:])


def test_the_servers_stop_ends_the_answer_as_it_is_stored(
    client: Client, open_page: OpenPage, stored: Stored, http: httpx2.Client, conversation_id: str
) -> None:
    page = answer(open_page)
    assert http.post(f"/conversations/{conversation_id}/stop").status_code == 200
    held = page.wait(status="ready")
    assert held["errors"] == []
    assert is_incomplete(stored()[1])
    if client.kind != "assistant-ui":
        assert held["finished"][0]["finishReason"] == "stop"
    same(client, without_ending(held["messages"]), stored(), how_it_ended=False)


def test_the_servers_stop_gives_an_open_call_its_reason_as_a_result(
    client: Client, open_page: OpenPage, stored: Stored, http: httpx2.Client, conversation_id: str
) -> None:
    page = calling(open_page, http, conversation_id)
    http.post(f"/conversations/{conversation_id}/stop")
    held = page.wait(status="ready")
    assert held["errors"] == []
    same(client, without_ending(held["messages"]), stored(), how_it_ended=False)


def test_a_conversation_continues_after_a_stop_within_a_call(
    client: Client, open_page: OpenPage, stored: Stored, http: httpx2.Client, conversation_id: str
) -> None:
    page = calling(open_page, http, conversation_id)
    page.act("stop")
    page.wait(status="ready")
    held = page.send("plain")
    assert held["errors"] == []
    same(client, held["messages"][2:], stored()[2:])


def answer(open_page: OpenPage) -> Page:
    page = open_page()
    page.act("send", text="slowly")
    page.wait(words="a3", settled=False)
    return page


def calling(open_page: OpenPage, http: httpx2.Client, conversation_id: str) -> Page:
    """A page whose answer is within the arguments of a call; one client shows a call when it is whole, so we look."""
    page = open_page()
    page.act("send", text="slow call")
    page.wait(words="Let me look.", settled=False)
    with http.stream("GET", f"/chat/{conversation_id}/stream", params={"protocol": "data"}) as joined:
        next(line for line in joined.iter_lines() if line.startswith("c:"))
    return page


def text(message: dict[str, Any]) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


def is_incomplete(message: dict[str, Any]) -> bool:
    return bool(message.get("annotations") or message.get("metadata", {}).get("incomplete"))


def without_ending(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stream ends with usage and a reason. Only the stored message says that the answer is incomplete."""
    return [{key: value for key, value in message.items() if key != "metadata"} for message in messages]
