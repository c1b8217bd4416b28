"""Requests to the model: on every surface of Azure and of other engines, with what is set and nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from mockbackend.emulator.images.drawing import draw
from mockbackend.upstream.chat.alternation import NO_ANSWER
from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.api import stored
from tests.harness.emulator import KEY, Emulator, Rule
from tests.harness.service import Server
from tests.harness.world import World, start_world

RULES: list[Rule] = [
    {"when": {"equals": "empty"}, "text": []},
    {"when": {"equals": "too long"}, "text": ["One ", "two"], "finish": "length"},
    {"when": {"equals": "deltas"}, "text": ["a", "b", "c\n", "ü", "\u2028"], "tokens_per_second": 50},
    {"when": {"equals": "think"}, "reasoning": "Hm. Yes.", "text": "Well."},
    {"when": {"equals": "refuse me"}, "fault": {"kind": "prompt_filter"}},
    {
        "when": {"equals": "refused with the result"},
        "steps": [
            {"tool_calls": [{"name": "get_current_time", "arguments": {}}]},
            {"fault": {"kind": "prompt_filter"}},
        ],
    },
    {"when": {"equals": "no usage, please"}, "fault": {"kind": "refuse", "parameter": "stream_options"}},
    {"when": {"equals": "no warmth"}, "fault": {"kind": "refuse", "parameter": "temperature", "style": "value"}},
    {"when": {"equals": "no effort"}, "fault": {"kind": "refuse", "parameter": "reasoning_effort", "style": "unknown"}},
    {"when": {"equals": "old name"}, "fault": {"kind": "refuse", "parameter": "max_completion_tokens"}},
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("requests")
    env = {"SYSTEM_PROMPT": "Be kind."}
    with start_world(folder, RULES, env, image="gpt-image-1") as both:
        yield both


@pytest.fixture
async def client(running: World) -> Any:
    async with running.server.client() as logged_in:
        yield logged_in


def _openai(emulator: Emulator) -> dict[str, str]:
    names = {"OPENAI_MODEL": "gpt-4o", "OPENAI_IMAGE_MODEL": "gpt-image-1"}
    return {"OPENAI_BASE_URL": f"{emulator.url}/v1", "OPENAI_API_KEY": KEY, **names}


# The settings' version, and where chat and images are then asked.
SURFACES = {
    "2024-10-21": ("/openai/deployments/gpt-4o/", "/openai/deployments/gpt-image-1/"),
    "2025-04-01-preview": ("/openai/deployments/gpt-4o/", "/openai/deployments/gpt-image-1/"),
    "v1": ("/openai/v1/", "/openai/v1/"),
    "": ("/openai/v1/", "/openai/v1/"),
    "OPENAI_BASE_URL": ("/v1/", "/v1/"),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("surface", SURFACES)
async def test_chat_and_images_are_requested_on_the_surface_that_is_set(
    running: World, start_server: StartServer, surface: str
) -> None:
    emulator = running.emulator
    azure = emulator.settings(surface, image="gpt-image-1")
    settings = _openai(emulator) if surface == "OPENAI_BASE_URL" else azure
    chatted, drawn = f"Hello {surface}", f"A fox {surface}"
    async with start_server(settings).client() as client:
        answer = await chat(client, {"message": chatted})
        assert (answer.text, answer.errors) == (f"You said: {chatted}", []), answer.body
        assert answer.values("d")[0]["usage"]["promptTokens"] > 0
        image = await chat(client, {"message": drawn, "mode": "image"})
        assert (image.codes, image.errors) == ("f20ed", [])
    paths = {
        str(request["body"].get("prompt") or request["body"]["messages"][-1]["content"]): request["path"].partition(
            "?"
        )[0]
        for request in emulator.requests()
        if request["body"]
    }
    chat_path, image_path = SURFACES[surface]
    assert paths[chatted] == f"{chat_path}chat/completions"
    assert paths[drawn] == f"{image_path}images/generations"
    assert emulator.asked(chatted)[0]["model"] == "gpt-4o"
    assert emulator.asked(drawn)[0] == {"model": "gpt-image-1", "prompt": drawn, "n": 1, "size": "1024x1024"}


async def test_a_setting_that_is_absent_is_not_sent(running: World, client: httpx2.AsyncClient) -> None:
    await chat(client, {"message": "bare", "temperature": 1.5, "tools": [], "model": "other", "max_tokens": 3})
    (sent,) = running.emulator.asked("bare")
    assert sent["stream_options"] == {"include_usage": True}
    assert sent["stream"] is True
    assert set(sent) == {"model", "messages", "stream", "stream_options", "tools"}
    assert sent["model"] == "gpt-4o"


async def test_one_system_message_says_all_and_what_the_body_says_is_for_that_turn_only(
    running: World, client: httpx2.AsyncClient
) -> None:
    messages = [{"role": "system", "content": "Rhyme."}, {"role": "user", "content": "rhymed"}]
    answer = await chat(client, {"messages": messages})
    assert answer.errors == []
    await chat(client, {"id": answer.conversation_id, "message": "plain", "system": "Shout."})
    await chat(client, {"id": answer.conversation_id, "message": "last"})
    opening = {
        prompt: [message for message in running.emulator.asked(prompt)[0]["messages"] if message["role"] == "system"]
        for prompt in ("rhymed", "plain", "last")
    }
    said = {"rhymed": "Be kind.\n\nRhyme.", "plain": "Be kind.\n\nShout.", "last": "Be kind."}
    assert opening == {prompt: [{"role": "system", "content": words}] for prompt, words in said.items()}
    assert running.emulator.asked("last")[0]["messages"][0]["role"] == "system"
    assert {message["role"] for message in await stored(client, answer.conversation_id)} == {"user", "assistant"}


async def test_an_assistants_image_is_sent_back_as_text(running: World, client: httpx2.AsyncClient) -> None:
    answer = await chat(client, {"message": "A red fox", "mode": "image"})
    again = await chat(client, {"id": answer.conversation_id, "message": "What did you make?"})
    assert again.errors == []
    _, asked, image, last = running.emulator.asked("What did you make?")[0]["messages"]
    assert (asked["content"], last["content"]) == ("A red fox", "What did you make?")
    assert image["role"] == "assistant"
    assert image["content"] == "[An image was made and shown here]"


async def test_a_users_image_is_sent_as_a_data_url(running: World, client: httpx2.AsyncClient) -> None:
    url = "data:image/png;base64," + base64.b64encode(draw("x", (16, 16), "png", False)).decode()
    parts = [{"type": "text", "text": "seen?"}, {"type": "image_url", "image_url": {"url": url}}]
    answer = await chat(client, {"messages": [{"role": "user", "content": parts}]})
    assert answer.text == "You said: seen? (and I see 1 image)"
    sent = running.emulator.asked("seen?")[0]["messages"][-1]["content"]
    assert sent == [{"type": "text", "text": "seen?"}, {"type": "image_url", "image_url": {"url": url}}]


async def test_no_more_images_are_sent_than_azure_takes(running: World, client: httpx2.AsyncClient) -> None:
    url = "data:image/png;base64," + base64.b64encode(draw("x", (16, 16), "png", False)).decode()
    parts = [{"type": "text", "text": "thirty"}, *[{"type": "image_url", "image_url": {"url": url}}] * 30]
    first = await chat(client, {"messages": [{"role": "user", "content": parts}]})
    answer = await chat(client, {"id": first.conversation_id, "message": {"role": "user", "content": parts}})
    assert answer.errors == []
    older, newer = (message["content"][1:] for message in running.emulator.asked("thirty")[-1]["messages"][1::2])
    assert [part["type"] for part in older] == ["text"] * 10 + ["image_url"] * 20
    assert [part["type"] for part in newer] == ["image_url"] * 30


async def test_an_empty_message_is_not_sent(running: World, client: httpx2.AsyncClient) -> None:
    nothing: list[dict[str, Any]] = [{"role": "user", "content": ""}, {"role": "user", "parts": [{"type": "file-end"}]}]
    answer = await chat(client, {"messages": [*nothing, {"role": "user", "content": "something"}]})
    assert answer.errors == []
    (sent,) = running.emulator.asked("something")
    assert [message["content"] for message in sent["messages"]] == ["Be kind.", "something"]


async def test_a_refused_prompt_is_never_sent_again(running: World, client: httpx2.AsyncClient) -> None:
    answer = await chat(client, {"message": "refuse me"})
    assert "rephrase" in answer.errors[0]
    for words in ("something else", "and more"):
        after = await chat(client, {"id": answer.conversation_id, "message": words})
        assert after.errors == []
    (sent,) = running.emulator.asked("and more")
    assert "refuse me" not in str(sent)
    assert (await stored(client, answer.conversation_id))[0]["content"] == "refuse me"


async def test_a_tools_result_is_never_sent_again_once_it_was_refused(
    running: World, client: httpx2.AsyncClient
) -> None:
    answer = await chat(client, {"message": "refused with the result"})
    assert answer.values("a")
    assert "rephrase" in answer.errors[0]
    after = await chat(client, {"id": answer.conversation_id, "message": "after the result"})
    assert after.errors == []
    (sent,) = running.emulator.asked("after the result")
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    said = (await stored(client, answer.conversation_id))[1]["parts"]
    assert [part["type"] for part in said] == ["step-start", "tool-invocation", "step-start"]


async def test_every_delta_is_a_line_of_its_own(client: httpx2.AsyncClient) -> None:
    answer = await chat(client, {"message": "deltas"})
    assert answer.values("0") == ["a", "b", "c\n", "ü", "\u2028"]
    assert answer.codes == "f00000ed"


async def test_reasoning_is_shown_and_not_sent_back(running: World, client: httpx2.AsyncClient) -> None:
    answer = await chat(client, {"message": "think"})
    assert "".join(answer.values("g")) == "Hm. Yes."
    assert answer.text == "Well."
    await chat(client, {"id": answer.conversation_id, "message": "go on"})
    assert "Hm." not in str(running.emulator.asked("go on")[0]["messages"])


async def test_an_empty_answer_is_complete_and_sent_back_as_none(running: World, client: httpx2.AsyncClient) -> None:
    answer = await chat(client, {"message": "empty"})
    assert answer.codes == "fed"
    assert answer.values("d")[0]["finishReason"] == "stop"
    again = await chat(client, {"id": answer.conversation_id, "message": "go on, please"})
    assert again.errors == []
    _, *said = running.emulator.asked("go on, please")[0]["messages"]
    assert [(message["role"], message["content"]) for message in said] == [
        ("user", "empty"),
        ("assistant", NO_ANSWER),
        ("user", "go on, please"),
    ]


async def test_an_answer_at_the_token_limit_ends_with_length(client: httpx2.AsyncClient) -> None:
    answer = await chat(client, {"message": "too long"})
    assert (answer.text, answer.values("d")[0]["finishReason"]) == ("One two", "length")
    assert "annotations" not in (await stored(client, answer.conversation_id))[1]


async def _sent(server: Server, emulator: Emulator, prompt: str) -> list[set[str]]:
    """Ask; gives the optional parameters of each request that was made."""
    async with server.client() as client:
        answer = await chat(client, {"message": prompt})
    assert (answer.text, answer.errors) == (f"You said: {prompt}", [])
    assert "2" not in answer.codes
    always = {"model", "messages", "stream", "tools"}
    return [set(body) - always for body in emulator.asked(prompt)]


@pytest.mark.slow
async def test_settings_are_sent_until_the_model_refuses_them(running: World, start_server: StartServer) -> None:
    chosen = {"CHAT_TEMPERATURE": "0", "CHAT_MAX_TOKENS": "500", "CHAT_REASONING_EFFORT": "low"}
    server = start_server({**running.emulator.settings(), **chosen})
    every = {"stream_options", "temperature", "max_completion_tokens", "reasoning_effort"}
    emulator = running.emulator
    assert await _sent(server, emulator, "all of it") == [every]
    assert await _sent(server, emulator, "no warmth") == [every, every - {"temperature"}]
    every -= {"temperature"}
    assert await _sent(server, emulator, "no effort") == [every, every - {"reasoning_effort"}]
    assert await _sent(server, emulator, "old name") == [
        {"stream_options", "max_completion_tokens"},
        {"stream_options", "max_tokens"},
    ]
    assert await _sent(server, emulator, "no usage, please") == [{"stream_options", "max_tokens"}, {"max_tokens"}]
    # Remembered for the deployment: no request is made twice any more.
    assert await _sent(server, emulator, "and now") == [{"max_tokens"}]


async def test_all_refusals_of_a_reasoning_model_are_learned_in_one_turn(
    running: World, start_server: StartServer
) -> None:
    settings = running.emulator.settings(chat="gpt-5-mini")
    server = start_server({**settings, "CHAT_TEMPERATURE": "0.2", "CHAT_MAX_TOKENS": "500"})
    first = await _sent(server, running.emulator, "reason")
    assert first == [
        {"stream_options", "temperature", "max_completion_tokens"},
        {"stream_options", "max_completion_tokens"},
    ]
    assert await _sent(server, running.emulator, "reason again") == first[1:]
