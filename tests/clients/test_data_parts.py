"""Data parts: each client has what is kept as its own kind of client does, and hears what is transient once."""

from __future__ import annotations

from typing import Any

from tests.clients.client import Client, OpenPage
from tests.clients.compared import initial, same
from tests.clients.conftest import Stored

FIRST: dict[str, Any] = {"type": "data-chart", "id": "c1", "data": {"points": [1]}}
NOTE: dict[str, Any] = {"type": "data-note", "id": "n1", "data": None}
LAST: dict[str, Any] = {"type": "data-chart", "id": "c1", "data": {"points": [1, 2]}}
PASSING: dict[str, Any] = {"type": "data-status", "id": "s1", "data": "half way"}


def kept(client: Client, message: dict[str, Any]) -> list[Any]:
    """The data parts that a message of this client has."""
    match client.kind:
        case "ai-sdk-4":
            return list(message.get("annotations", []))
        case "assistant-ui":
            return list(message["metadata"]["unstable_annotations"])
    return [part for part in message["parts"] if part["type"].startswith("data-")]


def test_what_is_kept_is_part_of_the_message(client: Client, open_page: OpenPage) -> None:
    held = open_page().send("a chart")
    assert (held["status"], held["errors"]) == ("ready", [])
    assert held["shown"].endswith("Here it is.")
    parts = kept(client, held["messages"][-1])
    match client.kind, client.protocol:
        case "assistant-ui", "ui":
            # It has no ids, and keeps all that was shown.
            shown = [{"name": one["type"].removeprefix("data-"), "data": one["data"]} for one in (FIRST, NOTE, LAST)]
            assert held["messages"][-1]["metadata"]["unstable_data"] == shown
        case _, "data":
            assert parts == [FIRST, NOTE, LAST]
        case _:
            assert parts == [LAST, NOTE]


def test_what_is_transient_is_heard_and_not_kept(client: Client, open_page: OpenPage) -> None:
    held = open_page().send("a chart")
    heard = held["data"]
    match client.kind, client.protocol:
        case "ai-sdk-4", _:
            assert heard == [PASSING]
        case "assistant-ui", "data":
            assert held["messages"][-1]["metadata"]["unstable_data"] == [PASSING]
        case "assistant-ui", _:
            assert [one["name"] for one in heard] == ["chart", "note", "status", "chart"]
            assert heard[2] == {"type": "data-status", "name": "status", "data": "half way", "transient": True}
        case _:
            assert heard == [FIRST, NOTE, {**PASSING, "transient": True}, LAST]


def test_a_page_that_is_opened_again_has_the_last_of_each(client: Client, open_page: OpenPage, stored: Stored) -> None:
    first = open_page()
    first.send("a chart")
    first.leave()
    page = open_page(initial(client, stored()))
    held = page.held()
    if client.kind != "assistant-ui":
        assert kept(client, held["messages"][-1]) == [LAST, NOTE]
    held = page.send("plain")
    assert (held["status"], held["errors"]) == ("ready", [])
    assert [request["status"] for request in held["requests"]] == [200, 200]


def test_the_client_holds_an_answer_with_data_as_it_is_stored(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    held = open_page().send("a chart")
    messages = held["messages"]
    if client.kind == "ai-sdk-4":
        # It has all that was shown of an id.
        last = {(one["type"], one["id"]): one for one in messages[-1]["annotations"]}
        messages = [*messages[:-1], {**messages[-1], "annotations": list(last.values())}]
    same(client, messages, stored())
