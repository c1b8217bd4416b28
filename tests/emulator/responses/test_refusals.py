"""Requests that OpenAI refuses, in its words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.emulator import Emulator

CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "x"}
USER = {"role": "user", "content": "hi"}


def schema(strict: bool, **inner: Any) -> dict[str, Any]:
    form = {"type": "json_schema", "name": "answer", "strict": strict, "schema": {"type": "object", **inner}}
    return {"input": "hi", "text": {"format": form}}


REFUSED: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "no input": ({}, "input", "Missing required parameter: 'input'."),
    "a number": ({"input": 5}, "input", "Invalid type for 'input'"),
    "no items": ({"input": []}, "input", "must be provided"),
    "a type that is a mapping": ({"input": [{"type": {}}]}, None, "knows items of the types"),
    "an unknown parameter": ({"input": "hi", "max_tokens": 5}, "max_tokens", "Unknown parameter: 'max_tokens'."),
    "an output without its call": ({"input": [USER, OUTPUT]}, "input", "No tool call found for function call output"),
    "a call without its output": ({"input": [USER, CALL]}, "input", "No tool output found for function call c1."),
    "a call answered twice": ({"input": [USER, CALL, OUTPUT, OUTPUT]}, "input", "No tool call found"),
    "an output without a call id": (
        {"input": [USER, CALL, {"type": "function_call_output", "output": "x"}]},
        "input[2].call_id",
        "Missing required parameter",
    ),
    "any JSON without a word of it": (
        {"input": "hi", "text": {"format": {"type": "json_object"}}},
        "input",
        "Response input messages must contain the word 'json'",
    ),
    "a temperature beyond": (
        {"input": "hi", "temperature": 3},
        "temperature",
        "Expected a value <= 2, but got 3 instead",
    ),
    "a role that is unknown": ({"input": [{"role": "robot", "content": "hi"}]}, None, "supported values are"),
    "a part of the chat wire": (
        {"input": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
        "input[0].content[0]",
        "Invalid value: 'text'",
    ),
    "an image of the assistant's": (
        {"input": [{"role": "assistant", "content": [{"type": "input_image", "image_url": "https://x"}]}, USER]},
        "input[0].content[0]",
        "Supported values are: 'output_text', 'refusal'",
    ),
    "a hosted tool": ({"input": "hi", "tools": [{"type": "web_search"}]}, "tools[0]", "not emulated"),
    "a tool without a name": ({"input": "hi", "tools": [{"type": "function"}]}, "tools[0].name", "Missing"),
    "too few tokens": ({"input": "hi", "max_output_tokens": 15}, "max_output_tokens", ">= 16, but got 15"),
    "reasoning of a model that has none": (
        {"input": "hi", "reasoning": {"effort": "low"}},
        "reasoning.effort",
        "not supported with this model",
    ),
    "sealed reasoning of a model that has none": (
        {"input": "hi", "include": ["reasoning.encrypted_content"]},
        "include",
        "Encrypted content is not supported with this model.",
    ),
    "a tool that is not there": (
        {"input": "hi", "tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "name": "g"}},
        None,
        "not among 'tools'",
    ),
    "a strict schema that is open": (
        schema(True, properties={"a": {"type": "string"}}, required=["a"]),
        "text.format",
        "'additionalProperties' is required to be supplied and to be false.",
    ),
    "a strict schema with what is optional": (
        schema(True, properties={"a": {"type": "string"}}, additionalProperties=False),
        "text.format",
        "Missing 'a'.",
    ),
    "a background response": ({"input": "hi", "background": True}, None, "nothing behind it"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_request_is_refused_in_openais_words(plain: Emulator, case: str) -> None:
    body, param, words = REFUSED[case]
    async with plain.http() as http:
        response = await http.post("/openai/v1/responses", json={"model": "gpt-4o", **body})
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert words in error["message"]
    if param is not None:
        assert error["param"] == param


async def test_a_reasoning_model_refuses_a_temperature(plain: Emulator) -> None:
    async with plain.http() as http:
        response = await http.post("/openai/v1/responses", json={"model": "gpt-5", "input": "x", "temperature": 0.5})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "temperature"


async def test_a_model_of_another_kind_gives_no_response(plain: Emulator) -> None:
    async with plain.http() as http:
        response = await http.post("/openai/v1/responses", json={"model": "dall-e-3", "input": "x"})
    assert response.json()["error"]["code"] == "OperationNotSupported"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("DELETE", ""), ("GET", "/input_items"), ("POST", "/cancel")]
)
async def test_a_response_that_is_not_stored_is_a_404(plain: Emulator, method: str, path: str) -> None:
    async with plain.http() as http:
        response = await http.request(method, f"/openai/v1/responses/resp_1{path}")
    assert (response.status_code, "resp_1" in response.json()["error"]["message"]) == (404, True)
