"""GET /conversations/{id}: the messages as AI SDK 4 takes them for its initial messages."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.harness.answers import chat, lines, next_of
from tests.harness.api import data_url, png, say, texts
from tests.harness.model import Upstream
from tests.harness.service import Server


async def read(client: httpx2.AsyncClient, conversation_id: str) -> list[dict[str, Any]]:
    response = await client.get(f"/conversations/{conversation_id}")
    assert response.status_code == 200, response.text
    messages: list[dict[str, Any]] = response.json()["messages"]
    return messages


async def test_text_is_a_part_and_the_content(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "Grüße\n\u2028 😀")
    user, assistant = await read(client, answer.conversation_id)
    assert set(user) == set(assistant) == {"id", "role", "content", "createdAt", "parts"}
    assert (user["role"], user["content"]) == ("user", "Grüße\n\u2028 😀")
    assert user["parts"] == [{"type": "text", "text": "Grüße\n\u2028 😀"}]
    assert (assistant["role"], assistant["content"]) == ("assistant", answer.text)
    assert assistant["parts"] == [{"type": "step-start"}, {"type": "text", "text": answer.text}]
    # The id in the stream is the one that is stored.
    assert assistant["id"] == answer.values("f")[0]["messageId"]
    for message in (user, assistant):
        age = datetime.now(UTC) - datetime.fromisoformat(message["createdAt"])
        assert timedelta() <= age < timedelta(minutes=1)


async def test_a_repeated_id_stays_with_the_first_message(client: httpx2.AsyncClient) -> None:
    said = [("user", "one"), ("assistant", "two"), ("user", "three")]
    sent = [{"id": "same", "role": role, "content": content} for role, content in said]
    answer = await chat(client, {"messages": sent})
    ids = [message["id"] for message in await read(client, answer.conversation_id)]
    assert ids[0] == "same"
    assert len(set(ids)) == 4


async def test_a_tool_call_is_an_invocation_with_its_result_in_the_step_that_made_it(
    client: httpx2.AsyncClient,
) -> None:
    answer = await say(client, "What time is it in Oslo?")
    assert re.sub(r"(.)\1+", r"\1", answer.codes) == "fbc9aef0ed"
    (called,), (returned,) = answer.values("9"), answer.values("a")
    _, assistant = await read(client, answer.conversation_id)
    invocation = {"state": "result", "step": 0, **called, "result": returned["result"]}
    assert assistant["parts"] == [
        {"type": "step-start"},
        {"type": "tool-invocation", "toolInvocation": invocation},
        {"type": "step-start"},
        {"type": "text", "text": answer.text},
    ]
    assert assistant["toolInvocations"] == [invocation]
    assert assistant["content"] == answer.text
    assert invocation["args"] == {"timezone": "Europe/Oslo"}


async def test_an_image_is_markdown_in_the_answer(client: httpx2.AsyncClient) -> None:
    answer = await chat(client, {"message": "A red fox", "mode": "image"})
    assert re.fullmatch("f2+0ed", answer.codes)
    assert re.fullmatch(r"!\[Generated Image\]\(http://127\.0\.0\.1:\d+/images/[\w-]{32}\)(.|\n)*", answer.text)
    user, assistant = await read(client, answer.conversation_id)
    assert user["content"] == "A red fox"
    assert assistant["parts"] == [{"type": "step-start"}, {"type": "text", "text": answer.text}]


async def test_a_chat_continues_after_an_image(client: httpx2.AsyncClient) -> None:
    made = await chat(client, {"message": "A red fox", "mode": "image"})
    await say(client, "Thank you", made.conversation_id)
    assert [role for role, _ in await texts(client, made.conversation_id)] == ["user", "assistant"] * 2


async def test_attachments_come_back_as_they_were_sent(client: httpx2.AsyncClient) -> None:
    image, text = png(), "Zeile 1\nZeile 2 – ü"
    attachments = [
        {"name": "a.png", "contentType": "image/png", "url": data_url(image, "image/png")},
        {"name": "b.txt", "contentType": "text/plain", "url": data_url(text.encode(), "text/plain")},
    ]
    message = {"role": "user", "content": "Look", "experimental_attachments": attachments}
    answer = await chat(client, {"messages": [message]})
    assert answer.status == 200, answer.body
    user, _ = await read(client, answer.conversation_id)
    assert user["content"] == "Look"
    assert user["parts"] == [{"type": "text", "text": "Look"}]
    shown, written = user["experimental_attachments"]
    assert (shown["name"], shown["contentType"]) == ("a.png", "image/png")
    assert (await client.get(shown["url"])).content == image
    assert (written["name"], written["contentType"]) == ("b.txt", "text/plain")
    assert base64.b64decode(written["url"].removeprefix("data:text/plain;base64,")).decode() == text


async def test_base64_is_in_no_database(client: httpx2.AsyncClient, server: Server) -> None:
    content = png(400, 400) + b"\0" * 300_000
    attachment = {"name": "a.png", "contentType": "image/png", "url": data_url(content, "image/png")}
    message = {"role": "user", "content": "Look", "experimental_attachments": [attachment]}

    def stored() -> int:
        # The mock's journal has the beginning of each body.
        databases = (path for path in server.data_dir.glob("*.db*") if not path.name.startswith("mock."))
        return sum(path.stat().st_size for path in databases)

    before = stored()
    assert (await chat(client, {"messages": [message]})).status == 200
    assert stored() - before < len(content) / 2


async def test_a_running_answer_is_left_out_but_its_question_is_not(driven: tuple[Upstream, Server]) -> None:
    upstream, server = driven
    async with server.client("asks") as client:
        async with client.stream("POST", "/chat", json={"id": "left-out", "message": "Hello"}) as response:
            call = await upstream.call()
            await call.start()
            await call.delta("Hi")
            reader = lines(response)
            assert await next_of(reader, "0") == "Hi"
            assert await texts(client, "left-out") == [("user", "Hello")]
            (row,) = (await client.get("/conversations")).json()
            assert row["message_count"] == 1
            await call.finish()
            # Once `d:` is read the answer is stored.
            await next_of(reader, "d")
            assert await texts(client, "left-out") == [("user", "Hello"), ("assistant", "Hi")]
        (row,) = (await client.get("/conversations")).json()
        assert row["message_count"] == 2


async def test_an_answer_that_failed_is_marked_with_the_reason(driven: tuple[Upstream, Server]) -> None:
    upstream, server = driven
    async with server.client("fails") as client:
        async with client.stream("POST", "/chat", json={"id": "marked", "message": "Hello"}) as response:
            call = await upstream.call()
            await call.start()
            await call.delta("Hi")
            reader = lines(response)
            await next_of(reader, "0")
            call.cut()
            said = await next_of(reader, "3")
            await next_of(reader, "d")
        _, assistant = await read(client, "marked")
        assert assistant["content"] == "Hi"
        assert assistant["annotations"] == [{"type": "incomplete", "error": said}]


@pytest.mark.parametrize("protocol", ["data", "ui"])
async def test_reading_twice_gives_the_same(client: httpx2.AsyncClient, protocol: str) -> None:
    answer = await say(client, "What time is it in Oslo?")
    path = f"/conversations/{answer.conversation_id}?protocol={protocol}"
    assert (await client.get(path)).content == (await client.get(path)).content
