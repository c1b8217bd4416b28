"""The jobs in pytest, whose fixtures come with the package."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from mockbackend.mock.pytest_plugin import AzureScenario, Scenario
from tests.mock.jobs.client import ask, lines, result_of

# A server is started for them.
pytestmark = pytest.mark.slow


def test_start_it_and_get_an_address(mock_backend: Scenario) -> None:
    assert ask(mock_backend.url, mock_backend.headers, "hi")


def test_this_answer_for_this_prompt(mock_backend: Scenario) -> None:
    mock_backend.rules({"when": "hi", "text": "Hello!"})
    assert ask(mock_backend.url, mock_backend.headers, "hi") == "Hello!"


def test_a_tool_call_and_then_words(mock_backend: Scenario) -> None:
    call = {"name": "get_current_time", "arguments": {"timezone": "Europe/Oslo"}}
    mock_backend.rules({"when": "time", "steps": [{"tool_calls": [call]}, {"text": "It is late."}]})
    assert [line[0] for line in lines(mock_backend.url, mock_backend.headers, "time")][-6:] == [*"f000ed"]


def test_busy_and_then_an_answer(mock_backend: Scenario) -> None:
    busy = {"when": "hi", "times": 1, "fault": {"kind": "status", "status": 429, "retry_after_ms": 10}}
    mock_backend.rules(busy, {"text": "Hello!"})
    assert ask(mock_backend.url, mock_backend.headers, "hi") == "Hello!"
    mock_backend.assert_well_behaved()


def test_a_cut_in_mid_stream(mock_backend: Scenario) -> None:
    headers = {**mock_backend.headers, "x-mock": "cut=2"}
    assert lines(mock_backend.url, headers, "hi")[-1] == "cut"


def test_slow_tokens(mock_backend: Scenario) -> None:
    mock_backend.rules({"text": ["one ", "two ", "three"], "tokens_per_second": 20})
    began = time.monotonic()
    assert ask(mock_backend.url, mock_backend.headers, "hi") == "one two three"
    assert time.monotonic() - began >= 0.1


def test_a_stream_that_is_held_still(mock_backend: Scenario) -> None:
    mock_backend.rules({"text": ["one ", "two ", "three"], "hold": 1})
    with ThreadPoolExecutor(1) as beside:
        answer = beside.submit(ask, mock_backend.url, mock_backend.headers, "hi")
        assert [call["on"] for call in mock_backend.held()] == ["chat"]
        assert mock_backend.release() == 1
        assert answer.result(30) == "one two three"


def test_a_call_that_waits_for_the_front_end(mock_backend: Scenario) -> None:
    form = {"name": "ask_form", "arguments": {}, "client": True}
    mock_backend.rules({"steps": [{"tool_calls": [form]}, {"text": "To {{tool.result}}, then."}]})
    asked = lines(mock_backend.url, mock_backend.headers, "a trip", id="trip")
    answer = result_of(asked, "Oslo")
    assert ask(mock_backend.url, mock_backend.headers, "", id="trip", messages=answer) == "To Oslo, then."
    mock_backend.assert_well_behaved()


def test_the_content_filter(mock_backend: Scenario) -> None:
    mock_backend.rules({"when": "bomb", "fault": {"kind": "prompt_filter"}})
    assert lines(mock_backend.url, mock_backend.headers, "bomb")[1].startswith('3:"')


def test_embeddings(mock_azure: AzureScenario) -> None:
    mock_azure.rules({"kind": "embedding", "times": 1, "fault": {"kind": "status", "status": 503}})
    with openai.OpenAI(max_retries=1) as client:
        vectors = client.embeddings.create(model="text-embedding-3-small", input="fox")
    assert [entry["status"] for entry in mock_azure.journal("embedding")] == [503, 200]
    assert len(vectors.data) == 1


def test_an_image(mock_backend: Scenario) -> None:
    mock_backend.rules({"kind": "image", "when": "fox", "delay": 0.1})
    assert "](http://127.0.0.1:" in ask(mock_backend.url, mock_backend.headers, "fox", mode="image")


def test_the_next_answer_only_once_and_what_was_sent(mock_backend: Scenario) -> None:
    mock_backend.next({"text": "Only once."})
    assert ask(mock_backend.url, mock_backend.headers, "hi") == "Only once."
    assert ask(mock_backend.url, mock_backend.headers, "hello") != "Only once."
    assert [entry["body"]["message"] for entry in mock_backend.journal(side="front")] == ["hi", "hello"]


def test_reset(mock_backend: Scenario) -> None:
    mock_backend.next({"text": "Never."})
    mock_backend.rules()
    assert ask(mock_backend.url, mock_backend.headers, "hi") != "Never."


def test_a_verdict(mock_backend: Scenario) -> None:
    for _ in range(2):
        ask(mock_backend.url, mock_backend.headers, "hi")
    with pytest.raises(AssertionError, match="fail double_send: Call 3 sends the text of call 1 once more"):
        mock_backend.assert_well_behaved()


def test_a_program_that_calls_azure_is_unchanged(mock_azure: AzureScenario) -> None:
    mock_azure.rules({"when": "hi", "text": "Hello from Azure."})
    messages: Any = [{"role": "user", "content": "hi"}]
    for program in (openai.AzureOpenAI, openai.OpenAI):
        with program() as client:
            answer = client.chat.completions.create(model="gpt-4o", messages=messages)
        assert answer.choices[0].message.content == "Hello from Azure."
    mock_azure.assert_well_behaved()


def test_a_script_with_problems_is_refused_with_all_of_them(mock_backend: Scenario) -> None:
    with pytest.raises(AssertionError) as caught:
        mock_backend.rules({"wen": "hi"}, {"text": 3})
    assert "did you mean" in str(caught.value)
    assert str(caught.value).count("\n") == 2
