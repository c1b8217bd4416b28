"""Finished answers: the client holds what the server returns."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.clients.client import Client, OpenPage
from tests.clients.compared import same
from tests.clients.conftest import Stored

PLAIN = "Words, Grüße and a\u2028line — all of them."


def part_types(message: dict[str, Any]) -> list[str]:
    return [part["type"] for part in message.get("parts") or message["content"]]


def test_the_client_holds_a_plain_answer_as_it_is_stored(client: Client, open_page: OpenPage, stored: Stored) -> None:
    held = open_page().send("plain")
    assert (held["status"], held["errors"]) == ("ready", [])
    assert held["shown"] == f"user: plainassistant: {PLAIN}"
    assert len(held["messages"]) == 2
    same(client, held["messages"], stored())


def test_the_framing_is_what_the_client_reads(client: Client, open_page: OpenPage) -> None:
    (request,) = open_page().send("plain")["requests"]
    assert (request["status"], request["framing"]) == (200, client.protocol)


def test_a_finished_answer_has_its_reason_and_tokens(client: Client, open_page: OpenPage, stored: Stored) -> None:
    held = open_page().send("too long")
    (finished,) = held["finished"]
    match client.kind:
        case "ai-sdk-4":
            assert finished["finishReason"] == "length"
            assert finished["usage"] == {"promptTokens": 8, "completionTokens": 8, "totalTokens": 16}
        case "assistant-ui":
            assert finished["status"] == {"type": "incomplete", "reason": "length"}
            if client.protocol == "data":
                assert finished["usage"]["inputTokens"] == 8
        case _:
            assert finished["finishReason"] == "length"
            assert held["messages"][-1]["metadata"] == {"usage": {"inputTokens": 8, "outputTokens": 8}}
    same(client, held["messages"], stored())


def test_reasoning_comes_before_the_text(client: Client, open_page: OpenPage, stored: Stored) -> None:
    held = open_page().send("think")
    assert [kind for kind in part_types(held["messages"][-1]) if kind != "step-start"] == ["reasoning", "text"]
    same(client, held["messages"], stored())


def test_two_steps_with_tools_are_one_message(client: Client, open_page: OpenPage, stored: Stored) -> None:
    held = open_page().send("both clocks")
    assert len(held["messages"]) == 2
    assert held["shown"].endswith("Let me look.Oslo is known, the other is not.")
    tool = {"ai-sdk-4": "tool-invocation", "assistant-ui": "tool-call"}.get(client.kind, "tool-get_current_time")
    steps = ["step-start"] if client.kind != "assistant-ui" else []
    assert part_types(held["messages"][-1]) == [*steps, "text", tool, tool, *steps, "text"]
    same(client, held["messages"], stored())


def test_finished_tool_calls_are_not_sent_again(client: Client, open_page: OpenPage) -> None:
    page = open_page(more={"maxSteps": 5} if client.kind == "ai-sdk-4" else {})
    page.send("both clocks")
    held = page.send("plain")
    assert [request["method"] for request in held["requests"]] == ["POST", "POST"]


def test_an_image_is_an_image_in_markdown(
    client: Client, open_page: OpenPage, stored: Stored, http: httpx2.Client
) -> None:
    held = open_page().send("a fox", body={"mode": "image"})
    same(client, held["messages"], stored())
    image = held["shown"].split("assistant: ")[1]
    response = http.get(image.removeprefix("![Generated Image](").removesuffix(")"))
    assert response.headers["content-type"] == "image/png"
    if client.kind != "assistant-ui":
        assert held["data"], "progress reaches the page beside the message"


def test_a_silence_longer_than_the_keep_alive_is_no_event(client: Client, open_page: OpenPage, stored: Stored) -> None:
    held = open_page().send("silent")
    assert held["shown"].endswith("One two three four.")
    assert (held["data"], held["errors"]) == ([], [])
    same(client, held["messages"], stored())


def test_one_turn_follows_another(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    for question in ("plain", "both clocks", "think"):
        held = page.send(question)
    assert len(held["messages"]) == 6
    same(client, held["messages"], stored())
