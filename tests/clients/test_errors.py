"""Failed answers: their text stays, the error is readable, and the conversation continues."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from tests.clients.client import LOGIN, Client, OpenPage, until
from tests.clients.compared import same
from tests.clients.conftest import Stored


def test_a_wrong_login_is_an_error_that_the_page_can_read(
    client: Client, open_page: OpenPage, http: httpx2.Client, conversation_id: str
) -> None:
    page = open_page(headers={**LOGIN, "authorization": "Basic bm86bm8="})
    page.act("send", text="plain")
    held = page.wait(status="error")
    body = held["error"].removeprefix("Status 401: ")
    assert json.loads(body)["error"]["code"] == "unauthorized"
    assert http.get(f"/conversations/{conversation_id}").status_code == 404


def test_a_refusal_of_the_model_before_its_first_word_is_shown(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    held = failed(open_page, "refused")
    assert "key" in held["error"].lower()
    assert held["shown"].endswith("assistant: ")
    same(client, held["messages"], ended(stored), how_it_ended=False)


def test_the_text_before_a_break_stays(client: Client, open_page: OpenPage, stored: Stored) -> None:
    held = failed(open_page, "breaks off")
    assert held["shown"].endswith("assistant: One two three")
    assert "again" in held["error"]
    stored_messages = ended(stored)
    same(client, held["messages"], stored_messages, how_it_ended=False)
    if client.protocol == "data":
        (mark,) = stored_messages[-1]["annotations"]
        assert mark == {"type": "incomplete", "error": mark["error"]}
    else:
        mark = stored_messages[-1]["metadata"]
        assert mark["incomplete"] is True
    assert mark["error"] in held["error"]


def test_a_failed_answer_can_be_retried(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.act("send", text=f"once, {client.name}")
    page.wait(status="error")
    page.act("regenerate")
    held = page.wait(status="ready")
    assert held["shown"].endswith(f"You said: once, {client.name}")
    assert len(held["messages"]) == 2
    same(client, held["messages"], stored())


def test_the_next_question_is_answered_after_a_failure(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.act("send", text="breaks off")
    page.wait(status="error")
    held = page.send("plain")
    assert len(held["messages"]) == 4
    same(client, held["messages"][2:], stored()[2:])


def failed(open_page: OpenPage, question: str) -> dict[str, Any]:
    page = open_page()
    page.act("send", text=question)
    return page.wait(status="error")


def ended(stored: Stored) -> list[dict[str, Any]]:
    """The stored messages once the answer is among them: a client stops reading at the error, before the turn's end."""
    stored_messages: list[dict[str, Any]] = until(stored, lambda messages: len(messages) == 2)
    return stored_messages
