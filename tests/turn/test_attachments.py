"""Attachments in every shape that front ends send: what the model is asked, what is stored, what is refused."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from mockbackend.errors import ServiceError
from mockbackend.images.fetch import Fetcher
from mockbackend.storage import Storage
from mockbackend.storage.embedded import open_embedded
from mockbackend.turn import attachments
from mockbackend.turn.attachments import Attachments
from mockbackend.turn.request import Attachment, SentMessage
from tests.harness.answers import chat
from tests.harness.api import data_url, png
from tests.harness.data_folder import files
from tests.harness.world import World
from tests.storage.contract.acts import ROOM

PNG = data_url(png(), "image/png")
BARE = base64.b64encode(png()).decode()
WORDS = "Zeile 1\nZeile 2 – ü"
TEXT = data_url(WORDS.encode(), "text/plain")
WEB = "https://192.168.0.1/a.png"


def parts(*parts: dict[str, Any]) -> dict[str, Any]:
    """A message of AI SDK 5 or assistant-ui: files before the words."""
    return {"parts": [*parts, {"type": "text", "text": "Look"}]}


def content(*parts: dict[str, Any]) -> dict[str, Any]:
    """A message of OpenAI's shape, or of assistant-ui's."""
    return {"content": [{"type": "text", "text": "Look"}, *parts]}


def sdk4(*attachments: dict[str, Any]) -> dict[str, Any]:
    return {"content": "Look", "experimental_attachments": list(attachments)}


IMAGES: dict[str, dict[str, Any]] = {
    "AI SDK 4": sdk4({"name": "a.png", "contentType": "image/png", "url": PNG}),
    "AI SDK 4, beside parts": {**sdk4({"name": "a.png", "url": PNG}), "parts": [{"type": "text", "text": "Look"}]},
    "AI SDK 5": parts({"type": "file", "mediaType": "image/png", "filename": "a.png", "url": PNG}),
    "AI SDK core, bare base64": content({"type": "file", "mediaType": "image/png", "data": BARE}),
    "AI SDK core, an image": content({"type": "image", "image": BARE, "mediaType": "image/png"}),
    "AI SDK core, an image with a data: URL": content({"type": "image", "image": PNG}),
    "assistant-ui": content({"type": "file", "data": PNG, "mimeType": "image/png", "filename": "a.png"}),
    "OpenAI": content({"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}),
    "OpenAI, a file": content({"type": "file", "file": {"filename": "a.png", "file_data": PNG}}),
    "OpenAI's responses": content({"type": "input_image", "image_url": PNG, "detail": "auto"}),
    "OpenAI's responses, a file": content({"type": "input_file", "filename": "a.png", "file_data": PNG}),
    "OpenAI, in short": content({"type": "image_url", "image_url": PNG}),
    "a wrong type": sdk4({"name": "a.jpg", "contentType": "image/jpeg", "url": data_url(png(), "image/jpeg")}),
    "line breaks in base64": sdk4({"name": "a", "url": "data:image/png;base64," + BARE[:9] + "\n" + BARE[9:]}),
    "capitals": sdk4({"name": "a", "contentType": "Image/PNG", "url": f"DATA:IMAGE/PNG;BASE64,{BARE}"}),
    "percent-encoded base64": sdk4({"name": "a", "url": f"data:image/png;base64,{quote(BARE, safe='')}"}),
    "no padding": content({"type": "image_url", "image_url": f"data:image/png;base64,{BARE.rstrip('=')}"}),
    "base64 for URLs": content(
        {"type": "image", "image": base64.urlsafe_b64encode(png()).decode(), "mediaType": "IMAGE/PNG"}
    ),
    "parameters": sdk4({"name": "a", "url": f"data:image/png; charset=utf-8; name=a.png ;base64 ,{BARE}"}),
    "blanks around": sdk4({"name": "a", "url": f" data:image/png;base64,{BARE}\n"}),
    "no type": sdk4({"name": "a", "url": f"data:;base64,{BARE}"}),
    "a type that says nothing": sdk4({"name": "a", "url": data_url(png(), "application/octet-stream")}),
    "the type of an archive": sdk4({"name": "a.txt", "contentType": "image/png", "url": data_url(png(), "a/zip")}),
}
TEXTS: dict[str, dict[str, Any]] = {
    "AI SDK 4": sdk4({"name": "b.txt", "contentType": "text/plain", "url": TEXT}),
    "AI SDK 5": parts({"type": "file", "mediaType": "text/plain", "filename": "b.txt", "url": TEXT}),
    "assistant-ui": content({"type": "file", "data": TEXT, "mimeType": "text/plain", "filename": "b.txt"}),
    "with a charset": sdk4({"name": "b.txt", "url": TEXT.replace("plain;", "plain;charset=utf-8;")}),
    "percent-encoded": sdk4({"name": "b.txt", "url": "data:text/plain,Zeile%201%0AZeile%202%20%E2%80%93%20%C3%BC"}),
    "Markdown": sdk4({"name": "b.txt", "url": data_url(WORDS.encode(), "text/markdown")}),
    "OpenAI, a file": content({"type": "file", "file": {"filename": "b.txt", "file_data": TEXT}}),
    "JSON": sdk4({"name": "b.txt", "url": data_url(WORDS.encode(), "application/json")}),
}
LOOK = {"type": "text", "text": "Look"}


def asked(world: World) -> list[dict[str, Any]]:
    """The last user message's parts in the newest call."""
    parts: list[dict[str, Any]] = world.emulator.newest["messages"][-1]["content"]
    return parts


@pytest.mark.sampled(4)
@pytest.mark.parametrize("shape", IMAGES)
async def test_an_image_reaches_the_model_as_a_data_url(world: World, user: httpx2.AsyncClient, shape: str) -> None:
    answer = await chat(user, {"messages": [{"role": "user", **IMAGES[shape]}]})
    assert answer.status == 200, answer.body
    assert "I see 1 image" in (answer.text or answer.body.decode())
    assert asked(world) == [LOOK, {"type": "image_url", "image_url": {"url": PNG}}]
    # And again in the next turn, from the store.
    await chat(user, {"id": answer.conversation_id, "message": "And now?"})
    assert world.emulator.newest["messages"][-3]["content"][1]["image_url"]["url"] == PNG


@pytest.mark.parametrize("shape", TEXTS)
async def test_a_text_reaches_the_model_as_text(world: World, user: httpx2.AsyncClient, shape: str) -> None:
    answer = await chat(user, {"messages": [{"role": "user", **TEXTS[shape]}]})
    assert answer.status == 200, answer.body
    assert asked(world) == [LOOK, {"type": "text", "text": f"[File b.txt]\n{WORDS}"}]


async def test_several_attachments_keep_their_order(world: World, user: httpx2.AsyncClient) -> None:
    message = sdk4({"name": "a.png", "url": PNG}, {"name": "b.txt", "url": TEXT}, {"name": "c.png", "url": PNG})
    assert (await chat(user, {"messages": [{"role": "user", **message}]})).status == 200
    assert [part["type"] for part in asked(world)] == ["text", "image_url", "text", "image_url"]


async def test_an_attachment_needs_no_words(world: World, user: httpx2.AsyncClient) -> None:
    message = {"role": "user", "content": "", "experimental_attachments": [{"name": "a.png", "url": PNG}]}
    answer = await chat(user, {"messages": [message]})
    assert answer.status == 200
    assert [part["type"] for part in asked(world)] == ["image_url"]
    (row,) = (await user.get("/conversations")).json()
    assert row["title"] == "Image"
    # It was given by the message: an edited one gives another.
    edited = {"messages": [{"role": "user", "content": "A red dot"}], "messageId": await first_id(user, row["id"])}
    assert (await chat(user, {"id": row["id"], **edited})).status == 200
    assert (await user.get(f"/conversations/{row['id']}")).json()["title"] == "A red dot"


async def test_the_word_attachment_is_a_title_as_any_other(user: httpx2.AsyncClient) -> None:
    answer = await chat(user, {"message": "Attachment"})
    assert (await user.get(f"/conversations/{answer.conversation_id}")).json()["title"] == "Attachment"


async def first_id(user: httpx2.AsyncClient, conversation_id: str) -> str:
    """The id of a conversation's first message."""
    message_id: str = (await user.get(f"/conversations/{conversation_id}")).json()["messages"][0]["id"]
    return message_id


async def test_attachments_of_earlier_messages_are_the_stored_ones(world: World, user: httpx2.AsyncClient) -> None:
    """AI SDK 4 sends all of them again with each post; none is stored twice."""
    first = {"role": "user", **IMAGES["AI SDK 4, beside parts"]}
    answer = await chat(user, {"id": "resent", "messages": [first]})
    stored = (await user.get("/conversations/resent")).json()["messages"]
    before = sorted(files(world.server.data_dir / "pictures"))
    # As it holds them itself, and as it loaded them from here.
    for opening in (first, {key: value for key, value in stored[0].items() if key != "id"}):
        reply = {"role": "assistant", "content": answer.text, "parts": [{"type": "text", "text": answer.text}]}
        again = await chat(user, {"id": "resent", "messages": [opening, reply, {"role": "user", "content": "And?"}]})
        assert again.status == 200, again.body
        assert sorted(files(world.server.data_dir / "pictures")) == before
    messages = (await user.get("/conversations/resent")).json()["messages"]
    assert [message["content"] for message in messages if message["role"] == "user"] == ["Look", "And?"]


async def test_an_image_of_another_conversation_outlives_that(world: World, user: httpx2.AsyncClient) -> None:
    await chat(user, {"id": "origin", "messages": [{"role": "user", **IMAGES["AI SDK 4"]}]})
    (url,) = await image_urls(user, "origin")
    await chat(user, {"id": "fork", "messages": [{"role": "user", **sdk4({"name": "a.png", "url": url})}]})
    # Within its own conversation it is stored once.
    await chat(user, {"id": "origin", "message": {"role": "user", **sdk4({"name": "a.png", "url": url})}})
    assert await image_urls(user, "origin") == [url, url]
    assert (await user.delete("/conversations/origin")).status_code == 204
    (copied,) = await image_urls(user, "fork")
    assert (await user.get(copied)).content == png()
    assert (await user.get(url)).status_code == 404


async def image_urls(user: httpx2.AsyncClient, conversation_id: str) -> list[str]:
    """The addresses of all images that came with a conversation's messages."""
    messages = (await user.get(f"/conversations/{conversation_id}")).json()["messages"]
    return [one["url"] for message in messages for one in message.get("experimental_attachments", [])]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a private address": (content({"type": "image_url", "image_url": {"url": WEB}}), "private"),
    "this machine": (content({"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}), "private"),
    "this machine by name": (sdk4({"name": "a.png", "url": "http://localhost/a.png"}), "private"),
    "the cloud's metadata": (
        parts({"type": "file", "mediaType": "image/png", "url": "http://169.254.169.254/"}),
        "private",
    ),
    "an address of IPv6": (sdk4({"name": "a.png", "url": "http://[::1]/a.png"}), "private"),
    "a PDF": (sdk4({"name": "a.pdf", "url": data_url(b"%PDF-1.7", "application/pdf")}), "cannot be attached"),
    "a sound": (parts({"type": "file", "mediaType": "audio/mpeg", "url": data_url(b"x", "audio/mpeg")}), "attached"),
    "OpenAI's sound": (
        content({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}),
        "sounds and videos",
    ),
    "an SVG": (sdk4({"name": "a.svg", "url": data_url(b"<svg/>", "image/svg+xml")}), "not a PNG"),
    "too many": (sdk4(*[{"name": "a.png", "url": PNG}] * 50), "at most 50 files"),
    "a text in a picture's clothes": (sdk4({"name": "a.png", "url": data_url(b"Hello", "image/png")}), "not a PNG"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_attached_is_a_422_and_nothing_is_stored(
    world: World, user: httpx2.AsyncClient, case: str
) -> None:
    message, reason = REFUSED[case]
    before = sorted(files(world.server.data_dir / "pictures"))
    # Behind one that could be: it is not kept either.
    first = {"role": "user", **IMAGES["AI SDK 4"]}
    answer = await chat(user, {"messages": [first, {"role": "user", **message}]})
    assert answer.status == 422, answer.body
    assert reason in answer.json()["error"]["message"]
    assert (await user.get("/conversations")).json() == []
    assert sorted(files(world.server.data_dir / "pictures")) == before


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Storage]:
    storage = await open_embedded(tmp_path)
    yield storage
    await storage.close()


async def store(folder: Storage, tokens: list[str], *attachments: Attachment, most: int = 10_000) -> None:
    """Store what came with one message; addresses of this machine are fetched from."""
    fetcher = Fetcher(10_000, allow_private=True)
    message = SentMessage("user", "Look", attachments=attachments)
    await Attachments(folder.images, fetcher, most, ROOM).store("ann", "c", [message], tokens)


async def test_the_images_of_a_message_are_limited_all_together(folder: Storage) -> None:
    three = [Attachment("image/png", f"{n}.png", png()) for n in range(3)]
    tokens: list[str] = []
    await store(folder, tokens, *three, most=3 * len(png()))
    assert len(tokens) == 3
    with pytest.raises(ServiceError, match=r"2\.png: The image is too large"):
        await store(folder, tokens, *three, most=3 * len(png()) - 1)
    assert len(tokens) == 5, "the caller learns what has been stored until then"


async def test_images_from_elsewhere_count_as_well(folder: Storage) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(png()) + png())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        two = [Attachment("", f"{n}.png", url=url) for n in range(2)]
        await store(folder, [], *two, most=2 * len(png()))
        with pytest.raises(ServiceError, match=r"1\.png: The image is too large"):
            await store(folder, [], *two, most=2 * len(png()) - 1)


async def test_attachments_that_take_too_long_together_are_refused(
    folder: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(ServiceError, match="could not be fetched in time"):
            await store(folder, [], Attachment("", "a.png", url=url))
