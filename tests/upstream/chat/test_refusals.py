"""What engines refuse is learned, in their own words, and the next turn works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mockbackend.errors import RequestRefused, UnsupportedForm, UnsupportedParameter
from mockbackend.messages import Message
from mockbackend.upstream.chat.fitting import fitted, plain
from mockbackend.upstream.learned import Learned
from tests.conftest import StartServer
from tests.harness.answers import Answer, chat
from tests.harness.api import data_url, png, say
from tests.harness.raw_model import ANSWER, STREAM, Piece, RawUpstream, choice, event, refusal
from tests.harness.strictest import check_request
from tests.upstream.chat.histories import histories, sent_of
from tests.upstream.conftest import Unlearned
from tests.upstream.refusals import FORMS, IMAGES, PARAMETERS, Row, failure_of

CALL = {"index": 0, "id": "call_1", "function": {"name": "get_current_time", "arguments": '{"timezone": "UTC"}'}}
SETTINGS = {
    "SYSTEM_PROMPT": "Be kind.",
    "CHAT_TEMPERATURE": "0.5",
    "CHAT_MAX_TOKENS": "500",
    "CHAT_REASONING_EFFORT": "low",
}
# As DeepSeek, Gemini and Ollama would together.
CALLING = (
    STREAM,
    event(choice({"reasoning_content": "I look"})),
    event(choice({"tool_calls": [{**CALL, "extra_content": {"google": {"thought_signature": "c2ln"}}}]})),
    event(choice({}, "tool_calls")),
)
BARE = (STREAM, event(choice({"tool_calls": [CALL]})), event(choice({}, "tool_calls")))
PICTURE = {
    "role": "user",
    "content": [
        {"type": "text", "text": "See?"},
        {"type": "image_url", "image_url": {"url": data_url(png(), "image/png")}},
    ],
}


def no(row: Row) -> tuple[Piece, ...]:
    """The refusal of a row."""
    return refusal(row.status, row.body) if row.status != 200 else (STREAM, event(row.body))


def engine(row: Row) -> Any:
    """An engine that refuses as the row does, and calls a tool at the word `call`."""

    def reply(body: dict[str, Any]) -> tuple[Piece, ...]:
        if row.concerns(body):
            return no(row)
        asks = body["messages"][-1]["role"] == "user" and str(body["messages"][-1]["content"]).endswith("call")
        return (BARE if row.wants_more else CALLING) if asks and "tools" in body else ANSWER

    return reply


@pytest.mark.sampled(3)
@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.name)
async def test_a_parameter_is_left_out_once_it_was_refused(unlearned: Unlearned, row: Row) -> None:
    async with unlearned(engine(row), SETTINGS) as (upstream, client):
        answers = [await say(client, "one"), await say(client, "two")]
    assert [(answer.text, answer.errors) for answer in answers] == [("fine", [])] * 2
    assert [row.concerns(body) for body in upstream.bodies] == [True, False, False], "it is remembered"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("row", FORMS, ids=lambda row: row.name)
async def test_a_form_that_was_refused_is_avoided_and_the_next_turn_works(unlearned: Unlearned, row: Row) -> None:
    async with unlearned(engine(row), SETTINGS) as (upstream, client):
        first = await say(client, "call")
        if row.name == "Groq's lists":
            first = await chat(client, {"message": WITH_A_FILE})
        assert first.errors == []
        refused = len(upstream.bodies)
        again = await say(client, "and now?", first.conversation_id)
    assert (again.text, again.errors) == ("fine", [])
    assert any(row.concerns(body) for body in upstream.bodies), "the row concerns nothing that was sent"
    assert len(upstream.bodies) == refused + 1


FILE = {"name": "a.txt", "contentType": "text/plain", "url": data_url(b"Hi", "text/plain")}
WITH_A_FILE = {"role": "user", "content": "Read", "experimental_attachments": [FILE]}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("row", IMAGES, ids=lambda row: f"{row.name}-{row.status}")
async def test_a_model_without_eyes_says_so_and_later_turns_go_on(unlearned: Unlearned, row: Row) -> None:
    async with unlearned(engine(row)) as (upstream, client):
        first = await chat(client, {"messages": [PICTURE]})
        assert "takes no images" in first.errors[0]
        later = await say(client, "Never mind", first.conversation_id)
        assert (later.text, later.errors) == ("fine", [])
        second = await chat(client, {"messages": [PICTURE]})
        assert second.errors == first.errors
    assert len(upstream.bodies) == 2, "it is not asked again"
    assert "which you cannot see" in str(upstream.bodies[-1])


async def test_what_an_engine_puts_on_a_call_and_its_reasoning_are_sent_back(unlearned: Unlearned) -> None:
    def reply(body: dict[str, Any]) -> tuple[Piece, ...]:
        return CALLING if body["messages"][-1]["role"] == "user" and "call" in str(body["messages"][-1]) else ANSWER

    async with unlearned(reply) as (upstream, client):
        first = await say(client, "call")
        await say(client, "later", first.conversation_id)
        shown = await client.get(f"/conversations/{first.conversation_id}")
    assert "thought_signature" not in shown.text
    for body in upstream.bodies[-2:]:
        sent = next(message for message in body["messages"] if "tool_calls" in message)
        assert sent["reasoning_content"] == "I look"
        assert sent["tool_calls"] == [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "get_current_time", "arguments": '{"timezone":"UTC"}'},
                "extra_content": {"google": {"thought_signature": "c2ln"}},
            }
        ]


async def _ask_twice(client: httpx2.AsyncClient) -> tuple[Answer, Answer]:
    """Two turns of one conversation."""
    first = await say(client, "one")
    return first, await say(client, "two", first.conversation_id)


# What an engine may dislike, in words that nobody knows.
ODD: dict[str, Callable[[dict[str, Any]], bool]] = {
    "tools": lambda body: "tools" in body,
    "a system message": lambda body: body["messages"][0]["role"] == "system",
    "a parameter": lambda body: "temperature" in body,
    "the count of tokens": lambda body: "stream_options" in body,
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("odd", ODD)
async def test_every_turn_works_though_the_engine_says_not_what_it_refuses(unlearned: Unlearned, odd: str) -> None:
    def reply(body: dict[str, Any]) -> tuple[Piece, ...]:
        refused = ODD[odd](body) or len(body["messages"]) > 1
        return refusal(400, {"error": {"message": "No."}}) if refused else ANSWER

    env = {"SYSTEM_PROMPT": "Be kind.", "CHAT_TEMPERATURE": "0.5"}
    async with unlearned(reply, env) as (upstream, client):
        first, second = await _ask_twice(client)
    assert [(answer.text, answer.errors) for answer in (first, second)] == [("fine", [])] * 2
    assert (first.values("2"), second.values("2")) == ([], [[{"type": "context", "leftOut": 2}]])
    assert len(upstream.bodies) == 2 + 3
    assert "Be kind." in upstream.bodies[1]["messages"][0]["content"]


async def test_an_engine_that_refuses_every_form_is_asked_a_few_times_only(start_server: StartServer) -> None:
    with RawUpstream(lambda body: refusal(400, {"error": {"message": "Never, by rule 7."}})) as upstream:
        server = start_server(upstream.settings)
        async with server.client() as client:
            answers = await _ask_twice(client)
    assert server.log.count("refused every form of the request: Never, by rule 7.") == 2
    assert all("reason in the log" in answer.errors[0] for answer in answers)
    assert len(upstream.bodies) == 2 + 3


async def test_a_refusal_that_repeats_what_people_said_is_not_in_the_log(start_server: StartServer) -> None:
    def reply(body: dict[str, Any]) -> tuple[Piece, ...]:
        return refusal(400, {"error": {"message": f"Not this: {body['messages'][-1]['content']}"}})

    with RawUpstream(reply) as upstream:
        server = start_server(upstream.settings)
        async with server.client() as client:
            for words in ("secret", "a longer secret of mine"):
                assert "reason in the log" in (await say(client, words)).errors[0]
    assert "secret" not in server.log
    assert "a message of " in server.log


ROWS = [*PARAMETERS, *FORMS, *IMAGES]
# No engine refuses what it wants.
CONTRARY = [
    ({"DeepSeek", "Kimi"}, {"Mistral's fields", "Groq's fields"}),
    ({"Gemini's signatures"}, {"a call's field"}),
]
assert {name for pair in CONTRARY for names in pair for name in names} <= {row.name for row in FORMS}


@given(histories, st.lists(st.sampled_from(ROWS), max_size=4, unique_by=lambda row: (row.name, row.status)))
def test_any_history_and_any_refusals_lead_to_a_request_that_is_taken(history: list[Message], rows: list[Row]) -> None:
    names = {row.name for row in rows if row in FORMS}
    assume(not any(names & wanting and names & refusing for wanting, refusing in CONTRARY))
    question: Message = {"id": "q", "role": "user", "turn": "q", "at": 0, "parts": [{"type": "text", "text": "Hi"}]}
    messages = asyncio.run(sent_of([*history, question], ["Be kind."]))
    optional = {
        "temperature": 1,
        "max_completion_tokens": 5,
        "reasoning_effort": "low",
        "tools": [],
        "stream_options": {},
    }
    body = {"messages": messages, "stream": True, **optional}
    learned = Learned()
    for _ in range(3 * len(rows) + 1):
        request = fitted(body, learned)
        check_request(request)
        refused = next((row for row in rows if row.concerns(request)), None)
        if refused is None:
            return
        found = failure_of(refused)
        assert isinstance(found, RequestRefused), refused.name
        assert learned.add(found, request), f"{refused.name}: nothing is learned of {found}"
    raise AssertionError(f"refused for ever: {[row.name for row in rows]}")


@given(histories)
def test_any_history_can_be_said_plainly(history: list[Message]) -> None:
    messages = asyncio.run(sent_of(history, ["Be kind."]))
    said = plain({"messages": messages, "stream": True, "tools": []})
    check_request(said)
    assert said.keys() == {"messages", "stream"}
    assert {message["role"] for message in said["messages"]} <= {"user", "assistant"}
    assert all(isinstance(message["content"], str) for message in said["messages"])


def test_a_value_that_a_user_chose_for_an_image_is_not_left_out_for_all() -> None:
    learned = Learned()
    refused = failure_of(Row("images", 400, {"error": {"message": "Invalid size. It must be 1024x1024."}}, bool))
    assert isinstance(refused, RequestRefused)
    assert learned.add(refused, {"prompt": "a fox", "size": "9x9"}) is None
    assert learned.without({"size": "9x9"}) == {"size": "9x9"}


def test_an_images_value_that_is_named_as_unsupported_is_not_left_out_for_all() -> None:
    error = {"message": "Unsupported value: 'size' does not support '9x9'.", "code": "unsupported_value"}
    refused = failure_of(Row("images", 400, {"error": {**error, "param": "size"}}, bool))
    assert isinstance(refused, RequestRefused)
    assert Learned().add(refused, {"prompt": "a fox", "size": "9x9"}) is None
    assert Learned().add(refused, {"messages": [], "size": "9x9"}) == "size"


@pytest.mark.parametrize(
    "said",
    [
        "Image type image/gif is not supported",
        "Model does not support image format GIF",
        "image_url: base64 not supported",
    ],
)
def test_one_odd_picture_makes_no_model_blind(said: str) -> None:
    learned = Learned()
    refused = failure_of(Row("picture", 400, {"error": {"message": said}}, bool))
    assert isinstance(refused, RequestRefused)
    assert learned.add(refused, {"messages": [PICTURE]}) is None
    assert learned.forms == set()


def test_a_refused_name_leaves_the_functions_theirs() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    calling = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "1", "content": "x"}
    body = {"messages": [{"role": "user", "content": "Hi"}, calling, result]}
    learned = Learned(forms={"unnamed results"})
    assert learned.add(UnsupportedParameter("name"), body) is None
    assert learned.add(UnsupportedParameter("name"), fitted(body, learned)) == "name"
    assert fitted(body, learned)["messages"][1:] == [calling, result]


def test_a_blind_model_is_not_shown_an_image() -> None:
    learned = Learned(forms={"images"})
    with pytest.raises(UnsupportedForm):
        fitted({"messages": [PICTURE]}, learned)
