"""The Responses API through the published clients, as other people's programs use them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import openai
import pytest
from openai.types.responses import ResponseFunctionToolCall
from pydantic import BaseModel, SecretStr

from tests.emulator.conftest import Emulate
from tests.harness.emulator import KEY, Emulator
from tests.harness.http_client import PLAIN

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Person(BaseModel):
    name: str
    age: int
    nickname: str | None


@pytest.fixture(params=["/openai/v1/", *(pytest.param(path, marks=pytest.mark.slow) for path in ("/v1/", "/openai/"))])
async def client(request: pytest.FixtureRequest, plain: Emulator) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client at each address."""
    async with plain.v1(request.param) as one:
        yield one


@pytest.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def test_words_come_whole_and_streamed(client: openai.AsyncOpenAI) -> None:
    whole: Any = await client.responses.create(model="gpt-4o", input="Hello there")
    assert (whole.output_text, whole.status, whole.model) == ("You said: Hello there", "completed", "gpt-4o")
    assert whole.usage is not None
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens
    stream: Any = await client.responses.create(model="gpt-4o", input="Hello there", stream=True)
    deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
    assert deltas == ["You", " said:", " Hello", " there"]


async def test_an_older_client_of_azure_names_a_version(plain: Emulator) -> None:
    azure = openai.AsyncAzureOpenAI(
        azure_endpoint=plain.url,
        api_version="2025-04-01-preview",
        api_key=KEY,
        max_retries=0,
        http_client=openai.DefaultAsyncHttpx2Client(**PLAIN),
    )
    async with azure as client:
        assert (await client.responses.create(model="gpt-4o", input="Hello")).output_text == "You said: Hello"


async def test_the_clients_own_stream_helper_puts_it_together(client: openai.AsyncOpenAI) -> None:
    async with client.responses.stream(model="gpt-4o", input="Weather in Oslo?", tools=[WEATHER]) as stream:
        response = await stream.get_final_response()
    (call,) = response.output
    assert isinstance(call, ResponseFunctionToolCall)
    assert (call.name, call.arguments) == ("get_weather", '{"city":"Oslo"}')


async def test_a_structured_answer_is_parsed(client: openai.AsyncOpenAI) -> None:
    asked = "Ada Lovelace is 36 years old"
    response: Any = await client.responses.parse(model="gpt-4o", input=asked, text_format=Person)
    assert response.output_parsed is not None
    assert (response.output_parsed.name, response.output_parsed.age) == ("Ada Lovelace", 36)


@pytest.mark.parametrize("chained", [True, False], ids=["by the previous response", "by the whole list"])
async def test_a_function_is_called_and_its_result_told(client: openai.AsyncOpenAI, chained: bool) -> None:
    asked: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
    first: Any = await client.responses.create(model="gpt-4o", input=asked, tools=[WEATHER])
    (call,) = first.output
    assert isinstance(call, ResponseFunctionToolCall)
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    if chained:
        second: Any = await client.responses.create(
            model="gpt-4o", previous_response_id=first.id, input=[result], tools=[WEATHER]
        )
        assert second.previous_response_id == first.id
    else:
        whole = [*asked, *(item.model_dump(exclude_none=True) for item in first.output), result]
        second = await client.responses.create(model="gpt-4o", input=whole, tools=[WEATHER], store=False)
    assert second.output_text == "get_weather answered: sunny"


async def test_a_custom_tool_gets_the_text(client: openai.AsyncOpenAI) -> None:
    tool: Any = {"type": "custom", "name": "run_code"}
    stream: Any = await client.responses.create(
        model="gpt-4o", input="some code: print(1)", tools=[tool], tool_choice="required", stream=True
    )
    events = [event async for event in stream]
    assert "response.custom_tool_call_input.delta" in [event.type for event in events]
    (call,) = events[-1].response.output
    assert (call.type, call.name, call.input) == ("custom_tool_call", "run_code", "some code: print(1)")
    result: Any = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "1"}
    sent: Any = [{"role": "user", "content": "some code: print(1)"}, call.model_dump(exclude_none=True), result]
    answer: Any = await client.responses.create(model="gpt-4o", input=sent, tools=[tool])
    assert answer.output_text == "run_code answered: 1"


async def test_reasoning_is_shown_to_those_who_ask_and_can_be_sent_back(
    emulate: Emulate, closing: AsyncExitStack
) -> None:
    served = emulate("rules: [{when: hi, reasoning: I think, text: Hello}]")
    client = await closing.enter_async_context(served.v1())
    silent: Any = await client.responses.create(model="gpt-5", input="hi")
    assert [item.type for item in silent.output] == ["reasoning", "message"]
    assert silent.output[0].summary == []
    shown: Any = await client.responses.create(
        model="gpt-5",
        input="hi",
        reasoning={"summary": "auto"},
        include=["reasoning.encrypted_content"],
        store=False,
    )
    reasoning: Any = shown.output[0]
    assert ("".join(part.text for part in reasoning.summary), bool(reasoning.encrypted_content)) == ("I think", True)
    sent: Any = [{"role": "user", "content": "hi"}, *(item.model_dump(exclude_none=True) for item in shown.output)]
    again: Any = await client.responses.create(model="gpt-5", input=[*sent, {"role": "user", "content": "Bye"}])
    assert again.output_text == "You said: Bye"


async def test_a_stored_response_is_read_listed_and_deleted(client: openai.AsyncOpenAI) -> None:
    made: Any = await client.responses.create(model="gpt-4o", input="Hello")
    assert await client.responses.retrieve(made.id) == made
    listed: Any = await client.responses.input_items.list(made.id)
    (item,) = listed.data
    assert item.content[0].text == "Hello"
    await client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError, match=made.id):
        await client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError, match="Previous response") as refused:
        await client.responses.create(model="gpt-4o", previous_response_id=made.id, input="Hello")
    assert refused.value.code == "previous_response_not_found"


async def test_what_shall_not_be_stored_is_not(client: openai.AsyncOpenAI) -> None:
    made: Any = await client.responses.create(model="gpt-4o", input="Hello", store=False)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(made.id)


async def test_a_stored_item_may_be_named_by_its_id(client: openai.AsyncOpenAI) -> None:
    made: Any = await client.responses.create(model="gpt-4o", input="Hello")
    named: Any = [{"type": "item_reference", "id": made.output[0].id}, {"role": "user", "content": "And now?"}]
    assert (await client.responses.create(model="gpt-4o", input=named)).output_text == "You said: And now?"
    with pytest.raises(openai.NotFoundError, match="msg_unknown"):
        await client.responses.create(model="gpt-4o", input=[{"type": "item_reference", "id": "msg_unknown"}])


async def test_an_answer_beyond_its_limit_is_incomplete(client: openai.AsyncOpenAI) -> None:
    response: Any = await client.responses.create(model="gpt-4o", input="many words " * 30, max_output_tokens=16)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output[-1].status == "incomplete"


async def test_the_models_are_listed(client: openai.AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]
    assert {"gpt-4o", "gpt-5", "text-embedding-3-small", "gpt-image-1"} <= set(names)
    assert (await client.models.retrieve("any-deployment")).id == "any-deployment"


@pytest.mark.slow
async def test_langchain_asks_over_it(plain: Emulator) -> None:
    # Imported here: it takes a second, and every run of any test collects this module.
    from langchain_openai import AzureChatOpenAI

    async with openai.DefaultAsyncHttpx2Client(**PLAIN) as http:
        model = AzureChatOpenAI(
            azure_endpoint=plain.url,
            azure_deployment="gpt-4o",
            api_version="2025-04-01-preview",
            api_key=SecretStr(KEY),
            use_responses_api=True,
            max_retries=0,
            http_async_client=http,
        )
        assert (await model.ainvoke("Hello")).text == "You said: Hello"
        streamed = [chunk.text async for chunk in model.astream("Hello")]
        assert "".join(streamed) == "You said: Hello"
        structured = await model.with_structured_output(Person).ainvoke("Ada Lovelace is 36 years old")
    assert isinstance(structured, Person)
    assert structured.age == 36
