"""What engines send, in all the shapes that their own clients take."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbackend.upstream.chat.finish import REASONS, finish_reason
from mockbackend.upstream.chat.text import Halves
from tests.harness.answers import Answer, chat, text_of
from tests.harness.api import stored
from tests.harness.raw_model import (
    DOCUMENT,
    DONE,
    STOP,
    STREAM,
    Piece,
    RawUpstream,
    calls,
    choice,
    event,
    words,
)
from tests.harness.service import Server

FUNCTION = {"name": "get_current_time", "arguments": '{"timezone": "UTC"}'}
UTC = {"index": 0, "id": "c", "function": FUNCTION}


def _delta(**delta: Any) -> bytes:
    return event(choice(delta))


def _as(media_type: bytes) -> bytes:
    return STREAM.replace(b"text/event-stream", media_type)


def _document(value: Any) -> tuple[bytes, ...]:
    body = orjson.dumps(value)
    return (DOCUMENT % len(body) + body,)


THINKING = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]
WHOLE = (words("Hello"), STOP, DONE)
# What is read: words, and what was thought.
SAID: dict[str, tuple[tuple[Piece, ...], str, str]] = {
    "parts": (
        (
            STREAM,
            _delta(content=THINKING),
            _delta(content=[{"type": "text", "text": "Hi"}]),
            _delta(content=[{"type": "reference", "reference_ids": [1]}]),
            STOP,
            DONE,
        ),
        "Hi",
        "Hm",
    ),
    "thinking beside words": ((STREAM, _delta(content="Hi", reasoning_content="Hm"), STOP), "Hi", "Hm"),
    "thinking as reasoning": ((STREAM, _delta(reasoning="Hm"), words("Hi"), STOP), "Hi", "Hm"),
    "details of reasoning": (
        (STREAM, _delta(reasoning_details=[{"type": "reasoning.text", "text": "Hm", "index": 0}]), words("Hi"), STOP),
        "Hi",
        "Hm",
    ),
    "a heartbeat": ((STREAM, words("one "), b"data:\n\n", b"data: \n\n", words("two"), STOP, DONE), "one two", ""),
    "a comment": ((STREAM, b": OPENROUTER PROCESSING\n\n", words("one "), b":\n\n", words("two"), STOP), "one two", ""),
    "halves": (
        (
            STREAM,
            b'data: {"choices": [{"delta": {"content": "a\\ud83d"}}]}\n\n',
            b'data: {"choices": [{"delta": {"content": "\\ude00b"}}]}\n\n',
            STOP,
        ),
        "a😀b",
        "",
    ),
    "a half at the end": (
        (STREAM, b'data: {"choices": [{"delta": {"content": "a\\ud83d"}}]}\n\n', STOP, DONE),
        "a\ufffd",
        "",
    ),
    "a half within": (
        (STREAM, b'data: {"choices": [{"delta": {"content": "a\\ude00b"}}]}\n\n', STOP, DONE),
        "a\ufffdb",
        "",
    ),
    "NaN": ((STREAM, b'data: {"choices": [{"delta": {"content": "Hi"}, "logprobs": NaN}]}\n\n', STOP), "Hi", ""),
    "bytes that are not UTF-8": (
        (STREAM, b'data: {"choices": [{"delta": {"content": "a\xffb"}}]}\n\n', STOP),
        "a\ufffdb",
        "",
    ),
    "Text/Event-Stream": ((_as(b"Text/Event-Stream"), *WHOLE), "Hello", ""),
    "application/octet-stream": ((_as(b"application/octet-stream"), *WHOLE), "Hello", ""),
    "text/plain": ((_as(b"text/plain; charset=utf-8"), *WHOLE), "Hello", ""),
    "application/json": ((_as(b"application/json"), b": wait\n\n", *WHOLE), "Hello", ""),
    "application/x-ndjson": ((_as(b"application/x-ndjson"), b"\n\nevent: x\n", *WHOLE), "Hello", ""),
    "no media type": ((STREAM.replace(b"content-type: text/event-stream\r\n", b""), *WHOLE), "Hello", ""),
    "a mark": ((STREAM, b"\xef\xbb\xbf", *WHOLE), "Hello", ""),
    "carriage returns": ((STREAM, *(piece.replace(b"\n", b"\r") for piece in WHOLE)), "Hello", ""),
    "an event in two lines": (
        (STREAM, b'data: {"choices": [{"delta":\ndata: {"content": "Hi"}}]}\n\n', STOP),
        "Hi",
        "",
    ),
    "a whole answer": (
        _document({"choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}),
        "Hi",
        "",
    ),
    "a message, no delta": (
        (STREAM, event({"choices": [{"delta": None, "message": {"content": "Hi"}, "finish_reason": None}]}), STOP),
        "Hi",
        "",
    ),
    "the message again": (
        (
            STREAM,
            words("Hi"),
            event({"choices": [{"delta": {}, "message": {"content": "Hi"}, "finish_reason": "stop"}]}),
        ),
        "Hi",
        "",
    ),
    "a text": ((STREAM, event({"choices": [{"text": "Hi", "finish_reason": None}]}), STOP), "Hi", ""),
    "odd parts": (
        (
            STREAM,
            _delta(content=[None, {"type": None, "text": "Hi"}]),
            _delta(content={"type": "text", "text": "!"}),
            STOP,
        ),
        "Hi!",
        "",
    ),
    "counts that are none": (
        (STREAM, words("Hi"), event({"choices": [], "usage": {"prompt_tokens": "12", "completion_tokens": -1}}), STOP),
        "Hi",
        "",
    ),
    "spaces around the end": ((STREAM, words("Hi"), STOP, b"data:  [DONE] \n\n"), "Hi", ""),
    "a refusal": ((STREAM, _delta(content=None, refusal="No."), STOP), "No.", ""),
}
END = {"end_turn": "stop", "STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content-filter", "tool_use": "length"}
# How a call may come.
CALLED: dict[str, tuple[bytes, ...]] = {
    **{
        f"call, then {reason}": (calls(UTC), event(choice({}, reason)))
        for reason in ("end_turn", "STOP", "tool_use", "eos")
    },
    "an object": (
        calls({"index": 0, "id": "c", "function": {"name": "get_current_time", "arguments": {"timezone": "UTC"}}}),
        event(choice({}, "tool_calls")),
    ),
    "a number as id": (calls({**UTC, "id": 7}), event(choice({}, "tool_calls"))),
    "the old way": (_delta(function_call=UTC["function"]), event(choice({}, "function_call"))),
    "no list": (event(choice({"tool_calls": UTC})), event(choice({}, "tool_calls"))),
    "a name in pieces, with empty arguments": (
        calls({"index": 0, "id": "c", "function": {"name": "get_", "arguments": ""}}),
        calls({"index": 0, "function": {"name": "current_time", "arguments": ""}}),
        calls({"index": 0, "function": {"arguments": '{"timezone": "UTC"}'}}),
        event(choice({}, "tool_calls")),
    ),
    "no function": (calls({"index": 0, "id": "c", **FUNCTION}), event(choice({}, "tool_calls"))),
    "blanks around the name": (
        calls({**UTC, "function": {**FUNCTION, "name": " get_current_time\n"}}),
        event(choice({}, "tool_calls")),
    ),
    "in a message beside an empty delta": (
        event({"choices": [{"delta": {}, "message": {"tool_calls": [UTC]}, "finish_reason": "tool_calls"}]}),
    ),
    "with its end": (event(choice({"tool_calls": [UTC]}, "tool_calls")),),
}
FAILED: dict[str, tuple[bytes, ...]] = {
    "error on the top": (event({"error": {"message": "x", "code": 502}}),),
    "error in a choice": (
        event({"choices": [{"delta": {}, "finish_reason": None, "error": {"code": 502, "message": "x"}}]}),
    ),
    "error in a delta": (_delta(content="", error={"code": 502, "message": "x"}), STOP, DONE),
    "error as a finish": (event(choice({"content": ""}, "error")), DONE),
    "error as another finish": (event(choice({}, "network_error")), DONE),
    "error itself": (event({"object": "error", "message": "x", "type": "InternalServerError", "code": 500}),),
    "error of a type": (event({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}),),
    "error with its name": (b'event: error\ndata: {"message": "x"}\n\n',),
    "error in a list": (event([{"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}}]),),
}
HUGE = "huge"


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    replies: dict[str, tuple[Piece, ...]] = {name: pieces for name, (pieces, _, _) in SAID.items()}
    replies |= {f"ends with {reason}": (STREAM, words("Hi"), event(choice({}, reason)), DONE) for reason in END}
    replies |= {name: (STREAM, *pieces) for name, pieces in CALLED.items()}
    replies |= {
        f"{name}, {when}": (STREAM, *before, *pieces) for name, pieces in FAILED.items() for when, before in WHEN
    }
    replies[HUGE] = (STREAM, words("One "), b'data: {"choices": "', *[b"x" * 1_000_000] * 200, b'"}\n\n')
    with RawUpstream(replies) as running:
        yield running


WHEN: list[tuple[str, tuple[bytes, ...]]] = [("first", ()), ("then", (words("One "),))]


@pytest.fixture(scope="module")
def server(upstream: RawUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # The upstream answers a prompt with the same call for ever.
    env = {"AGENT_MAX_STEPS": "2", "UPSTREAM_MAX_TRIES": "1"}
    with Server(tmp_path_factory.mktemp("reader"), {**upstream.settings, **env}) as running:
        yield running


async def _ask(server: Server, prompt: str) -> tuple[Answer, dict[str, Any]]:
    async with server.client() as client:
        answer = await chat(client, {"message": prompt})
        _, said = await stored(client, answer.conversation_id)
    return answer, said


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", SAID)
async def test_an_answer_is_read_in_any_shape(server: Server, name: str) -> None:
    _, text, thought = SAID[name]
    answer, said = await _ask(server, name)
    assert (text_of(answer.lines), "".join(answer.values("g")), answer.errors) == (text, thought, [])
    assert answer.values("d")[0]["finishReason"] == "stop"
    assert (said["content"], said.get("reasoning", "")) == (text, thought)
    if thought:
        assert answer.codes.index("g") < answer.codes.index("0")


@pytest.mark.parametrize("reason", END)
async def test_an_answer_ends_for_a_reason_of_any_spelling(server: Server, reason: str) -> None:
    answer, _ = await _ask(server, f"ends with {reason}")
    assert (answer.text, answer.errors) == ("Hi", [])
    assert answer.values("d")[0]["finishReason"] == END[reason]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", CALLED)
async def test_a_call_runs_in_any_shape(server: Server, upstream: RawUpstream, name: str) -> None:
    answer, _ = await _ask(server, name)
    first = answer.values("a")[0]
    assert first["result"]["timezone"] == "UTC"
    assert answer.values("9")[0]["args"] == {"timezone": "UTC"}
    assert upstream.count(name) == 2
    assert answer.values("9")[0]["toolCallId"] == "7" or name != "a number as id"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("when", [name for name, _ in WHEN])
@pytest.mark.parametrize("name", FAILED)
async def test_an_error_ends_the_answer_wherever_it_is(server: Server, name: str, when: str) -> None:
    answer, said = await _ask(server, f"{name}, {when}")
    assert answer.codes.endswith("3ed")
    assert answer.values("d")[0]["finishReason"] == "error"
    assert said["content"] == answer.text == ("One " if when == "then" else "")


async def test_an_event_of_200_megabytes_ends_in_words(server: Server) -> None:
    before = _memory(server)
    answer, _ = await _ask(server, HUGE)
    assert (answer.text, "an invalid response" in answer.errors[0]) == ("One ", True)
    assert _memory(server) - before < 80_000_000


def _memory(server: Server) -> int:
    """The most that it has held so far, in bytes."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@given(st.text(st.characters()), st.data())
def test_halves_are_whole_wherever_they_are_cut(text: str, data: st.DataObject) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(units) // 2), max_size=5)))
    halves = Halves()
    places = [2 * cut for cut in (0, *cuts, len(units) // 2)]
    pieces = [units[start:end].decode("utf-16-le", "surrogatepass") for start, end in pairwise(places)]
    whole = "".join(halves.whole(piece) for piece in pieces) + halves.end()
    assert whole == units.decode("utf-16-le", "replace")


def test_every_reason_is_read_in_any_spelling() -> None:
    for word, reason in REASONS.items():
        assert finish_reason(word.upper()) == finish_reason(f" {word.replace('_', '-')} ") == reason
    assert finish_reason({"type": "stop", "matched": 1}) == "stop"
    assert finish_reason("function_call_filter: MALFORMED_FUNCTION_CALL") == "error"
    assert finish_reason(3) == finish_reason("eos") == "other"
