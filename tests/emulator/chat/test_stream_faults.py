"""Faults in the middle of an answer: on the wire, in the published client, and unstreamed."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest

from tests.emulator.conftest import Emulate
from tests.harness.emulator import Emulator, read_deltas

OFFSETS = {"check_offset", "start_offset", "end_offset"}


def script(fault: str, text: str = "[one, two, three]") -> str:
    return f"rules: [{{text: {text}, fault: {fault}}}]"


async def client_reads(served: Emulator, within: float = 20) -> tuple[list[str], Exception | None]:
    """The deltas that openai's typed client gives, and what it raises after them."""
    words: list[str] = []
    async with served.v1() as client:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "hi"}], stream=True, timeout=within
        )
        try:
            async for word in read_deltas(stream):
                words += [word]
        except Exception as error:
            return words, error
    return words, None


@pytest.mark.parametrize(("after", "words"), [(0, 0), (2, 2), (99, 3)])
async def test_cut_breaks_the_connection_after_a_number_of_deltas(emulate: Emulate, after: int, words: int) -> None:
    served = emulate(script(f"{{kind: cut, after: {after}}}"))
    stream = await served.stream()
    assert stream.broken
    assert stream.texts == ["one", "two", "three"][:words]
    assert stream.finish == []
    assert not stream.done


async def test_cut_is_a_connection_error_to_the_published_client(emulate: Emulate) -> None:
    served = emulate(script("{kind: cut}"))
    words, error = await client_reads(served)
    assert (words, type(error)) == (["one"], openai.APIConnectionError)
    with pytest.raises(httpx2.RemoteProtocolError):
        await served.chat()


async def test_end_is_silent_to_the_published_client(emulate: Emulate) -> None:
    served = emulate(script("{kind: end, after: 2}"))
    stream = await served.stream()
    assert (stream.broken, stream.texts, stream.finish, stream.done) == (False, ["one", "two"], [], False)
    assert await client_reads(served) == (["one", "two"], None)
    assert _is_broken_json((await served.chat()).content)


async def test_no_done_finishes_without_the_last_line(emulate: Emulate) -> None:
    served = emulate(script("{kind: no_done}"))
    stream = await served.stream()
    assert (stream.broken, stream.texts, stream.finish, stream.done) == (
        False,
        ["one", "two", "three"],
        ["stop"],
        False,
    )
    assert await client_reads(served) == (["one", "two", "three"], None)


async def test_malformed_is_one_broken_event_and_then_the_rest(emulate: Emulate) -> None:
    served = emulate(script("{kind: malformed, after: 1}"))
    blocks = (await served.stream()).blocks
    broken = [at for at, block in enumerate(blocks) if _is_broken_json(block.removeprefix(b"data: "))]
    # prompt filter, role, one delta, the broken event; [DONE] is no JSON either
    assert broken == [3, len(blocks) - 1]
    words, error = await client_reads(served)
    assert (words, type(error)) == (["one"], json.JSONDecodeError)
    assert _is_broken_json((await served.chat()).content)


async def test_error_event_is_an_error_inside_the_stream_which_ends_it(emulate: Emulate) -> None:
    served = emulate(script("{kind: error_event, after: 2}"))
    stream = await served.stream()
    assert stream.documents[-1] == {
        "error": {
            "message": "The server had an error while processing your request. Sorry about that!",
            "type": "server_error",
            "param": None,
            "code": None,
        }
    }
    assert (stream.texts, stream.finish, stream.done, stream.broken) == (["one", "two"], [], False, False)
    words, error = await client_reads(served)
    assert (words, type(error)) == (["one", "two"], openai.APIError)
    assert "error" in (await served.chat()).json()


async def test_stall_is_silence_and_then_goes_on(emulate: Emulate) -> None:
    served = emulate(script("{kind: stall, after: 1, seconds: 0.05}"))
    assert (await served.stream()).texts == ["one", "two", "three"]
    assert (await served.chat()).json()["choices"][0]["message"]["content"] == "onetwothree"


async def test_stall_outlasts_a_client_that_will_not_wait(emulate: Emulate) -> None:
    words, error = await client_reads(emulate(script("{kind: stall, after: 2}")), within=0.3)
    assert (words, type(error)) == (["one", "two"], openai.APITimeoutError)


async def test_answer_filter_finishes_early_and_keeps_what_was_said(emulate: Emulate) -> None:
    served = emulate(script("{kind: answer_filter, after: 2}"))
    stream = await served.stream(stream_options={"include_usage": True})
    assert (stream.texts, stream.finish, stream.done) == (["one", "two"], ["content_filter"], True)
    assert stream.choices[-1]["content_filter_results"]["violence"] == {"filtered": True, "severity": "medium"}
    assert "usage" in stream.documents[-1]
    choice = (await served.chat()).json()["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", None)


async def test_async_filter_judges_later_in_chunks_without_delta(emulate: Emulate) -> None:
    stream = await emulate(script("{kind: async_filter}")).stream()
    assert stream.texts == ["one", "two", "three"]
    assert stream.finish == ["stop"]
    said = [choice for choice in stream.choices if "delta" in choice]
    assert all("content_filter_results" not in choice for choice in said)
    judged = [document for document in stream.documents if document["choices"] and _late(document["choices"][0])]
    assert [(document["id"], document["object"], document["created"]) for document in judged] == [("", "", 0)] * 2
    assert all(document["choices"][0]["content_filter_offsets"].keys() == OFFSETS for document in judged)
    assert judged[-1]["choices"][0]["content_filter_offsets"] == {
        "check_offset": 6,
        "start_offset": 6,
        "end_offset": 11,
    }
    # The last verdict comes after the finish.
    assert _late(stream.choices[-1])
    assert stream.choices[-2]["finish_reason"] == "stop"


async def test_async_filter_can_block_after_the_stop(emulate: Emulate) -> None:
    served = emulate(script("{kind: async_filter, block: true}"))
    stream = await served.stream()
    assert (stream.texts, stream.finish, stream.done) == (["one", "two", "three"], ["stop", "content_filter"], True)
    assert await client_reads(served) == (["one", "two", "three"], None)
    assert (await served.chat()).json()["choices"][0]["finish_reason"] == "content_filter"


async def test_filter_down_has_an_error_in_place_of_the_verdict(emulate: Emulate) -> None:
    served = emulate(script("{kind: filter_down}"))
    stream = await served.stream()
    down = {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
    said = [choice for choice in stream.choices if choice["delta"].get("content")]
    assert [choice["content_filter_result"] for choice in said] == [down] * 3
    assert all("content_filter_results" not in choice for choice in said)
    assert (stream.finish, stream.done) == (["stop"], True)
    assert (await served.chat()).json()["choices"][0]["content_filter_result"] == down


async def test_a_fault_alone_changes_the_default_answer(emulate: Emulate) -> None:
    stream = await emulate("rules: [{when: hi, fault: {kind: cut, after: 3}}]").stream("hi you")
    assert (stream.texts, stream.broken) == (["You", " said:", " hi"], True)


async def test_a_cut_can_fall_into_the_arguments_of_a_tool_call(emulate: Emulate) -> None:
    served = emulate(
        "rules: [{tool_calls: [{name: f, arguments: {a: 12345678}}], fragment: 2, fault: {kind: cut, after: 2}}]"
    )
    stream = await served.stream()
    fragments = [call["function"]["arguments"] for choice in stream.choices for call in choice["delta"]["tool_calls"]]
    assert (fragments, stream.broken) == (["", '{"', 'a"'], True)


def _late(choice: dict[str, Any]) -> bool:
    return "content_filter_offsets" in choice and "delta" not in choice


def _is_broken_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except json.JSONDecodeError:
        return True
    return False
