"""The bytes of a chat stream, key by key as Azure's documented answers have them."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from tests.emulator.conftest import Emulate
from tests.harness.emulator import Emulator, tool

SAFE = b'{"filtered":false,"severity":"safe"}'
F = b'{"hate":%b,"self_harm":%b,"sexual":%b,"violence":%b}' % ((SAFE,) * 4)
J = b'{"hate":%b,"jailbreak":{"filtered":false,"detected":false},"self_harm":%b,"sexual":%b,"violence":%b}' % (
    (SAFE,) * 4
)
PROMPT = (
    b'data: {"choices":[],"created":0,"id":"","model":"","object":"",'
    b'"prompt_filter_results":[{"prompt_index":0,"content_filter_results":%b}]}' % J
)
USAGE = (
    b'"usage":{"completion_tokens":4,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,'
    b'"reasoning_tokens":0,"rejected_prediction_tokens":0},"prompt_tokens":7,'
    b'"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":0},"total_tokens":11}'
)


def chunk(choice: bytes, first: dict[str, Any], more: bytes = b"") -> bytes:
    """A chunk of that answer; `first` is any chunk of it, for what differs each time."""
    return b'data: {"choices":[%b],"created":%d,"id":"%b","model":"%b","object":"chat.completion.chunk",%b}' % (
        choice,
        first["created"],
        first["id"].encode(),
        first["model"].encode(),
        b'"system_fingerprint":"%b"' % first["system_fingerprint"].encode() + more,
    )


def choice(delta: bytes, judged: bytes = b"{}", finish: bytes = b"null") -> bytes:
    return b'{"content_filter_results":%b,"delta":%b,"finish_reason":%b,"index":0,"logprobs":null}' % (
        judged,
        delta,
        finish,
    )


async def test_a_text_answer_is_byte_for_byte_azures_stream(plain: Emulator) -> None:
    stream = await plain.stream("hi ö", stream_options={"include_usage": True})
    first = stream.documents[1]
    assert first["id"].startswith("chatcmpl-")
    assert first["system_fingerprint"].startswith("fp_")
    assert first["model"] == "gpt-4o-2025-08-07"
    assert stream.blocks == [
        PROMPT,
        chunk(choice(b'{"content":"","refusal":null,"role":"assistant"}'), first),
        chunk(choice(b'{"content":"You"}', F), first),
        chunk(choice(b'{"content":" said:"}', F), first),
        chunk(choice(b'{"content":" hi"}', F), first),
        chunk(choice(b'{"content":" \xc3\xb6"}', F), first),
        chunk(choice(b"{}", finish=b'"stop"'), first),
        chunk(b"", first, b"," + USAGE),
        b"data: [DONE]",
    ]


async def test_a_tool_call_begins_in_the_role_chunk_and_goes_on_by_index_alone(emulate: Emulate) -> None:
    served = emulate(
        "rules: [{tool_calls: [{name: f, arguments: '{\"a\":1}', id: call_1}, {name: g, id: call_2}], fragment: 4}]"
    )
    stream = await served.stream()
    first = stream.documents[1]
    assert stream.blocks[1:-1] == [
        chunk(
            choice(
                b'{"content":null,"role":"assistant","tool_calls":'
                b'[{"function":{"arguments":"","name":"f"},"id":"call_1","index":0,"type":"function"}]}'
            ),
            first,
        ),
        chunk(choice(b'{"tool_calls":[{"function":{"arguments":"{\\"a\\""},"index":0}]}'), first),
        chunk(choice(b'{"tool_calls":[{"function":{"arguments":":1}"},"index":0}]}'), first),
        chunk(
            choice(
                b'{"tool_calls":[{"function":{"arguments":"","name":"g"},"id":"call_2","index":1,"type":"function"}]}'
            ),
            first,
        ),
        chunk(choice(b'{"tool_calls":[{"function":{"arguments":"{}"},"index":1}]}'), first),
        chunk(choice(b"{}", finish=b'"tool_calls"'), first),
    ]


async def test_text_before_a_tool_call_keeps_the_role_chunk_of_a_text(emulate: Emulate) -> None:
    served = emulate("rules: [{text: [Look], reasoning: [Hm], tool_calls: [{name: f}]}]")
    deltas = [item["delta"] for item in (await served.stream()).choices]
    assert deltas[:3] == [
        {"content": "", "refusal": None, "role": "assistant"},
        {"reasoning_content": "Hm"},
        {"content": "Look"},
    ]
    assert deltas[3].keys() == {"tool_calls"}
    assert deltas[3]["tool_calls"][0].keys() == {"function", "id", "index", "type"}


async def test_no_usage_chunk_comes_unless_it_is_asked_for(plain: Emulator) -> None:
    for options in (None, {"include_usage": False}):
        stream = await plain.stream(stream_options=options)
        assert [bool(document["choices"]) for document in stream.documents].count(False) == 1
        assert b'"usage"' not in stream.raw
        assert stream.done


async def test_each_delta_is_sent_by_itself(plain: Emulator) -> None:
    """Seen in the chunked body: as many chunks as events."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "one two three"}], "stream": True}
    raw = await _exchange(plain, orjson.dumps(body))
    sizes = [line for line in raw.split(b"\r\n") if line and all(byte in b"0123456789abcdefABCDEF" for byte in line)]
    # prompt filter, role, five words, finish, [DONE], and the end
    assert len(sizes) == 1 + 1 + 5 + 1 + 1 + 1


@pytest.mark.parametrize("streamed", [True, False])
async def test_every_answer_has_azures_headers(plain: Emulator, streamed: bool) -> None:
    headers = (await plain.stream()).headers if streamed else (await plain.chat()).headers
    expected = {"x-request-id", "apim-request-id", "x-ms-region"}
    expected |= {
        f"x-ratelimit-{what}-{unit}" for what in ("limit", "remaining", "reset") for unit in ("requests", "tokens")
    }
    assert expected <= set(headers)
    assert headers["content-type"] == ("text/event-stream; charset=utf-8" if streamed else "application/json")


async def test_a_whole_answer_has_azures_keys_in_azures_order(plain: Emulator) -> None:
    raw = (await plain.chat("hi ö")).content
    document = orjson.loads(raw)
    assert raw == (
        b'{"choices":[{"content_filter_results":%b,"finish_reason":"stop","index":0,"logprobs":null,'
        b'"message":{"content":"You said: hi \xc3\xb6","refusal":null,"role":"assistant"}}],"created":%d,"id":"%b",'
        b'"model":"gpt-4o-2025-08-07","object":"chat.completion",'
        b'"prompt_filter_results":[{"prompt_index":0,"content_filter_results":%b}],"system_fingerprint":"%b",%b}'
        % (F, document["created"], document["id"].encode(), J, document["system_fingerprint"].encode(), USAGE)
    )


async def test_a_whole_tool_call_has_null_content(plain: Emulator) -> None:
    answer = (await plain.chat("what time is it?", tools=[tool("get_current_time")])).json()["choices"][0]
    assert answer["finish_reason"] == "tool_calls"
    assert answer["message"]["content"] is None
    (call,) = answer["message"]["tool_calls"]
    assert list(call) == ["function", "id", "type"]
    assert call["function"] == {"arguments": '{"timezone":"UTC"}', "name": "get_current_time"}


async def _exchange(served: Emulator, body: bytes) -> bytes:
    """One request on a socket of its own, the answer as its raw bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\napi-key: k\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )
    raw = await reader.read()
    writer.close()
    await writer.wait_closed()
    return raw
