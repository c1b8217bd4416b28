"""The list of messages that goes out is one that the strictest chat template takes, whatever came before."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.messages import Message
from mockbackend.upstream.chat.alternation import NO_ANSWER, NO_QUESTION
from tests.harness.answers import chat
from tests.harness.api import say
from tests.harness.emulator import Rule
from tests.harness.strictest import check_request, refusals
from tests.harness.world import World, start_world
from tests.upstream.chat.histories import histories, sent_of


@given(histories, st.lists(st.sampled_from(["", " ", "Be kind.", "Rhyme."]), max_size=3))
def test_the_strictest_template_takes_any_history(history: list[Message], systems: list[str]) -> None:
    messages = asyncio.run(sent_of(history, systems))
    check_request({"messages": messages})
    assert messages[0]["role"] == ("system" if "".join(systems).strip() else "user")


@given(histories)
def test_nothing_that_was_said_is_left_out(history: list[Message]) -> None:
    refused = {message["turn"] for message in history if message.get("refused")}
    said = [
        part["text"]
        for message in history
        if message["turn"] not in refused
        for part in message["parts"]
        if part["type"] == "text" and part["text"].strip()
    ]
    sent = str([message["content"] for message in asyncio.run(sent_of(history))])
    assert all(repr(text)[1:-1] in sent for text in said)


@given(histories, st.sets(st.integers(0, 7)))
def test_what_was_kept_of_a_history_is_what_would_be_sent_without(history: list[Message], places: set[int]) -> None:
    sent = asyncio.run(sent_of(history, ["Be kind."], keep=places))
    check_request({"messages": sent})
    # An answer to a question without words goes on with the one before: what was filled in there may stay. And a turn
    # begins with a question that was not refused yet.
    asked = [one for one in history if one["role"] == "user"]
    if all(one.get("refused") or _asks(one) for one in asked) and not (asked and asked[-1].get("refused")):
        assert sent == asyncio.run(sent_of(history, ["Be kind."]))


def _asks(message: Message) -> bool:
    return any(part["type"] != "text" or part["text"].strip() for part in message["parts"])


def _user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def _call(*ids: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": "{}"}
    calls = [{"id": call_id, "type": "function", "function": function} for call_id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _result(call_id: str, content: str = "done") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


ANSWER = {"role": "assistant", "content": "Hello"}
SYSTEM = {"role": "system", "content": "Be kind."}
REFUSED: list[list[Any]] = [
    [],
    [SYSTEM],
    [SYSTEM, SYSTEM, _user("Hi")],
    [_user("Hi"), ANSWER, SYSTEM, _user("Hi")],
    [_user("Hi"), _user("Hi")],
    [ANSWER, _user("Hi")],
    [_user("Hi"), ANSWER],
    [_user("Hi"), ANSWER, ANSWER, _user("Hi")],
    [_user("")],
    [_user(" \n")],
    [_user([])],
    [_user([{"type": "text", "text": ""}])],
    [_user("Hi"), {"role": "assistant", "content": None}, _user("Hi")],
    [_user("Hi"), _call("a"), _user("Hi")],
    [_user("Hi"), _call("a", "b"), _result("a")],
    [_user("Hi"), _call("a"), _result("b")],
    [_user("Hi"), _call("a"), _result("a", "")],
    [_user("Hi"), _call("a"), _result("a"), _user("Hi")],
    [_user("Hi"), _call("a", "a"), _result("a"), _result("a")],
    [_user("Hi"), {**ANSWER, "tool_calls": []}, _user("Hi")],
    [{"role": "developer", "content": "Be kind."}, _user("Hi")],
]


@pytest.mark.parametrize("messages", REFUSED)
def test_the_checker_refuses_what_a_template_refuses(messages: list[Any]) -> None:
    assert refusals({"messages": messages})


def test_the_checker_takes_what_every_template_takes() -> None:
    check_request({"messages": [SYSTEM, _user("Hi"), _call("a", "b"), _result("b"), _result("a"), ANSWER, _user("Hi")]})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    rules: list[Rule] = [
        {"when": {"equals": "fail"}, "fault": {"kind": "status", "status": 401}},
        {
            "when": {"equals": "fail after the tool"},
            "steps": [
                {"tool_calls": [{"name": "get_current_time", "arguments": {}}]},
                {"fault": {"kind": "status", "status": 401}},
            ],
        },
    ]
    with start_world(tmp_path_factory.mktemp("turns"), rules, {"SYSTEM_PROMPT": "A"}) as both:
        yield both


async def test_roles_alternate_after_answers_that_failed(running: World) -> None:
    async with running.server.client() as client:
        first = await say(client, "fail", system="B")
        await say(client, "fail after the tool", first.conversation_id)
        assert (await say(client, "and now", first.conversation_id, system="B")).errors == []
    (sent,) = running.emulator.asked("and now")
    assert sent["messages"][0] == {"role": "system", "content": "A\n\nB"}
    assert [(message["role"], message["content"]) for message in sent["messages"][1:4]] == [
        ("user", "fail"),
        ("assistant", NO_ANSWER),
        ("user", "fail after the tool"),
    ]
    assert [message["role"] for message in sent["messages"][4:]] == ["assistant", "tool", "assistant", "user"]


async def test_a_list_of_any_shape_is_put_in_turn(running: World) -> None:
    said = [
        {"role": "assistant", "content": "Welcome."},
        {"role": "assistant", "content": "What shall it be?"},
        {"role": "user", "content": "one"},
        {"role": "user", "content": "  "},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "three"},
    ]
    async with running.server.client() as client:
        assert (await chat(client, {"messages": said})).errors == []
    (sent,) = running.emulator.asked("three")
    assert [message["content"] for message in sent["messages"][1:]] == [
        NO_QUESTION,
        "Welcome.\n\nWhat shall it be?",
        "one",
        NO_ANSWER,
        "two",
        NO_ANSWER,
        "three",
    ]
