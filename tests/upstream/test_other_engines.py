"""Engines that support only a part of OpenAI's API."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from tests.harness.answers import Answer, chat
from tests.harness.model import Call, Upstream
from tests.harness.service import Server
from tests.upstream.conftest import OPENAI, Driven

OLLAMA = "registry.ollama.ai/library/gemma3:4b does not support tools"
VLLM = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
AZURE: dict[str, Any] = {
    "message": "Unsupported parameter: 'tools'.",
    "param": "tools",
    "code": "unsupported_parameter",
}


async def answered(
    client: httpx2.AsyncClient, upstream: Upstream, refusal: dict[str, Any]
) -> tuple[Answer, list[Call]]:
    """One question, and the calls it took of an engine that refuses tools with these words."""
    calls = []
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(chat(client, {"message": "Hi"}))
        while True:
            calls.append(call := await upstream.call())
            if "tools" not in call.body:
                break
            await call.refuse(400, orjson.dumps({"error": refusal}))
        await call.answer("Hello")
    return answer.result(), calls


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "refusal", [{"message": OLLAMA}, {"message": VLLM, "code": 400}, AZURE], ids=["ollama", "vllm", "azure"]
)
@pytest.mark.parametrize("steps", ["1", "8"])
async def test_a_model_without_tools_chats_without_them(driven: Driven, refusal: dict[str, Any], steps: str) -> None:
    # With one step the request says to call no tool, which is of no use without tools.
    async with driven({**OPENAI, "AGENT_MAX_STEPS": steps}) as (upstream, server):
        before = server.log
        async with server.client() as client:
            first, tried = await answered(client, upstream, refusal)
            second, later = await answered(client, upstream, refusal)
        assert "does not support tools" in server.log.removeprefix(before)
    assert [first.text, second.text] == ["Hello", "Hello"]
    assert ["tools" in call.body for call in tried] == [True, False]
    assert len(later) == 1, "what was refused is remembered"
    assert "tool_choice" not in later[0].body


async def test_vllms_message_for_a_conversation_that_is_too_long_is_understood(tmp_path: Path) -> None:
    words = "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens."
    async with Upstream() as upstream:
        with Server(tmp_path, upstream.settings) as server:
            async with server.client() as client, asyncio.TaskGroup() as group:
                first = group.create_task(chat(client, {"id": "long", "message": "Hi"}))
                await (await upstream.call()).answer("Hello")
                await first
                second = group.create_task(chat(client, {"id": "long", "message": "And now?"}))
                refusal = {
                    "object": "error",
                    "message": words,
                    "type": "BadRequestError",
                    "param": None,
                    "code": 400,
                }
                await (await upstream.call()).refuse(400, orjson.dumps(refusal))
                again = await upstream.call()
                await again.answer("Shorter.")
    assert second.result().text == "Shorter."
    assert [message["content"] for message in again.body["messages"]] == ["And now?"]


async def test_the_engine_gets_nothing_of_the_environment_but_the_settings(tmp_path: Path) -> None:
    others = {
        "OPENAI_ORG_ID": "org-of-the-shell",
        "OPENAI_PROJECT_ID": "project-of-the-shell",
        "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer of-the-shell",
    }
    async with Upstream() as upstream:
        with Server(tmp_path, {**upstream.settings, **others}) as server:
            async with server.client() as client, asyncio.TaskGroup() as group:
                group.create_task(chat(client, {"message": "Hi"}))
                call = await upstream.call()
                await call.answer("Hello")
    assert "of-the-shell" not in str(call.headers)
