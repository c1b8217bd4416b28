"""What the emulator says without a script."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from mockbackend.mock.script.load import read_script, to_script
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
        (
            "get_current_time",
            '{"timezone": "Europe/Berlin", "time": "2026-11-29T13:56:23+01:00"}',
            "The current time is **13:56** in Europe/Berlin, on Sunday, 29 November 2026.",
        ),
        ("get_current_time", '{"timezone": "UTC", "time": "soon"}', "The current time is timezone: UTC, time: soon."),
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Salt is white. Foxes are red! Gulls cry.", "Foxes are red!"),
        ("# Birds\nowl | hoot\n\nfox | bark", "fox | bark"),
        ("塩は白い。狐は赤い。fox。", "fox。"),
        ("Nothing of it. At all.", "Nothing of it."),
    ],
)
async def test_of_a_passage_the_sentence_with_the_words_is_quoted(plain: Emulator, text: str, said: str) -> None:
    passages = orjson.dumps([{"name": "a.md", "text": text}] * 2).decode()
    assert await after(plain, "search_documents", passages, "What of the fox?") == f"According to a.md: {said}"


async def test_of_a_sentence_without_an_end_a_stretch_is_quoted(plain: Emulator) -> None:
    said = await after(plain, "search_documents", "salt " * 100 + "a fox " + "gull " * 100, "fox?")
    assert said.startswith("The documents say: …")
    assert "salt a fox gull" in said
    assert said.endswith("…")
    assert len(said) < 330


@pytest.mark.parametrize("question", ["help", "Help!", "What can I do here?", "Explain how an answer is streamed"])
async def test_help_and_the_pages_examples_are_answered_with_one_of_everything(plain: Emulator, question: str) -> None:
    message = (await plain.chat(question, tools=ALL)).json()["choices"][0]["message"]
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["get_current_time", "search_documents"]
    assert message["reasoning_content"]
    text = await after(plain, "get_current_time", "12:30", question)
    assert text.startswith("The current time is 12:30.\n\n# ")
    for part in ("\n## ", "\n1. ", "\n| ", "|---|", "\n```python\n", "\\( ", "\n\n$$ "):
        assert part in text, part
    assert len(set(re.findall(r"^```(\w+)$", text, re.MULTILINE))) >= 2
    for script in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        to_script(read_script(script.encode()))
    # Without tools, or where JSON is asked for.
    alone = (await plain.chat(question)).json()["choices"][0]["message"]
    assert alone["content"].startswith("# ")
    assert alone["reasoning_content"]
    assert [one["type"] for one in alone["annotations"]] == ["url_citation"]
    messages = [{"role": "system", "content": "Answer in JSON."}, {"role": "user", "content": question}]
    as_json = await plain.chat(messages=messages, response_format={"type": "json_object"})
    assert orjson.loads(as_json.json()["choices"][0]["message"]["content"]) is not None


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


WEATHER = {
    "type": "function",
    "function": {
        "name": "getWeather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city", "days"],
        },
    },
}


@pytest.mark.parametrize(
    ("question", "arguments"),
    [
        ("How is the weather in Oslo for 3 days?", '{"city":"Oslo","days":3}'),
        ("weather?", '{"city":"city","days":1}'),
    ],
)
async def test_a_tool_whose_name_is_said_is_called_with_arguments_of_its_schema(
    plain: Emulator, question: str, arguments: str
) -> None:
    assert await first_call(plain, question, tools=[WEATHER]) == ("getWeather", arguments)


async def test_a_tool_that_must_be_called_gets_arguments_of_its_schema(plain: Emulator) -> None:
    call = await first_call(plain, "hello", tools=[WEATHER], tool_choice="required")
    assert call == ("getWeather", '{"city":"city","days":1}')


async def test_of_the_tools_that_are_allowed_one_is_called(plain: Emulator) -> None:
    other = {"type": "function", "function": {"name": "other"}}
    allowed = {"mode": "required", "tools": [other]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    assert await first_call(plain, "weather in Oslo?", tools=[WEATHER, other], tool_choice=choice) == ("other", "{}")


async def test_a_time_tool_of_another_schema_gets_arguments_of_that(plain: Emulator) -> None:
    own = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
    offered = {"type": "function", "function": {"name": "get_current_time", "parameters": own}}
    assert await first_call(plain, "time in Oslo?", tools=[offered]) == ("get_current_time", '{"place":"Oslo"}')


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_custom_tool_gets_the_text(plain: Emulator, streamed: bool) -> None:
    offered = [{"type": "custom", "custom": {"name": "run_code"}}]
    if streamed:
        chunks = (await plain.stream("Run some code", tools=offered)).documents
        pieces = [
            piece for one in chunks for choice in one["choices"] for piece in choice["delta"].get("tool_calls", ())
        ]
        name = pieces[0]["custom"]["name"]
        said = "".join(piece["custom"].get("input", "") for piece in pieces)
    else:
        (call,) = (await plain.chat("Run some code", tools=offered)).json()["choices"][0]["message"]["tool_calls"]
        assert call["type"] == "custom"
        name, said = call["custom"]["name"], call["custom"]["input"]
    assert (name, said) == ("run_code", "Run some code")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [(r"\d+", "3"), (r"[A-Z]{2}-\d{3}", "AA-000"), ("b{9999999999}", "text")],
)
async def test_a_custom_tool_gets_what_its_grammar_allows(plain: Emulator, pattern: str, said: str) -> None:
    form = {"type": "grammar", "grammar": {"syntax": "regex", "definition": pattern}}
    offered = [{"type": "custom", "custom": {"name": "run_code", "format": form}}]
    (call,) = (await plain.chat("run code 3", tools=offered)).json()["choices"][0]["message"]["tool_calls"]
    assert call["custom"]["input"] == said


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_schema", "json_schema": {"name": "x", "schema": WEATHER["function"]["parameters"]}},  # type: ignore[index]
        {"type": "json_object"},
    ],
)
async def test_an_answer_that_shall_be_json_is_json(plain: Emulator, form: dict[str, Any]) -> None:
    content = (await plain.chat("Oslo, 5 days, as JSON", response_format=form)).json()["choices"][0]["message"][
        "content"
    ]
    assert orjson.loads(content) == ({"city": "Oslo", "days": 5} if form["type"] == "json_schema" else {})


async def test_any_object_has_the_keys_that_are_quoted(plain: Emulator) -> None:
    question = "Tell a joke as JSON with 'setup' and \"punch line\" keys; don't say cat's"
    content = (await plain.chat(question, response_format={"type": "json_object"})).json()["choices"][0]["message"]
    assert list(orjson.loads(content["content"])) == ["setup", "punch line"]
    question = 'Give JSON with "name" and "age" of Ada Lovelace, who is 36.'
    content = (await plain.chat(question, response_format={"type": "json_object"})).json()["choices"][0]["message"]
    assert orjson.loads(content["content"]) == {"name": "Ada Lovelace", "age": 36}


async def test_an_answer_ends_where_a_stop_text_begins(plain: Emulator) -> None:
    choice = (await plain.chat("one two three", stop=["wo t", "three"])).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("You said: one t", "stop")
    assert (await plain.stream("one two three", stop=" two")).texts == ["You", " said:", " one"]


async def test_several_choices_are_given(plain: Emulator) -> None:
    whole = (await plain.chat("hi", n=3)).json()["choices"]
    assert [choice["index"] for choice in whole] == [0, 1, 2]
    assert {choice["message"]["content"] for choice in whole} == {"You said: hi"}
    streamed = (await plain.stream("hi", n=2)).documents
    for index in (0, 1):
        mine = [choice for one in streamed for choice in one["choices"] if choice["index"] == index]
        assert "".join(choice["delta"].get("content") or "" for choice in mine) == "You said: hi"
        assert mine[-1]["finish_reason"] == "stop"


async def test_log_probabilities_are_given_to_those_who_ask(plain: Emulator) -> None:
    asked: Any = {"logprobs": True, "top_logprobs": 1}
    whole = (await plain.chat("hi", **asked)).json()["choices"][0]["logprobs"]["content"]
    assert [entry["token"] for entry in whole] == ["You", " said:", " hi"]
    assert [len(entry["top_logprobs"]) for entry in whole] == [1, 1, 1]
    streamed = (await plain.stream("hi", **asked)).documents
    found = [choice["logprobs"] for one in streamed for choice in one["choices"] if choice.get("logprobs")]
    assert [entry["token"] for one in found for entry in one["content"]] == ["You", " said:", " hi"]
