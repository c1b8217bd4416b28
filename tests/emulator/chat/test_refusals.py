"""Chat requests that Azure refuses, each with its words and its `param`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.emulator import HI, Emulator, tool

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "1"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


async def refusal(
    served: Emulator, body: Any, deployment: str = "gpt-4o", version: str = "2024-10-21"
) -> dict[str, Any]:
    response = await served.post("chat/completions", deployment, body, version)
    assert response.status_code == 400, response.text
    error: dict[str, Any] = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    return error


@pytest.mark.parametrize(
    ("messages", "param", "words"),
    [
        ([*HI, CALLING], "messages.[2].role", "did not have response messages: call_1"),
        ([*HI, CALLING, *HI], "messages.[2].role", "must be followed by tool messages"),
        ([*HI, RESULT], "messages.[1].role", "must be a response to a preceeding message with 'tool_calls'"),
        ([*HI, CALLING, RESULT, RESULT], "messages.[3].role", "preceeding"),
        ([*HI, {"role": "assistant", "content": [IMAGE]}], "messages[1]", "message with role 'assistant'"),
        ([*HI, {"role": "assistant", "content": None}], "messages.[1].content", "expected a string, got null"),
        ([{"role": "user", "content": None}], "messages.[0].content", "expected a string, got null"),
        ([{"role": "user", "content": [{"type": "file"}]}], "messages.[0].content", "unsupported part 'file'"),
        ([{"content": "x"}], "messages[0].role", "Missing required parameter"),
        ([{"role": "king", "content": "x"}], "king", "'assistant', 'developer'"),
        ([*HI, {"role": "tool", "content": "x"}], "messages[1].tool_call_id", "Missing required parameter"),
        ([*HI, {"role": "assistant", "tool_calls": [{"id": "x"}]}], "messages[1].tool_calls[0].function", "Missing"),
        ([*HI, {"role": "assistant", "tool_calls": []}], "messages[1].tool_calls", "minimum length 1"),
        ([{"role": [], "content": "x"}], "[]", "'assistant', 'developer'"),
        (["x"], "messages[0]", "an object"),
        ([], "messages", "empty array"),
        ("x", "messages", "an array"),
        (None, "messages", "Missing required parameter: 'messages'."),
    ],
)
async def test_a_history_that_no_model_takes_is_refused(plain: Emulator, messages: Any, param: str, words: str) -> None:
    error = await refusal(plain, {"messages": messages})
    assert error["param"] == param
    assert words in error["message"]


async def test_an_answered_tool_history_is_taken(plain: Emulator) -> None:
    response = await plain.post("chat/completions", "gpt-4o", {"messages": [*HI, CALLING, RESULT, *HI]})
    assert response.status_code == 200


async def test_an_unknown_argument_is_named_without_code_or_param(plain: Emulator) -> None:
    error = await refusal(plain, {"messages": HI, "chat_mode": "fast"})
    assert error == {
        "message": "Unrecognized request argument supplied: chat_mode",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


@pytest.mark.parametrize("deployment", ["gpt-5-mini", "o4-mini"])
@pytest.mark.parametrize(
    ("param", "value", "code"),
    [
        ("temperature", 0.2, "unsupported_value"),
        ("max_tokens", 10, "unsupported_parameter"),
        ("top_p", 0.5, "unsupported_parameter"),
        ("presence_penalty", 1, "unsupported_parameter"),
        ("frequency_penalty", 1, "unsupported_parameter"),
        ("logprobs", True, "unsupported_parameter"),
        ("logit_bias", {"1": 1}, "unsupported_parameter"),
    ],
)
async def test_a_reasoning_model_refuses_what_the_others_take(
    plain: Emulator, deployment: str, param: str, value: Any, code: str
) -> None:
    body = {"messages": HI, param: value}
    error = await refusal(plain, body, deployment, "2025-04-01-preview")
    assert (error["param"], error["code"]) == (param, code)
    assert (await plain.post("chat/completions", "gpt-4o", body)).status_code == 200


async def test_the_two_best_known_refusals_have_azures_words(plain: Emulator) -> None:
    limit = await refusal(plain, {"messages": HI, "max_tokens": 1}, "gpt-5")
    assert limit["message"] == (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    heat = await refusal(plain, {"messages": HI, "temperature": 0.2}, "gpt-5")
    assert heat["message"] == (
        "Unsupported value: 'temperature' does not support 0.2 with this model. "
        "Only the default (1) value is supported."
    )


async def test_a_reasoning_model_takes_defaults_and_either_system_or_developer(plain: Emulator) -> None:
    system, developer = ({"role": role, "content": "x"} for role in ("system", "developer"))
    fine = {"messages": [developer, *HI], "temperature": 1, "max_completion_tokens": 100}
    assert (await plain.post("chat/completions", "gpt-5", fine)).status_code == 200
    assert (await refusal(plain, {"messages": [system, developer, *HI]}, "gpt-5"))["param"] == "messages"


@pytest.mark.parametrize(
    ("param", "value", "code"),
    [
        ("temperature", 2.5, "decimal_above_max_value"),
        ("top_p", -0.1, "decimal_below_min_value"),
        ("presence_penalty", 3, "decimal_above_max_value"),
        ("frequency_penalty", "high", "invalid_type"),
    ],
)
async def test_a_number_beyond_its_bounds_is_refused(plain: Emulator, param: str, value: Any, code: str) -> None:
    error = await refusal(plain, {"messages": HI, param: value})
    assert (error["param"], error["code"]) == (param, code)


async def test_any_json_is_given_only_where_a_message_says_json(plain: Emulator) -> None:
    form = {"response_format": {"type": "json_object"}}
    words = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
    assert (await refusal(plain, {"messages": HI, **form}))["message"] == words
    system = {"role": "system", "content": "Answer in JSON."}
    assert (await plain.post("chat/completions", "gpt-4o", {"messages": [system, *HI], **form})).status_code == 200


async def test_a_conversation_beyond_the_context_is_refused(plain: Emulator) -> None:
    error = await refusal(plain, {"messages": [{"role": "user", "content": "x" * 520_000}]})
    assert (error["code"], error["param"]) == ("context_length_exceeded", "messages")
    assert error["message"].startswith("This model's maximum context length is 128000 tokens. However, your messages")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": []}, "tools"),
        ({"tools": [{}]}, "tools[0].function.name"),
        ({"tools": "x"}, "tools"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": [tool("f")], "tool_choice": {"function": {"name": "g"}}}, "tool_choice"),
        ({"tools": [tool("f")], "tool_choice": {"type": ["function"]}}, "tool_choice"),
        ({"tools": [tool("get weather")]}, "tools[0].function.name"),
        ({"tools": [tool("f" * 65)]}, "tools[0].function.name"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a.b"}}},
            "response_format.json_schema.name",
        ),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": "2"}, "n"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"stop": 1}, "stop"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
    ],
)
async def test_a_wrong_value_is_refused_with_its_param(plain: Emulator, body: dict[str, Any], param: str) -> None:
    assert (await refusal(plain, {"messages": HI, **body}))["param"] == param


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ({"type": "strng"}, "'strng' is not valid under any of the given schemas."),
        ({"type": None}, "None is not valid under any of the given schemas."),
        ({"type": ["string", {}]}, "is not valid under any of the given schemas."),
        ({"type": "array", "items": "text"}, "'text' is not of type 'object', 'boolean'."),
        ({"anyOf": [{"enum": "a"}]}, "'a' is not of type 'array'."),
        ({"anyOf": {"type": "string"}}, "is not of type 'array'."),
    ],
)
async def test_a_schema_with_a_mistake_far_within_is_refused(
    plain: Emulator, inner: Any, words: str, strict: bool
) -> None:
    outer = {"type": "object", "properties": {"a": inner}, "required": ["a"], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": strict, "schema": outer}}
    assert words in (await refusal(plain, {"messages": HI, "response_format": form}))["message"]


async def test_a_strict_schema_refers_to_what_it_defines(plain: Emulator) -> None:
    outer = {"properties": {"a": {"$ref": "#/$defs/b"}}, "required": ["a"], "additionalProperties": False}
    schema: dict[str, Any] = {"type": "object", **outer}
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    error = await refusal(plain, {"messages": HI, "response_format": form})
    assert "Reference to '#/$defs/b' not found" in error["message"]
    schema["$defs"] = {"b": {"type": "string"}}
    response = await plain.post("chat/completions", "gpt-4o", {"messages": HI, "response_format": form})
    assert response.status_code == 200


async def test_an_old_version_does_not_know_stream_options(plain: Emulator) -> None:
    body = {"messages": HI, "stream": True, "stream_options": {"include_usage": True}}
    error = await refusal(plain, body, version="2024-06-01")
    assert error["message"] == "Unrecognized request argument supplied: stream_options"


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"messages":\xff}'])
async def test_a_body_that_is_not_a_json_object_is_refused(plain: Emulator, raw: bytes) -> None:
    async with plain.http() as http:
        response = await http.post("/v1/chat/completions", content=raw)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("We could not parse the JSON body")
