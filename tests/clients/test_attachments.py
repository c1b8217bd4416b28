"""A text and a PNG are attached to a question, reach the model, and are there after a reload."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx2

from tests.clients.client import Client, OpenPage
from tests.clients.compared import initial, same
from tests.clients.conftest import Stored
from tests.harness.api import png
from tests.harness.service import Server

PNG = png()
TEXT = "Grüße from a file.\n"
FILES = [
    {"name": "notes.txt", "type": "text/plain", "base64": base64.b64encode(TEXT.encode()).decode()},
    {"name": "dot.png", "type": "image/png", "base64": base64.b64encode(PNG).decode()},
]


def test_a_text_and_an_image_are_stored_with_the_question(
    client: Client, open_page: OpenPage, stored: Stored, http: httpx2.Client
) -> None:
    held = open_page().send("plain, with files", files=FILES)
    assert (len(held["messages"]), held["errors"]) == (2, [])
    same(client, held["messages"], stored())
    question = stored()[0]
    assert http.get(image_of(question)).content == PNG
    if client.kind != "assistant-ui":
        text = next(one for one in files_of(question) if one["url"].startswith("data:text/plain"))
        assert base64.b64decode(text["url"].split(",")[1]).decode() == TEXT


def test_questions_follow_an_image(client: Client, open_page: OpenPage, stored: Stored) -> None:
    page = open_page()
    page.send("plain, with files", files=FILES)
    page.send("think")
    page.act("regenerate")
    held = page.wait(status="ready")
    assert (len(held["messages"]), held["errors"]) == (4, [])
    same(client, held["messages"], stored())


def test_a_loaded_image_is_the_same_image_after_the_next_question(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    page = open_page()
    page.send("plain, with files", files=FILES)
    page.leave()
    before = stored()
    page = open_page(messages=initial(client, before))
    page.wait(status="ready")
    held = page.send("think")
    assert (len(held["messages"]), held["errors"]) == (4, [])
    assert stored()[:2] == before


def test_an_image_that_is_sent_with_every_question_is_stored_once(
    client: Client, open_page: OpenPage, backend: Server
) -> None:
    before = images_in(backend)
    page = open_page()
    page.send("plain, with files", files=FILES)
    page.send("think")
    page.send("plain")
    assert len(images_in(backend) - before) == 1


def test_a_conversation_continues_when_the_url_of_an_image_is_gone(
    client: Client, open_page: OpenPage, stored: Stored
) -> None:
    page = open_page()
    page.send("plain, with files", files=FILES)
    page.leave()
    before = stored()
    for file in files_of(before[0]):
        file["url"] = "https://gone.invalid/dot.png"
    page = open_page(messages=initial(client, before))
    held = page.send("think")
    assert (held["errors"], len(stored())) == ([], 4)
    assert "gone" not in str(stored())


def images_in(server: Server) -> set[Path]:
    return {path for path in (server.data_dir / "pictures").rglob("*") if path.is_file()}


def files_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = message.get("experimental_attachments") or [
        part for part in message["parts"] if part["type"] == "file"
    ]
    return found


def image_of(message: dict[str, Any]) -> str:
    return next(str(one["url"]) for one in files_of(message) if "/images/" in one["url"])
