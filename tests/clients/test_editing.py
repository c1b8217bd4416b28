"""Regenerating, editing, and continuing a loaded conversation: client and server hold the same history."""

from __future__ import annotations

from tests.clients.client import Client, OpenPage
from tests.clients.compared import initial, same
from tests.clients.conftest import Stored


def test_an_answer_is_regenerated_in_its_place(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.send("plain")
    page.send("think")
    before = stored()
    page.act("regenerate")
    held = page.wait(status="ready")
    assert len(held["messages"]) == 4
    same(client, held["messages"], stored())
    assert [one["id"] for one in stored()[:3]] == [one["id"] for one in before[:3]]
    assert stored()[3]["id"] != before[3]["id"]


def test_an_edited_question_replaces_what_followed(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.send("plain")
    page.send("both clocks")
    page.act("edit", index=0, text="think")
    held = page.wait(status="ready")
    assert held["shown"] == "user: thinkassistant: It is so."
    assert len(held["messages"]) == 2
    same(client, held["messages"], stored())


def test_a_last_question_is_edited_and_the_first_stays(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.send("plain")
    page.send("both clocks")
    page.act("edit", index=2, text="think")
    held = page.wait(status="ready")
    assert held["shown"].endswith("user: thinkassistant: It is so.")
    same(client, held["messages"], stored())


def test_a_question_that_is_asked_twice_is_two_turns(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.send("plain")
    held = page.send("plain")
    assert len(held["messages"]) == 4
    same(client, held["messages"], stored())


def test_a_loaded_conversation_is_the_same_and_continues(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.send("both clocks")
    page.send("think")
    page.leave()
    before = stored()
    page = open_page(messages=initial(client, before))
    same(client, page.wait(status="ready")["messages"], before)
    held = page.send("plain")
    assert (len(held["messages"]), held["errors"]) == (6, [])
    same(client, held["messages"], stored())
    assert stored()[:4] == before


def test_a_loaded_conversation_can_be_edited(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.send("both clocks")
    page.send("plain")
    page.leave()
    page = open_page(messages=initial(client, stored()))
    page.wait(status="ready")
    page.act("edit", index=2, text="think")
    page.wait(status="ready")
    page.act("regenerate")
    held = page.wait(status="ready")
    assert len(held["messages"]) == 4
    same(client, held["messages"], stored())
