"""Regenerate, edit, and going on with a conversation that was loaded: the server's history is the client's."""

from __future__ import annotations

from tests.clients.client import Client, OpenPage
from tests.clients.compared import initial, same
from tests.clients.conftest import Stored


def test_an_answer_is_given_anew_in_its_place(client: Client, open_page: OpenPage, stored: Stored) -> None:
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


def test_a_loaded_conversation_is_what_was_held_and_goes_on(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
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


def test_a_loaded_conversation_is_edited_and_answered_anew(client: Client, open_page: OpenPage, stored: Stored) -> None:
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
