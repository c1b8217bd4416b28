"""What a request asks, and what of it the conversation and the model see."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness.api import error_of, say, texts
from tests.harness.emulator import prompt_of
from tests.harness.http_client import PLAIN
from tests.harness.service import Server
from tests.harness.world import start_world
from tests.routes.wire.conftest import COUNT, answer_of, ask, read


async def answer(client: httpx2.AsyncClient, text: str, **more: Any) -> httpx2.Response:
    return await client.post("/chat", json={"message": text, **more})


async def test_a_status_comes_in_place_of_the_call(client: httpx2.AsyncClient) -> None:
    found = await ask(client, "count", "status=429,retry_after=1")
    assert (found.status, found.headers["retry-after"]) == (429, "1")
    assert found.body == b'{"error":{"code":"too_many_requests","message":"The mock was asked for this error."}}'
    assert (await client.get("/conversations")).json() == []


@pytest.mark.parametrize(
    ("asked", "media_type", "body"),
    [
        ('status=503,message="Back at {0} o\'clock"', "application/json", b'"message":"Back at {0} o\'clock"'),
        ("status=502,body=html", "text/html; charset=utf-8", b"<h1>502 Bad Gateway</h1>"),
        ("status=500,body=empty", None, b""),
        ("status=204", None, b""),
        ("status=599", "application/json", b'"code":"error"'),
    ],
)
async def test_a_status_has_a_body(client: httpx2.AsyncClient, asked: str, media_type: str | None, body: bytes) -> None:
    found = await ask(client, "count", asked)
    assert found.headers.get("content-type") == media_type
    assert body in found.body
    assert bool(body) == bool(found.body)


@pytest.mark.parametrize("value", ["86400.5", "'Wed, 21 Oct 2026 07:28:00 GMT'"])
async def test_a_client_is_told_to_wait_as_it_was_asked(client: httpx2.AsyncClient, value: str) -> None:
    found = await ask(client, "count", f"status=503,retry_after={value}")
    assert (found.status, found.headers["retry-after"]) == (503, value.strip("'"))


async def test_a_status_may_come_late(client: httpx2.AsyncClient) -> None:
    found = await ask(client, "count", "status=503,delay=0.2")
    assert (found.status, found.times[0] > 0.2) == (503, True)


@pytest.mark.parametrize("path", ["/conversations", "/usage", "/files"])
async def test_any_call_can_be_asked_for_a_status(client: httpx2.AsyncClient, path: str) -> None:
    assert error_of(await client.get(path, headers={"x-mock": "status=503"}), 503)["code"] == "service_unavailable"


async def test_an_answer_that_is_no_stream_is_cut_after_half_of_it(client: httpx2.AsyncClient) -> None:
    await say(client, "count", "half")
    whole = await read(client, "GET", "/conversations/half")
    found = await read(client, "GET", "/conversations/half", "cut=3,delay=0.1,repeat=1,split=2")
    assert (found.ending, found.status) == ("cut", 200)
    assert found.body == whole.body[: len(whole.body) // 2]
    assert found.times[0] > 0.1


async def test_an_image_is_cut_too(client: httpx2.AsyncClient) -> None:
    made = await say(client, "a fox", mode="image")
    path = "/images/" + made.text.partition("/images/")[2].partition(")")[0]
    whole = await read(client, "GET", path)
    assert whole.body.startswith(b"\x89PNG")
    found = await read(client, "GET", path, "cut=0")
    assert (found.body, found.ending) == (whole.body[: len(whole.body) // 2], "cut")


async def test_the_line_is_stored_and_shown_as_it_was_typed(client: httpx2.AsyncClient) -> None:
    typed = "/mock cut 3\ncount"
    found = await ask(client, typed)
    assert (found.lines("data"), found.ending) == (COUNT["data"][:3], "cut")
    assert await answer_of(client, found) == ("assistant", "one two three")
    assert (await texts(client, found.conversation_id))[0] == ("user", typed)
    assert (await client.get("/conversations")).json()[0]["title"] == "/mock cut 3 count"


async def test_a_line_alone_is_itself_answered(client: httpx2.AsyncClient) -> None:
    assert (await say(client, "/mock repeat 1")).text == "You said: /mock repeat 1"


async def test_the_model_does_not_see_the_lines_of_earlier_messages_either(client: httpx2.AsyncClient) -> None:
    await say(client, "/mock repeat 1\r\nHello there", "seen")
    asked = await say(client, "/mock repeat 1\n/mock split 50\nAnd now?", "seen")
    assert asked.text == "You said: And now?"
    await say(client, "Hello there", "unasked")
    plain = await say(client, "And now?", "unasked")
    assert asked.values("d")[0]["usage"] == plain.values("d")[0]["usage"]


async def test_an_image_is_drawn_without_the_line(client: httpx2.AsyncClient) -> None:
    plain = await say(client, "a fox", mode="image")
    asked = await say(client, "/mock repeat 1\na fox", mode="image")
    assert (plain.codes.count("f"), asked.codes.count("f")) == (1, 2)
    images = [(await client.get(one.text.partition("](")[2][:-1])).content for one in (plain, asked)]
    assert images[0] == images[1]


@pytest.mark.parametrize("text", ["Look: /mock cut 3", "count\n/mock cut 3", "/mockery: count", "/Mock cut 3, count"])
async def test_elsewhere_in_a_message_they_are_words(client: httpx2.AsyncClient, text: str) -> None:
    assert (await ask(client, text)).ending == "whole"


async def test_a_regenerated_message_asks_again(client: httpx2.AsyncClient) -> None:
    message = {"id": "m1", "role": "user", "content": "/mock repeat 1\ncount"}
    body = {"id": "again", "messages": [message]}
    for extra in ({}, {"trigger": "regenerate-message", "messageId": "m1"}):
        response = await client.post("/chat?protocol=data", json={**body, **extra})
        assert response.text.count("f:") == 2
    edited = {**message, "content": "/mock unknown_line 1\ncount"}
    response = await client.post("/chat", json={"id": "again", "messages": [edited]})
    assert (response.text.count("f:"), response.text[:2]) == (1, "z:")
    plain = await client.post("/chat", json={"id": "again", "messages": [{**message, "content": "count"}]})
    assert plain.text[:2] == "f:"
    assert await texts(client, "again") == [("user", "count"), ("assistant", "one two three")]


async def test_a_line_of_an_earlier_message_asks_for_nothing(client: httpx2.AsyncClient) -> None:
    messages = [
        {"role": "user", "content": "/mock status 503\ncount"},
        {"role": "assistant", "content": "/mock status 503"},
        {"role": "user", "content": "count"},
    ]
    assert (await client.post("/chat", json={"messages": messages})).status_code == 200


async def test_help_lists_all_of_it(client: httpx2.AsyncClient) -> None:
    answer = await say(client, "/mock help")
    assert "- `late_error`: " in answer.text
    assert "- `cut_in_an_emoji`: " in answer.text
    assert (await texts(client, answer.conversation_id))[0] == ("user", "/mock help")
    assert (await say(client, "/mock help\ncount")).text == answer.text


async def test_help_is_no_image(client: httpx2.AsyncClient) -> None:
    refused = error_of(await answer(client, "/mock help", mode="image"), 422)
    assert refused["message"] == "/mock help is answered in words: ask for it in chat mode."
    assert (await client.get("/conversations")).json() == []


@pytest.mark.parametrize("asked", ["cutt=3", "cut=-1", "cut=1e9", "", "x" * 8000, "cut=\u00e9"])
async def test_what_cannot_be_is_refused_before_anything_is_stored(client: httpx2.AsyncClient, asked: str) -> None:
    found = await read(client, "POST", "/chat", None, json={"message": "hi"}, headers=[(b"x-mock", asked.encode())])
    assert (found.status, b'"code":"unprocessable"' in found.body) == (422, True)
    assert (await answer(client, f"/mock {asked}")).status_code == 422
    assert (await client.get("/conversations")).json() == []


async def test_two_headers_ask_together(client: httpx2.AsyncClient) -> None:
    headers = [("x-mock", "cut=3"), ("x-mock", "repeat=1")]
    found = await read(client, "POST", "/chat", None, json={"message": "count"}, headers=headers)
    assert found.lines("data") == [COUNT["data"][0], *COUNT["data"][:3]]
    twice = [("x-mock", "cut=3"), ("x-mock", "cut=4")]
    refused = await client.post("/chat", json={"message": "count"}, headers=twice)
    assert "'cut' is given twice" in error_of(refused, 422)["message"]


async def test_a_refused_turn_is_refused_all_the_same(client: httpx2.AsyncClient) -> None:
    refused = await read(client, "POST", "/chat", "delay=0.1,cut=1,repeat=2", json={"messages": []})
    whole = await client.post("/chat", json={"messages": []})
    assert (refused.status, refused.body, refused.ending) == (400, whole.content[: len(whole.content) // 2], "cut")
    async with client.stream("POST", "/chat", json={"message": "long", "id": "busy"}):
        busy, typed = await asyncio.gather(
            read(client, "POST", "/chat", "split=1", json={"message": "count", "id": "busy"}),
            read(client, "POST", "/chat", json={"message": "/mock cut 2\ncount", "id": "busy"}),
        )
    assert (busy.status, busy.ending) == (409, "whole")
    assert (typed.status, typed.ending) == (409, "cut")


async def test_without_a_login_nothing_can_be_asked(server: Server) -> None:
    async with httpx2.AsyncClient(base_url=server.url, **PLAIN) as nobody:
        assert (await nobody.get("/conversations", headers={"x-mock": "status=200"})).status_code == 401


async def test_with_a_real_engine_there_is_no_mock(tmp_path: Path) -> None:
    with start_world(tmp_path) as world:
        async with world.server.client() as client:
            for name in ("X-Mock", "X-Mock-Scenario", "x-mocking"):
                refused = await client.get("/conversations", headers={name: "cut=3"})
                assert error_of(refused, 400)["code"] == "mock_only"
            said = await say(client, "/mock cut 3\nHello")
            assert (said.text, said.codes[-2:]) == ("You said: /mock cut 3\nHello", "ed")
        assert prompt_of(world.emulator.requests()[-1]["body"]) == "/mock cut 3\nHello"


async def test_a_page_of_another_origin_can_ask(client: httpx2.AsyncClient) -> None:
    origin = {"origin": "http://localhost:3000"}
    wanted = {"access-control-request-method": "POST", "access-control-request-headers": "userid,x-mock"}
    allowed = await client.options("/chat", headers={**origin, **wanted})
    assert allowed.status_code == 200
    assert "x-mock" in allowed.headers["access-control-allow-headers"]
    asked = {**origin, "x-mock": "status=429,retry_after=1"}
    refused = await client.post("/chat", json={"message": "count"}, headers=asked)
    assert refused.headers["access-control-allow-origin"] == origin["origin"]
    assert "retry-after" in refused.headers["access-control-expose-headers"]


async def test_an_upload_is_answered_before_it_is_read(client: httpx2.AsyncClient) -> None:
    files = {"file": ("large.txt", b"words " * 500_000)}
    refused = await client.post("/files", files=files, headers={"x-mock": "status=507,body=empty,delay=0.1"})
    assert (refused.status_code, refused.content) == (507, b"")
    assert (await client.get("/files")).json() == []


async def test_programs_get_the_list_too(client: httpx2.AsyncClient) -> None:
    listed = (await client.get("/__mock__/asked.json")).json()
    assert set(listed) == {"wire", "corners"}
    assert listed["corners"]["proxy_buffers"]["wire"] == {"buffered": True}
    assert listed["corners"]["async_filter"]["fault"] == {"kind": "async_filter"}
    assert (await client.post("/__mock__/asked.json")).status_code == 405
