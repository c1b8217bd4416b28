"""Turns over the Responses API: words, reasoning, tools, images and documents as over the chat wire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness.answers import chat, posting
from tests.harness.api import data_url, png, texts
from tests.harness.emulator import KEY, Rule, emulating
from tests.harness.http_client import PLAIN
from tests.harness.service import Server
from tests.harness.waiting import until
from tests.harness.world import World, start_world
from tests.server.commands import run_here

CALL = {"name": "get_current_time", "arguments": {"timezone": "Europe/Oslo"}}
RULES: list[Rule] = [
    {"when": {"equals": "think"}, "steps": [
        {"reasoning": ["Hm, ", "the time."], "tool_calls": [CALL, {**CALL, "arguments": {"timezone": "UTC"}}]},
        {"reasoning": ["So."], "text": ["It is ", "late."]},
    ]},
    {"when": {"equals": "long"}, "text": ["One ", "two"], "finish": "length"},
]  # fmt: skip
SURFACES = {
    "dated": {"AZURE_OPENAI_API": "responses", "AZURE_OPENAI_API_VERSION": "2025-04-01-preview"},
    "v1": {"AZURE_OPENAI_API": "responses", "AZURE_OPENAI_API_VERSION": "v1"},
}


@pytest.fixture(scope="module", params=[pytest.param("dated", marks=pytest.mark.slow), "v1", "another engine"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A reasoning model, at each address at which it may be asked."""
    folder = tmp_path_factory.mktemp("responses")
    if request.param in SURFACES:
        with start_world(folder, RULES, SURFACES[request.param], chat="gpt-5-mini") as both:
            yield both
        return
    with emulating(folder, RULES, KEY) as emulator:
        settings = {"OPENAI_BASE_URL": f"{emulator.url}/v1", "OPENAI_API_KEY": KEY, "OPENAI_MODEL": "gpt-5-mini"}
        with Server(folder, {**settings, "OPENAI_API": "responses"}) as server:
            yield World(emulator, server)


@pytest.fixture
async def user(world: World, request: pytest.FixtureRequest) -> Any:
    async with world.server.client(request.node.name) as client:
        yield client


async def test_a_turn_with_tools_keeps_its_reasoning(world: World, user: httpx2.AsyncClient) -> None:
    answer = await chat(user, {"id": "t", "message": "think"})
    assert answer.errors == []
    assert "".join(answer.values("g")) == "Hm, the time.So."
    assert answer.text == "It is late."
    first, second = answer.values("9")
    assert [first["args"], second["args"]] == [{"timezone": "Europe/Oslo"}, {"timezone": "UTC"}]
    assert {one["toolCallId"] for one in answer.values("a")} == {first["toolCallId"], second["toolCallId"]}
    assert answer.values("d")[0]["finishReason"] == "stop"
    assert answer.values("d")[0]["usage"]["completionTokens"] > 0
    *_, before, after = world.emulator.requests()
    assert [call["path"].split("?")[0].rsplit("/", 1)[-1] for call in (before, after)] == ["responses"] * 2
    body = after["body"]
    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])
    assert body["reasoning"] == {"summary": "auto"}
    kinds = [item["type"] for item in body["input"]]
    assert kinds == ["message", "reasoning", "function_call", "function_call", *["function_call_output"] * 2]
    sealed = body["input"][1]
    assert sealed["encrypted_content"].startswith("gAAAA")
    assert sealed["summary"] == [{"type": "summary_text", "text": "Hm, the time."}]
    # The conversation continues.
    again = await chat(user, {"id": "t", "message": "And then?"})
    assert (again.errors, again.text) == ([], "You said: And then?")
    assert [role for role, _ in await texts(user, "t")] == ["user", "assistant"] * 2


async def test_an_image_and_the_system_prompt_reach_the_model(world: World, user: httpx2.AsyncClient) -> None:
    look = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": data_url(png(), "image/png")}}]
    answer = await chat(user, {"messages": [{"role": "user", "content": look}], "system": "Be brief."})
    assert answer.errors == []
    body = world.emulator.requests()[-1]["body"]
    assert body["instructions"] == "Be brief."
    (message,) = body["input"]
    assert message["content"] == [
        {"type": "input_text", "text": "Look"},
        {"type": "input_image", "image_url": data_url(png(), "image/png")},
    ]


async def test_the_emulator_is_asked_over_it_where_no_engine_is_set(tmp_path: Path) -> None:
    with Server(tmp_path, {"AZURE_OPENAI_API": "responses"}) as server:
        async with server.client() as client:
            answer = await chat(client, {"message": "What time is it?"})
    assert (answer.errors, answer.values("d")[0]["finishReason"]) == ([], "stop")
    assert [one["toolName"] for one in answer.values("9")] == ["get_current_time"]
    assert "does not support include, which is " in server.log


async def test_an_answer_that_reaches_its_limit_says_so(user: httpx2.AsyncClient) -> None:
    answer = await chat(user, {"message": "long"})
    assert (answer.text, answer.values("d")[0]["finishReason"]) == ("One two", "length")


def test_settings_are_sent_under_the_names_of_this_wire_and_refusals_are_learned(tmp_path: Path) -> None:
    env = {
        **SURFACES["v1"],
        "CHAT_TEMPERATURE": "0.5",
        "CHAT_MAX_TOKENS": "5",
        "CHAT_REASONING_EFFORT": "low",
        "AGENT_MAX_STEPS": "1",
    }
    with start_world(tmp_path, [], env, chat="gpt-5-mini") as both, httpx2.Client(timeout=20, **PLAIN) as http:
        for _ in range(2):
            url, headers = f"{both.server.url}/chat", {"userid": "u"}
            answer = http.post(url, json={"message": "Hello"}, headers=headers, auth=both.server.auth)
            assert "Hello" in answer.text
        refused, *answered = (call["body"] for call in both.emulator.requests())
    assert refused["temperature"] == 0.5
    assert len(answered) == 2
    for body in answered:
        assert "temperature" not in body
        assert body["max_output_tokens"] == 16
        assert body["reasoning"] == {"effort": "low", "summary": "auto"}
        assert body["tool_choice"] == "none"
        assert all(tool["strict"] is False and tool["name"] for tool in body["tools"])


def test_a_model_that_does_not_reason_is_asked_for_no_reasoning(tmp_path: Path) -> None:
    with start_world(tmp_path, [], SURFACES["v1"], chat="gpt-4o") as both, httpx2.Client(timeout=20, **PLAIN) as http:
        for _ in range(2):
            url, headers = f"{both.server.url}/chat", {"userid": "u"}
            answer = http.post(url, json={"message": "Hello"}, headers=headers, auth=both.server.auth)
            assert "Hello" in answer.text
        statuses = [
            (call["status"], sorted({"include", "reasoning"} & set(call["body"]))) for call in both.emulator.requests()
        ]
    assert [status for status, _ in statuses] == [400, 400, 200, 200]
    assert statuses[-1][1] == []


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({}, "works   chat (AZURE_OPENAI_GPT_DEPLOYMENT_NAME = gpt-5-mini)"),
        ({"AZURE_OPENAI_API_KEY": "wrong"}, "AZURE_OPENAI_API_KEY"),
        ({"AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "missing"}, "check AZURE_OPENAI_GPT_DEPLOYMENT_NAME"),
        ({"AZURE_OPENAI_API": "completions"}, "AZURE_OPENAI_API: must be chat or responses"),
    ],
)
def test_check_tries_this_wire(tmp_path: Path, env: dict[str, str], says: str) -> None:
    with emulating(tmp_path, [], KEY) as emulator:
        settings = {**emulator.settings("v1", chat="gpt-5-mini"), **SURFACES["v1"], **env}
        ran = run_here(["check"], tmp_path, {"DATA_DIR": str(tmp_path / "tried"), **settings})
    assert says in ran.stdout + ran.stderr
    assert KEY not in ran.stdout + ran.stderr


SEAL = "The encrypted content gAAAA... could not be verified."
LEARNING: list[Rule] = [
    {"when": {"equals": "sealed"}, "times": 1, "reasoning": ["Hm."], "tool_calls": [CALL]},
    {
        "when": {"equals": "sealed"},
        "times": 1,
        "fault": {"kind": "status", "status": 400, "code": "invalid_encrypted_content", "message": SEAL},
    },
    {"when": {"equals": "sealed"}, "text": "Done."},
    {"when": {"equals": "too long"}, "times": 1, "fault": {"kind": "context_length"}},
]


@pytest.fixture(scope="module")
def learning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with start_world(tmp_path_factory.mktemp("learning"), LEARNING, SURFACES["v1"], chat="gpt-5-mini") as both:
        yield both


async def test_reasoning_that_cannot_be_opened_is_left_out(learning: World) -> None:
    async with learning.server.client() as client:
        answer = await chat(client, {"message": "sealed"})
    assert (answer.errors, answer.text) == ([], "Done.")
    _, refused, answered = learning.emulator.asked("sealed")
    assert [item["type"] for item in refused["input"]].count("reasoning") == 1
    assert [item["type"] for item in answered["input"]].count("reasoning") == 0
    assert "include" not in answered


async def test_older_turns_are_left_out_where_the_model_cannot_read_all(learning: World) -> None:
    async with learning.server.client() as client:
        await chat(client, {"id": "long", "message": "first"})
        answer = await chat(client, {"id": "long", "message": "too long"})
    assert (answer.errors, answer.text) == ([], "You said: too long")
    assert answer.values("2") == [[{"type": "context", "leftOut": 2}]]


async def test_a_client_that_leaves_stops_the_response(tmp_path: Path) -> None:
    rules: list[Rule] = [{"text": ["One "] * 500, "tokens_per_second": 50}]
    with start_world(tmp_path, rules, SURFACES["v1"], chat="gpt-5-mini") as both:
        async with both.server.client() as client, posting(client, "count") as stream:
            await stream.until("0")

        async def aborted() -> bool:
            return bool(both.emulator.requests()[-1]["aborted"])

        await until(aborted)
