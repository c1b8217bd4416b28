"""The shapes and refusals of other engines, as `dialect` has them: those that are recorded in tests/upstream."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from tests.emulator.conftest import Emulate
from tests.harness.emulator import HI, Emulator

RULES = [
    {"when": "call", "reasoning": ["Hm", "."], "tool_calls": [{"name": "f", "arguments": {"a": 1}}]},
    {"when": "cut", "text": ["one", " two"], "fault": {"kind": "cut", "after": 1}},
    {"when": "fail", "text": ["one", " two"], "fault": {"kind": "error_event", "after": 1}},
    {"when": "filter", "text": "fine", "fault": {"kind": "async_filter", "block": True}},
    {"when": "limit", "fault": {"kind": "status", "status": 429, "retry_after": 3}},
    {"when": "own", "fault": {"kind": "status", "status": 503, "message": "Come back.", "code": "full"}},
    {"when": "broken", "fault": {"kind": "error_200"}},
    {"when": "long", "fault": {"kind": "context_length"}},
    {"when": "refuse", "fault": {"kind": "refuse", "parameter": "temperature"}},
    {"reasoning": ["Hm", "."], "text": ["Hi", " there"]},
]
CALL = {"id": "D681PevKs", "function": {"name": "f", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": "", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "D681PevKs", "content": "1"}
ANSWERED = {"role": "assistant", "content": "Hello."}


@pytest.fixture
def mistral(emulate: Emulate) -> Emulator:
    return emulate(orjson.dumps({"dialect": "mistral", "rules": RULES}).decode())


@pytest.fixture
def vllm(emulate: Emulate) -> Emulator:
    return emulate(orjson.dumps({"dialect": "vllm", "rules": RULES}).decode())


async def ask(served: Emulator, status: int, messages: Any = HI, **body: Any) -> dict[str, Any]:
    response = await served.post("chat/completions", "gpt-4o", {"messages": messages, **body})
    assert response.status_code == status, response.text
    assert not {name for name in response.headers if name.startswith(("apim", "x-"))}
    assert "content_filter" not in response.text
    found: dict[str, Any] = response.json()
    return found


async def test_mistral_streams_content_in_parts_and_its_usage_unasked(mistral: Emulator) -> None:
    stream = await mistral.stream()
    deltas = [choice["delta"]["content"] for choice in stream.choices]
    thinking = [[{"type": "thinking", "thinking": [{"type": "text", "text": text}]}] for text in ("Hm", ".")]
    assert deltas == ["", *thinking, *([{"type": "text", "text": text}] for text in ("Hi", " there")), ""]
    assert stream.finish == ["stop"]
    assert stream.documents[-1]["usage"].keys() == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert stream.documents[0]["model"] == "gpt-4o"
    assert stream.done
    assert b"content_filter" not in stream.raw
    assert "apim-request-id" not in stream.headers


async def test_mistral_sends_a_call_whole_in_the_last_chunk_with_an_id_of_nine_characters(mistral: Emulator) -> None:
    last = (await mistral.stream("call")).choices[-1]
    (call,) = last["delta"]["tool_calls"]
    assert re.fullmatch("[a-zA-Z0-9]{9}", call["id"])
    assert call["function"] == {"name": "f", "arguments": '{"a":1}'}
    assert last["finish_reason"] == "tool_calls"
    (whole,) = (await ask(mistral, 200, [{"role": "user", "content": "call"}]))["choices"]
    assert re.fullmatch("[a-zA-Z0-9]{9}", whole["message"]["tool_calls"][0]["id"])
    assert whole["finish_reason"] == "tool_calls"


async def test_mistral_answers_whole_in_the_same_parts(mistral: Emulator) -> None:
    choices = (await ask(mistral, 200, n=2))["choices"]
    assert [choice["message"]["content"] for choice in choices] == [
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
            {"type": "text", "text": "Hi there"},
        ]
    ] * 2
    limited = await ask(mistral, 200, max_tokens=1)
    assert limited["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"stream": True, "stream_options": {"include_usage": True}}, [["body", "stream_options"]]),
        ({"max_completion_tokens": 5, "seed": 1}, [["body", "max_completion_tokens"], ["body", "seed"]]),
        (
            {"messages": [*HI, {**ANSWERED, "reasoning_content": "Hm."}, *HI]},
            [["body", "messages", 1, "assistant", "reasoning_content"]],
        ),
    ],
)
async def test_mistral_names_each_place_that_it_does_not_know(mistral: Emulator, body: Any, places: Any) -> None:
    refused = await ask(mistral, 422, **{"messages": HI, **body})
    detail = refused["message"]["detail"]
    assert [one["loc"] for one in detail] == places
    assert {one["type"] for one in detail} == {"extra_forbidden"}


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([*HI, *HI], "roles must alternate"),
        ([*HI, ANSWERED, ANSWERED, *HI], "roles must alternate"),
        ([*HI, CALLING, RESULT, *HI], "Unexpected role 'user' after role 'tool'"),
        ([*HI, RESULT], "Unexpected role 'tool' after role 'user'"),
        ([*HI, ANSWERED, {"role": "system", "content": "x"}, *HI], "Unexpected role 'system' after role 'assistant'"),
        ([*HI, ANSWERED], "Expected last role User or Tool"),
    ],
)
async def test_mistral_refuses_roles_out_of_order(mistral: Emulator, messages: Any, words: str) -> None:
    refused = await ask(mistral, 400, messages)
    assert words in refused["message"]
    assert (refused["type"], refused["code"]) == ("invalid_request_message_order", "3230")


async def test_mistral_takes_a_history_that_is_as_it_wants_it(mistral: Emulator) -> None:
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Hello."}]
    system = {"role": "system", "content": "Be kind."}
    called = [*HI, CALLING, RESULT]
    await ask(mistral, 200, [system, *called, {"role": "assistant", "content": thought}, *HI], random_seed=1)
    await ask(mistral, 200, [system, *called])
    await ask(mistral, 200, [*HI, {**ANSWERED, "prefix": True}])


async def test_mistral_refuses_ids_of_another_length(mistral: Emulator) -> None:
    call = {**CALLING, "tool_calls": [{**CALL, "id": "call_1"}]}
    refused = await ask(mistral, 400, [*HI, call, {**RESULT, "tool_call_id": "call_1"}])
    assert (refused["code"], refused["message"]) == (
        "3280",
        "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.",
    )


LONG = [{"role": "user", "content": "word " * 110_000}]


async def test_a_long_context_is_refused_in_the_engines_words(mistral: Emulator, vllm: Emulator) -> None:
    refused = await ask(mistral, 400, LONG)
    assert refused["code"] == "3051"
    words = r"Prompt contains \d{6} tokens and 0 draft tokens, too large for model with 128000 maximum context length"
    assert re.fullmatch(words, refused["message"])
    refused = await ask(vllm, 400, LONG)
    assert re.fullmatch(
        r"This model's maximum context length is 128000 tokens. However, your request has \d{6} input tokens. "
        "Please reduce the length of the input messages.",
        refused["message"],
    )


@pytest.mark.parametrize(
    ("prompt", "status", "in_mistral", "in_vllm"),
    [
        ("limit", 429, ("rate_limited", "Rate limit exceeded"), ("Too Many Requests", "Too Many Requests")),
        ("own", 503, ("service_unavailable", "Come back."), ("Service Unavailable", "Come back.")),
        ("broken", 200, ("internal_server_error", "Internal server error"), ("InternalServerError", "had an error")),
        ("long", 400, ("invalid_request_prompt", "131072 tokens"), ("BadRequestError", "131072 input tokens")),
    ],
)
async def test_faults_have_the_engines_shape(
    mistral: Emulator, vllm: Emulator, prompt: str, status: int, in_mistral: Any, in_vllm: Any
) -> None:
    for served, (kind, words) in ((mistral, in_mistral), (vllm, in_vllm)):
        error = await ask(served, status, [{"role": "user", "content": prompt}])
        assert error.keys() == {"object", "message", "type", "param", "code"}
        assert (error["object"], error["type"], error["param"]) == ("error", kind, None)
        assert words in error["message"]
        assert (error["code"] == "full") == (prompt == "own")


async def test_a_limit_says_when_to_ask_again(mistral: Emulator, vllm: Emulator) -> None:
    for served in (mistral, vllm):
        limited = await served.post("chat/completions", "gpt-4o", {"messages": [{"role": "user", "content": "limit"}]})
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "3")


async def test_a_refused_parameter_is_refused_in_the_engines_words(mistral: Emulator, vllm: Emulator) -> None:
    refuse = [{"role": "user", "content": "refuse"}]
    refused = await ask(mistral, 422, refuse, temperature=1)
    assert refused["message"]["detail"][0]["loc"] == ["body", "temperature"]
    refused = await ask(vllm, 400, refuse, temperature=1)
    assert "'temperature' is not supported" in refused["message"]


@pytest.mark.parametrize("name", ["mistral", "vllm"])
async def test_faults_of_the_stream_are_in_the_engines_stream(emulate: Emulate, name: str) -> None:
    served = emulate(orjson.dumps({"dialect": name, "rules": RULES}).decode())
    cut = await served.stream("cut")
    assert (cut.broken, cut.texts) == (True, ["one"])
    failed = await served.stream("fail")
    assert failed.texts == ["one"]
    assert failed.documents[-1]["object"] == "error"
    # Only Azure has a content filter.
    assert (await served.stream("filter")).texts == ["fine"]


async def test_vllm_streams_its_own_fields(vllm: Emulator) -> None:
    stream = await vllm.stream(stream_options={"include_usage": True}, chat_template_kwargs={"enable_thinking": True})
    assert [choice["delta"] for choice in stream.choices] == [
        {"role": "assistant", "content": ""},
        {"reasoning": "Hm", "reasoning_content": "Hm"},
        {"reasoning": ".", "reasoning_content": "."},
        {"content": "Hi"},
        {"content": " there"},
        {"content": ""},
    ]
    assert stream.choices[-1]["stop_reason"] is None
    assert stream.finish == ["stop"]
    assert stream.documents[-1]["usage"]["total_tokens"] > 0
    assert b"content_filter" not in stream.raw
    called = (await vllm.stream("call")).choices
    starts = [choice["delta"]["tool_calls"][0] for choice in called if "tool_calls" in choice["delta"]]
    assert starts[0]["id"].startswith("chatcmpl-tool-")
    assert "".join(start["function"]["arguments"] for start in starts) == '{"a":1}'


async def test_vllm_answers_whole_with_its_own_fields(vllm: Emulator) -> None:
    (choice,) = (await ask(vllm, 200))["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "reasoning": "Hm.",
        "reasoning_content": "Hm.",
        "content": "Hi there",
        "tool_calls": [],
    }
    assert choice["stop_reason"] is None


@pytest.mark.parametrize("name", ["max_completion_tokens", "max_tokens"])
async def test_vllm_refuses_more_tokens_than_there_is_room_for(vllm: Emulator, name: str) -> None:
    refused = await ask(vllm, 400, **{name: 128_000})
    used = re.search(r"your request has (\d+) input tokens", refused["message"])
    assert used
    assert refused == {
        "object": "error",
        "message": f"'{name}' is too large: 128000. This model's maximum context length is 128000 tokens and your "
        f"request has {used[1]} input tokens (128000 > 128000 - {used[1]}).",
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    }
    await ask(vllm, 200, **{name: 128_000 - int(used[1])})


async def test_what_a_dialect_refuses_uses_no_rule_up(emulate: Emulate) -> None:
    served = emulate("rules: [{when: hi, dialect: mistral, once: true, text: Bonjour}, {text: Azure}]")
    await ask(served, 422, max_completion_tokens=5)
    assert (await ask(served, 200))["choices"][0]["message"]["content"] == "Bonjour"
    azure = await served.chat("hi", max_completion_tokens=5)
    assert "content_filter_results" in azure.json()["choices"][0]


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "empty array"),
        ("x", "an array"),
        ([*HI, {**CALLING, "tool_calls": 1}, *HI], "tool_calls"),
        ([*HI, RESULT], "Unexpected role 'tool'"),
    ],
)
async def test_no_history_at_all_is_refused_in_a_rules_dialect(emulate: Emulate, messages: Any, words: str) -> None:
    served = emulate("rules: [{dialect: mistral, text: Bonjour}]")
    refused = await ask(served, 400, messages)
    assert refused["object"] == "error"
    assert words in refused["message"]


async def test_a_rule_goes_before_its_script(emulate: Emulate) -> None:
    served = emulate("{dialect: vllm, rules: [{when: hi, dialect: mistral, text: A}, {text: B}]}")
    assert (await ask(served, 200))["id"].startswith("cmpl-")
    assert (await ask(served, 200, [{"role": "user", "content": "you"}]))["id"].startswith("chatcmpl-")


async def test_a_strict_script_says_that_no_rule_fits_in_any_dialect(emulate: Emulate) -> None:
    served = emulate("{dialect: mistral, strict: true, rules: [{when: hi, text: A}]}")
    assert (await ask(served, 404, [{"role": "user", "content": "you"}]))["error"]["code"] == "no_rule"
