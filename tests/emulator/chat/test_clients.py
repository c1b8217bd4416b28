"""Chat through the published clients, as other people's programs use them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import openai
import pytest
from langchain_core.messages import AIMessage, ToolMessage
from pydantic import SecretStr

from tests.emulator.conftest import Emulate
from tests.harness.emulator import KEY, VERSION, Emulator, read_deltas
from tests.harness.http_client import PLAIN

if TYPE_CHECKING:
    from langchain_openai import AzureChatOpenAI

Connect = Callable[[Emulator], openai.AsyncOpenAI]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_current_time",
        "parameters": {"type": "object", "properties": {"timezone": {"type": "string"}}},
    },
}
ENTRA = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.c2ln"

CLIENTS: dict[str, Connect] = {
    "azure": lambda served: served.azure(),
    "azure with an Entra token": lambda served: served.azure(None, ENTRA),
    "v1": lambda served: served.v1(),
    "plain v1": lambda served: served.v1("/v1/"),
}


@pytest.fixture(params=CLIENTS)
def connect(request: pytest.FixtureRequest) -> Connect:
    return CLIENTS[request.param]


async def test_a_client_gets_the_echo_whole(plain: Emulator, connect: Connect) -> None:
    async with connect(plain) as client:
        answer = await client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": "Grüße, 世界 🦊"}]
        )
    assert answer.choices[0].message.content == "You said: Grüße, 世界 🦊"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_client_gets_the_echo_word_by_word(plain: Emulator, connect: Connect) -> None:
    async with connect(plain) as client:
        stream = await client.chat.completions.create(
            model="gpt-5-mini",
            messages=[{"role": "user", "content": "Grüße, 世界  🦊 "}],
            stream=True,
            stream_options={"include_usage": True},
        )
        words = [word async for word in read_deltas(stream)]
    assert words == ["You", " said:", " Grüße,", " 世界", "  🦊", " "]


async def test_the_typed_stream_helper_puts_a_tool_call_together(plain: Emulator) -> None:
    async with (
        plain.v1() as client,
        client.chat.completions.stream(
            model="gpt-5-mini",
            messages=[{"role": "user", "content": "What time is it in Asia/Tokyo?"}],
            tools=[TOOL],  # type: ignore[list-item]
        ) as stream,
    ):
        answer = await stream.get_final_completion()
    (call,) = answer.choices[0].message.tool_calls or []
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_current_time"
    assert call.function.arguments == '{"timezone":"Asia/Tokyo"}'


@asynccontextmanager
async def langchain(served: Emulator) -> AsyncIterator[AzureChatOpenAI]:
    # Imported here: it takes a second, and every run of any test collects this module.
    from langchain_openai import AzureChatOpenAI

    async with openai.DefaultAsyncHttpx2Client(**PLAIN) as http:
        yield AzureChatOpenAI(
            azure_endpoint=served.url,
            azure_deployment="gpt-4o",
            api_version=VERSION,
            api_key=SecretStr(KEY),
            max_retries=0,
            stream_usage=True,
            http_async_client=http,
        )


@pytest.mark.slow
async def test_langchain_streams_the_echo(plain: Emulator) -> None:
    async with langchain(plain) as model:
        chunks = [chunk async for chunk in model.astream("hello there")]
    assert [chunk.content for chunk in chunks if chunk.content] == ["You", " said:", " hello", " there"]
    assert any(isinstance(chunk, AIMessage) and chunk.usage_metadata for chunk in chunks)


@pytest.mark.slow
async def test_langchain_calls_the_tool_and_then_says_its_result(plain: Emulator) -> None:
    asked = ("user", "What is the time in Oslo?")
    async with langchain(plain) as plain_model:
        model = plain_model.bind_tools([TOOL])
        called = await model.ainvoke([asked])
        (call,) = called.tool_calls
        assert (call["name"], call["args"]) == ("get_current_time", {"timezone": "Europe/Oslo"})
        said = await model.ainvoke([asked, called, ToolMessage("12:30", tool_call_id=call["id"])])
    assert said.content == "The current time is 12:30."


@pytest.mark.slow
async def test_a_refused_prompt_is_a_bad_request_in_langchain_too(emulate: Emulate) -> None:
    served = emulate("rules: [{fault: {kind: prompt_filter}}]")
    async with langchain(served) as model:
        with pytest.raises(openai.BadRequestError) as caught:
            await model.ainvoke("hi")
    assert (caught.value.code, caught.value.param) == ("content_filter", "prompt")


async def test_the_client_retries_a_rate_limit_and_gets_its_answer(emulate: Emulate) -> None:
    served = emulate("rules: [{times: 1, fault: {kind: status, status: 429, retry_after_ms: 1}}]")
    async with served.v1(max_retries=1) as client:
        answer = await client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
    assert answer.choices[0].message.content == "You said: hi"
    assert [request["status"] for request in (await served.journal())["requests"]] == [429, 200]


@pytest.mark.slow
async def test_fifty_streams_at_once_keep_their_words_apart(plain: Emulator) -> None:
    async def ask(number: int) -> str:
        return "".join((await plain.stream(f"number {number}")).texts)

    answers = await asyncio.gather(*(ask(number) for number in range(50)))
    assert answers == [f"You said: number {number}" for number in range(50)]
