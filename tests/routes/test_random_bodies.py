"""Random bodies, most of them nearly valid: the answer is a JSON error or a complete stream, never a 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.event_cases import any_json
from tests.harness.answers import line
from tests.harness.api import data_url, error_of, png
from tests.harness.examples import examples
from tests.harness.http_client import PLAIN
from tests.harness.service import Server

PNG = data_url(png(), "image/png")
ids = st.text("abcXYZ019-_.~!", min_size=1, max_size=12) | st.text(max_size=12) | st.just("x" * 257)
words = st.text(max_size=40) | st.sampled_from(
    ["Hello", "What time is it in Oslo?", "Draw a fox", "\0", "\u2028", "😀"]
)
urls = st.sampled_from(
    [
        *(PNG, "data:,Hello", "data:text/plain;base64,aGk=", "data:", "data:image/png;base64,x", "aGk="),
        *("https://127.0.0.1/a.png", "http://[::1]/", "http://[", "https://", "https://\ud7ff/", "ftp://host/a"),
        *("//", "/images/" + "A" * 32),
    ]
) | st.text(max_size=20)
parts = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["text", "input_text"]), "text": words}),
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": urls | st.fixed_dictionaries({"url": urls})}),
    st.fixed_dictionaries({"type": st.just("image"), "image": urls}, optional={"mimeType": words}),
    st.fixed_dictionaries(
        {"type": st.just("file"), "url": urls},
        optional={"mediaType": st.sampled_from(["image/png", "text/plain", "application/pdf"]), "filename": words},
    ),
    st.fixed_dictionaries({"type": st.sampled_from(["step-start", "reasoning", "tool-invocation", "tool-call"])}),
)
attachments = st.fixed_dictionaries({"url": urls}, optional={"name": words, "contentType": words})
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "user", "user", "assistant", "system", "tool", "data"])},
    optional={
        "id": ids,
        "content": words | st.lists(parts, max_size=2),
        "parts": st.lists(parts, max_size=2),
        "experimental_attachments": st.lists(attachments, max_size=2),
        "createdAt": words,
    },
)
bodies: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"messages": st.lists(messages, min_size=1, max_size=3)}
) | st.fixed_dictionaries({"message": messages | words})
extras = st.fixed_dictionaries(
    {},
    optional={
        "id": ids,
        "conversation_id": ids,
        "mode": st.sampled_from(["chat", "chat", "image", "video"]),
        "messageId": ids,
        "trigger": st.sampled_from(["submit-message", "regenerate-message", "other"]),
        "parentId": st.none() | ids,
        "system": words,
        "resumable": st.booleans(),
        "image": st.fixed_dictionaries({}, optional={"size": words, "quality": words, "style": words}),
    },
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A body that may be right, with none, one or two of its values replaced or dropped, anywhere in it."""
    body: dict[str, Any] = orjson.loads(orjson.dumps({**draw(bodies), **draw(extras)}))
    for _ in range(draw(st.integers(0, 2))):
        spots = list(places(body))
        if not spots:
            break
        holder, key = draw(st.sampled_from(spots))
        if draw(st.booleans()):
            holder[key] = draw(any_json)
        else:
            del holder[key]
    return body


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a JSON value with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


@pytest.fixture(scope="module")
def server(alone: Server) -> Server:
    """One whose conversations have random ids, and whose log is looked through."""
    return alone


@pytest.fixture(scope="module")
def caller(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, auth=server.auth, timeout=30, **PLAIN) as client:
        client.headers["userid"] = "user-1"
        yield client


def check(response: httpx2.Response) -> None:
    """An error in JSON, or a stream of lines that ends with `d:`."""
    assert response.status_code < 500, response.text
    if response.status_code != 200:
        error_of(response, response.status_code)
        return
    if response.headers.get("x-vercel-ai-ui-message-stream"):
        assert response.content.endswith(b"data: [DONE]\n\n")
        return
    read = [line(raw) for raw in response.content.split(b"\n")[:-1]]
    assert read[0][0] == "f"
    assert read[-1][0] == "d"
    assert ("3" in dict(read)) == (read[-1][1]["finishReason"] == "error")


WIDE = settings(suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@settings(WIDE, max_examples=examples(150))
@given(mutated())
def test_a_body_that_is_nearly_right_never_breaks_the_server(caller: httpx2.Client, body: dict[str, Any]) -> None:
    check(caller.post("/chat", content=orjson.dumps(body)))


@settings(WIDE, max_examples=examples(50))
@given(any_json)
def test_any_json_never_breaks_the_server(caller: httpx2.Client, body: Any) -> None:
    check(caller.post("/chat", content=orjson.dumps(body)))


@settings(WIDE, max_examples=examples(50))
@given(st.binary(max_size=200))
def test_any_bytes_never_break_the_server(caller: httpx2.Client, content: bytes) -> None:
    check(caller.post("/chat", content=content))


@settings(WIDE, max_examples=examples(50))
@given(st.sampled_from(["PATCH", "POST"]), any_json | st.fixed_dictionaries({"title": words, "is_pinned": any_json}))
def test_no_change_request_breaks_the_server(caller: httpx2.Client, method: str, body: Any) -> None:
    path = "/conversations/any" + ("/pin" if method == "POST" else "")
    response = caller.request(method, path, content=orjson.dumps(body))
    assert response.status_code in (400, 404)
    error_of(response, response.status_code)


@settings(WIDE, max_examples=examples(50))
@given(st.fixed_dictionaries({}, optional={"limit": st.text(max_size=8), "cursor": st.text(max_size=40), "q": words}))
def test_no_query_breaks_the_listing(caller: httpx2.Client, query: dict[str, str]) -> None:
    response = caller.get("/conversations", params=query)
    assert response.status_code in (200, 400), response.text
    assert isinstance(response.json(), list if response.status_code == 200 else dict)


@settings(WIDE, max_examples=examples(50))
@given(st.text(max_size=20))
def test_no_path_breaks_the_server(caller: httpx2.Client, text: str) -> None:
    for path in ("/conversations/", "/images/", "/page/", "/chat/", "/"):
        response = caller.get(path + "".join(f"%{byte:02X}" for byte in text.encode()))
        assert response.status_code < 500, response.text


def test_none_of_this_put_a_stack_trace_into_the_log(server: Server, caller: httpx2.Client) -> None:
    assert caller.get("/health").json()["running_turns"] == 0
    assert "Traceback" not in server.log, server.log[server.log.index("Traceback") :][:3000]


def test_everything_that_was_stored_can_be_read(caller: httpx2.Client) -> None:
    path: str | None = "/conversations?limit=200"
    while path:
        response = caller.get(path)
        for row in response.json():
            read = caller.get(f"/conversations/{quote(row['id'], safe='')}")
            assert read.status_code == 200, row
            assert len(read.json()["messages"]) == row["message_count"]
        path = response.links["next"]["url"] if "next" in response.links else None
