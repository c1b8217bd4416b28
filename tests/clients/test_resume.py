"""Reload: a running answer is joined from its beginning, and without one nothing happens."""

from __future__ import annotations

import pytest

from tests.clients.client import Client, OpenPage
from tests.clients.compared import same
from tests.clients.conftest import Stored


@pytest.fixture
def client(resuming: Client) -> Client:
    """Those that join a running answer."""
    return resuming


def test_a_running_answer_is_joined_after_a_reload(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.send("plain")
    page.act("send", text="slowly", body={"resumable": True})
    page.wait(words="a5", settled=False)
    page.leave()
    before = stored()
    assert len(before) == 3, "the running answer is left out"
    page = open_page(messages=before, resume=True)
    page.wait(words="a5 a6", settled=False)
    held = page.wait(words="d9 end", status="ready")
    assert (len(held["messages"]), held["errors"]) == (4, [])
    same(client, held["messages"], stored())


def test_a_conversation_continues_after_a_join(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.act("send", text="slowly", body={"resumable": True})
    page.wait(words="a3", settled=False)
    page.leave()
    page = open_page(messages=stored(), resume=True)
    page.wait(words="d9 end", status="ready")
    held = page.send("plain")
    assert len(held["messages"]) == 4
    same(client, held["messages"], stored())


def test_a_page_with_nothing_to_resume_stays_as_it_is(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.send("both clocks")
    page.leave()
    before = stored()
    page = open_page(messages=before, resume=True)
    held = page.wait(responses=2, status="ready")
    assert [request["method"] for request in held["requests"]] == ["POST", "GET"]
    assert held["errors"] == []
    same(client, held["messages"], before)


def test_a_new_page_has_nothing_to_resume_and_can_begin(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page(resume=True)
    held = page.wait(responses=1, status="ready")
    assert (held["messages"], held["errors"]) == ([], [])
    held = page.send("plain")
    same(client, held["messages"], stored())
