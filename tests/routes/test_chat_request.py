"""Chat requests that are refused: a JSON error names the field, and nothing is stored."""

from __future__ import annotations

from typing import Any

import httpx2
import orjson
import pytest

from tests.harness.api import data_url, error_of, png
from tests.harness.service import Server


def nested(depth: int) -> bytes:
    return b'{"message": ' + b"[" * depth + b"]" * depth + b"}"


# Bytes of a body: the status, and what the message must name.
RAW: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "The body is empty"),
    "half an object": (b'{"message": "Hello', 400, "JSON"),
    "a trailing comma": (b'{"message": "Hello",}', 400, "JSON"),
    "a word": (b"Hello", 400, "JSON"),
    "NaN": (b'{"message": NaN}', 400, "JSON"),
    "a list": (b"[]", 400, "object"),
    "a string": (b'"Hello"', 400, "object"),
    "null": (b"null", 400, "object"),
    "a number": (b"1", 400, "object"),
    "invalid UTF-8": (b'{"message": "\xff\xfe"}', 400, "not UTF-8"),
    "half of a surrogate pair, and no JSON": (b'{"message": "\\ud800}', 400, "JSON"),
    "UTF-16": ('{"message": "Hello"}'.encode("utf-16"), 400, "not UTF-8"),
    "nesting a thousand deep": (nested(1000), 400, "message"),
    "nesting a hundred thousand deep": (nested(100_000), 400, "JSON"),
    "a form": (b"message=Hello", 400, "JSON"),
}
HI = {"role": "user", "content": "Hello"}
PNG = data_url(png(), "image/png")


def with_part(part: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "Look"}, part]}]}


def with_attachment(attachment: Any) -> dict[str, Any]:
    return {"messages": [{**HI, "experimental_attachments": [attachment]}]}


LONG_ID = "x" * 10_000
PART = "messages[0].content[1]"
EXTRA = "messages[0].experimental_attachments[0]"
FIELDS: dict[str, tuple[dict[str, Any], int, str]] = {
    "no messages": ({}, 400, "messages"),
    "null messages": ({"messages": None}, 400, "messages"),
    "an empty list": ({"messages": []}, 400, "messages"),
    "messages as an object": ({"messages": {}}, 400, "messages"),
    "messages as a string": ({"messages": "Hello"}, 400, "messages"),
    "a message as a number": ({"message": 1}, 400, "message"),
    "a message as a list": ({"message": [HI]}, 400, "message"),
    "a message that is false": ({"message": False}, 400, "message"),
    "a message of a list as a string": ({"messages": ["Hello"]}, 400, "messages[0]"),
    "a second message that is null": ({"messages": [HI, None]}, 400, "messages[1]"),
    "an empty message": ({"message": ""}, 400, "message.content"),
    "a message of blanks": ({"message": {"content": " \n\t\u2003"}}, 400, "message.content"),
    "an empty message in a list": ({"messages": [{**HI, "content": ""}]}, 400, "messages[0].content"),
    "no parts": ({"messages": [{"role": "user", "parts": []}]}, 400, "messages[0].content"),
    "content as a number": ({"message": {"content": 1}}, 400, "message.content"),
    "content as an object": ({"message": {"content": {}}}, 400, "message.content"),
    "no content": ({"message": {"role": "user"}}, 400, "message.content"),
    "parts as an object": ({"message": {"parts": {}}}, 400, "message.parts"),
    "a part as a string": (with_part("Hello"), 400, PART),
    "a part without a type": (with_part({"text": "Hello"}), 400, PART),
    "a part whose type is a number": (with_part({"type": 1}), 400, PART),
    "a text part without text": (with_part({"type": "text"}), 400, f"{PART}.text"),
    "a text part with a number": (with_part({"type": "text", "text": 1}), 400, f"{PART}.text"),
    "an image part without a URL": (with_part({"type": "image_url"}), 400, f"{PART}.image_url"),
    "an image part with a number": (with_part({"type": "image_url", "image_url": {"url": 1}}), 400, PART),
    "an image of another scheme": (
        with_part({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}),
        400,
        f"{PART}.image_url",
    ),
    "a data: URL without a comma": (
        with_part({"type": "image_url", "image_url": {"url": "data:image/png;base64"}}),
        400,
        f"{PART}.image_url",
    ),
    "a data: URL that is not base64": (
        with_part({"type": "image_url", "image_url": {"url": "data:image/png;base64,???"}}),
        400,
        f"{PART}.image_url",
    ),
    "a file part without data": (with_part({"type": "file", "mediaType": "image/png"}), 400, PART),
    "a file part of no type": (with_part({"type": "file", "data": "aGk="}), 400, PART),
    "attachments as an object": ({"messages": [{**HI, "experimental_attachments": {}}]}, 400, EXTRA[:-3]),
    "an attachment as a string": (with_attachment(PNG), 400, EXTRA),
    "an attachment without a URL": (with_attachment({"name": "a.png"}), 400, EXTRA),
    "an image that is not one": (with_attachment({"name": "a.png", "url": data_url(b"x", "image/png")}), 422, "a.png"),
    "an image of an unknown type": (
        with_attachment({"name": "a.svg", "url": data_url(b"<svg/>", "image/svg+xml")}),
        422,
        "a.svg",
    ),
    "a text that is not UTF-8": (
        with_attachment({"name": "a.txt", "url": data_url(b"\xff", "text/plain")}),
        422,
        "a.txt",
    ),
    "a PDF": (with_attachment({"name": "a.pdf", "url": data_url(b"%PDF-", "application/pdf")}), 422, "a.pdf"),
    "a program": (
        with_attachment({"name": "a", "url": data_url(b"\x7fELF\2\1\1\0\0", "application/octet-stream")}),
        422,
        "a: a binary file cannot be attached",
    ),
    "a blob: URL": (
        with_part({"type": "file", "mediaType": "image/png", "url": "blob:http://localhost:3000/0b7a"}),
        400,
        f"{PART} is a blob: address, which only the sender's own browser",
    ),
    "a file's path": (with_attachment({"url": "FILE:///tmp/a.png"}), 400, f"{EXTRA} is a file: address"),
    "a URL of an unknown scheme": (
        with_part({"type": "file", "mediaType": "image/png", "data": "ftp://example.com/a.png"}),
        400,
        f"{PART} must be a data: or https: URL.",
    ),
    "an unknown mode": ({"message": HI, "mode": "video"}, 400, "mode"),
    "a mode as a number": ({"message": HI, "mode": 1}, 400, "mode"),
    "a mode as a list": ({"message": HI, "mode": ["chat"]}, 400, "mode"),
    "a role as a number": ({"messages": [{"role": 1, "content": "a"}]}, 400, "messages[0].role"),
    "a role as a list": ({"messages": [{"role": [], "content": "a"}]}, 400, "messages[0].role"),
    "an unknown role": ({"messages": [{"role": "robot", "content": "a"}]}, 400, "messages[0].role"),
    "a role that is null": ({"messages": [{"role": None, "content": "a"}]}, 400, "messages[0].role"),
    "an assistant's message last": ({"messages": [HI, {"role": "assistant", "content": "a"}]}, 422, "messages"),
    "an assistant's message alone": ({"message": {"role": "assistant", "content": "a"}}, 422, "message"),
    "a message that is a number": ({"message": 5}, 400, "message must be a string or an object."),
    "a system message last": ({"messages": [HI, {**HI, "role": "system"}]}, 422, "messages: the last message must be"),
    "a tool's message last": ({"messages": [HI, {"role": "tool", "content": "a"}]}, 422, "messages"),
    "a system's message alone": ({"messages": [{"role": "system", "content": "a"}]}, 422, "messages"),
    "a system message of a number": ({"messages": [{"role": "system", "content": 1}, HI]}, 400, "messages[0].content"),
    "a system key of a number": ({"message": HI, "system": 1}, 400, "system"),
    "an id as a number": ({"message": HI, "id": 1}, 400, "id"),
    "an id as a list": ({"message": HI, "id": ["a"]}, 400, "id"),
    "an empty id": ({"message": HI, "id": ""}, 400, "id"),
    "an id of 10 kB": ({"message": HI, "id": LONG_ID}, 400, "id"),
    "an id with a line break": ({"message": HI, "id": "a\nb"}, 400, "id"),
    "an id that ends in a line break": ({"message": HI, "id": "a\n"}, 400, "id"),
    "an id with a null": ({"message": HI, "id": "a\0"}, 400, "id"),
    "an id with a blank": ({"message": HI, "id": "a b"}, 400, "id"),
    "an id with a slash": ({"message": HI, "id": "a/b"}, 400, "id"),
    "an id with a backslash": ({"message": HI, "id": "a\\b"}, 400, "id"),
    "an id of dots": ({"message": HI, "id": ".."}, 400, "id"),
    "an id beyond ASCII": ({"message": HI, "id": "ä"}, 400, "id"),
    "the other key of the id": ({"message": HI, "conversation_id": LONG_ID}, 400, "conversation_id"),
    "a message's id of 10 kB": ({"messages": [{**HI, "id": LONG_ID}]}, 400, "messages[0].id"),
    "a message's id with a control character": ({"messages": [{**HI, "id": "a\x1b"}]}, 400, "messages[0].id"),
    "a message's id as a number": ({"messages": [{**HI, "id": 1}]}, 400, "messages[0].id"),
    "assistant-ui's message id": ({"messages": [{**HI, "unstable_id": LONG_ID}]}, 400, "messages[0].id"),
    "a messageId of 10 kB": ({"messages": [HI], "messageId": LONG_ID}, 400, "messageId"),
    "a messageId as an object": ({"messages": [HI], "messageId": {}}, 400, "messageId"),
    "an image as a list": ({"message": HI, "mode": "image", "image": []}, 400, "image"),
    "a size as a number": ({"message": HI, "mode": "image", "image": {"size": 1024}}, 400, "image.size"),
    "a size with a line break": ({"message": HI, "image": {"size": "1024x1024\n"}}, 400, "image.size"),
    "a quality of 10 kB": ({"message": HI, "mode": "image", "image": {"quality": LONG_ID}}, 400, "image.quality"),
    "a style as an object": ({"message": HI, "mode": "image", "image": {"style": {}}}, 400, "image.style"),
    "resumable as a word": ({"message": HI, "resumable": "yes"}, 400, "resumable"),
    "image mode with an image": (
        {**with_part({"type": "image_url", "image_url": PNG}), "mode": "image"},
        422,
        "messages",
    ),
    "a message of a million and one letters": ({"message": "x" * 1_000_001}, 422, "messages"),
    "an attached text of a million letters": (
        with_attachment({"name": "a.txt", "url": data_url(b"x" * 1_000_000, "text/plain")}),
        422,
        "messages",
    ),
}


@pytest.fixture(scope="module")
def server(alone: Server) -> Server:
    """One on which no turn runs."""
    return alone


async def stored(client: httpx2.AsyncClient, server: Server) -> tuple[Any, int, int]:
    """What there is: conversations, images, running turns."""
    listed = (await client.get("/conversations")).json()
    images = len(list((server.data_dir / "pictures").iterdir()))
    running: int = (await client.get("/health")).json()["running_turns"]
    return listed, images, running


@pytest.mark.parametrize("case", RAW)
async def test_a_body_that_is_no_json_object_is_refused(client: httpx2.AsyncClient, server: Server, case: str) -> None:
    content, status, named = RAW[case]
    assert named in error_of(await client.post("/chat", content=content), status)["message"]
    assert await stored(client, server) == ([], 0, 0)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("case", FIELDS)
async def test_a_bad_field_is_named(client: httpx2.AsyncClient, server: Server, case: str) -> None:
    body, status, named = FIELDS[case]
    error = error_of(await client.post("/chat", content=orjson.dumps(body)), status)
    assert error["message"].startswith(named), error
    assert len(error["message"]) < 500
    assert await stored(client, server) == ([], 0, 0)


async def test_no_bad_field_changes_a_conversation(server: Server) -> None:
    async with server.client("user-2") as client:
        assert (await client.post("/chat", json={"id": "kept", "message": "Hello"})).status_code == 200
        before = (await client.get("/conversations/kept")).json()
        for body, status, _ in FIELDS.values():
            if "id" not in body and "conversation_id" not in body:
                error_of(await client.post("/chat", content=orjson.dumps({**body, "id": "kept"})), status)
        assert (await client.get("/conversations/kept")).json() == before


async def test_unknown_keys_are_ignored(server: Server) -> None:
    own: dict[str, Any] = {
        "tool_choice": {"a": 1},
        "data": [],
        "temperature": "hot",
        "runConfig": None,
        "trigger": "submit-message",
    }
    async with server.client("user-4") as client:
        response = await client.post("/chat", json={"message": {**HI, "extra": 1, "createdAt": "now"}, **own})
        assert response.status_code == 200
