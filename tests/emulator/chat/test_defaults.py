"""What the emulator says without a script."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.emulator import Emulator, tool

ALL = [tool(name) for name in ("get_current_time", "search_documents", "generate_image", "other")]


async def first_call(served: Emulator, question: str, **body: Any) -> tuple[str, str] | None:
    """Name and arguments of the tool call that answers, None for words."""
    message = (await served.chat(question, **{"tools": ALL, **body})).json()["choices"][0]["message"]
    calls = message.get("tool_calls")
    return (calls[0]["function"]["name"], calls[0]["function"]["arguments"]) if calls else None


async def after(served: Emulator, name: str, result: str, question: str = "well?") -> str:
    """What is said once a tool has answered."""
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{}"}}
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": result},
    ]
    body = {"messages": messages, "tools": ALL}
    answer = (await served.post("chat/completions", "gpt-4o", body)).json()
    content: str = answer["choices"][0]["message"]["content"]
    return content


@pytest.mark.parametrize(
    ("question", "zone"),
    [
        ("What time is it?", "UTC"),
        ("time in Europe/Oslo please", "Europe/Oslo"),
        ("TIME in america/argentina/buenos_aires", "America/Argentina/Buenos_Aires"),
        ("What's the time in New York?", "America/New_York"),
    ],
)
async def test_a_question_for_the_time_calls_the_time_tool(plain: Emulator, question: str, zone: str) -> None:
    assert await first_call(plain, question) == ("get_current_time", f'{{"timezone":"{zone}"}}')


async def test_a_question_about_documents_searches_them(plain: Emulator) -> None:
    call = await first_call(plain, "What do my files say of foxes?")
    assert call == ("search_documents", '{"query":"What do my files say of foxes?"}')


async def test_a_wish_for_a_drawing_calls_the_image_tool(plain: Emulator) -> None:
    assert await first_call(plain, "Paint a fox") == ("generate_image", '{"prompt":"Paint a fox"}')


@pytest.mark.parametrize("question", ["Sometimes I profile drawers", "hello"])
async def test_other_words_are_echoed(plain: Emulator, question: str) -> None:
    assert await first_call(plain, question) is None
    assert (await plain.chat(question, tools=ALL)).json()["choices"][0]["message"]["content"] == f"You said: {question}"


async def test_no_tool_is_called_that_was_not_offered(plain: Emulator) -> None:
    assert await first_call(plain, "What time is it?", tools=[tool("other")]) is None
    assert await first_call(plain, "What time is it?", tool_choice="none") is None


async def test_a_forced_tool_is_called_whatever_was_said(plain: Emulator) -> None:
    choice = {"type": "function", "function": {"name": "other"}}
    assert await first_call(plain, "hello", tool_choice=choice) == ("other", "{}")
    assert await first_call(plain, "hello", tool_choice="required") == ("get_current_time", '{"timezone":"UTC"}')


@pytest.mark.parametrize(
    ("name", "result", "said"),
    [
        ("get_current_time", "12:30", "The current time is 12:30."),
        ("get_current_time", '{"time": "12:30", "zone": "UTC"}', "The current time is time: 12:30, zone: UTC."),
        ("generate_image", "done", "Here is the image that you asked for."),
        ("other", "42", "other answered: 42"),
        ("search_documents", "[]", "I found nothing about that in the documents."),
        ("search_documents", '[{"name": "a.pdf", "text": "Red."}]', "According to a.pdf: Red."),
        (
            "search_documents",
            '{"passages": [{"file": "a.pdf", "content": "Red."}, {"file": "b.txt", "content": "Blue."}]}',
            "According to a.pdf: Red.\n\nAccording to b.txt: Blue.",
        ),
        ("search_documents", "Foxes are red.", "The documents say: Foxes are red."),
    ],
)
async def test_a_tools_result_is_put_in_words(plain: Emulator, name: str, result: str, said: str) -> None:
    assert await after(plain, name, result) == said


async def test_a_new_question_is_no_longer_about_the_last_tool(plain: Emulator) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "other", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "time"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "1"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "thanks"},
    ]
    answer = (await plain.post("chat/completions", "gpt-4o", {"messages": messages})).json()
    assert answer["choices"][0]["message"]["content"] == "You said: thanks"


async def test_images_in_a_question_are_counted(plain: Emulator) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    content = [{"type": "text", "text": "look"}, image, image]
    answer = await plain.post("chat/completions", "gpt-4o", {"messages": [{"role": "user", "content": content}]})
    assert answer.json()["choices"][0]["message"]["content"] == "You said: look (and I see 2 images)"


async def test_an_answer_that_is_too_long_is_cut_at_the_limit(plain: Emulator) -> None:
    answer = (await plain.chat("one two three four", max_tokens=3)).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["message"]["content"] == "You said:"
    assert answer["usage"]["completion_tokens"] == 3
