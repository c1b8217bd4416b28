"""The pages that an engine cites: sources of the answer, over either wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mockbackend.events import Source
from mockbackend.upstream.chat.citations import Citations
from tests.conftest import StartServer
from tests.harness.answers import chat
from tests.harness.emulator import Emulator

SCRIPT = """
rules:
  - when: Who won
    text: Norway did.
    citations:
      - {url: "https://example.org/cup?year=2031", title: The cup}
      - {url: "https://example.org/cup?year=2031", title: The cup once more}
      - {url: "https://example.com/", title: ""}
"""
PAGES = [("https://example.org/cup?year=2031", "The cup"), ("https://example.com/", "https://example.com/")]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_pages_that_are_cited_are_sources(start_server: StartServer, tmp_path: Path, api: str) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(SCRIPT)
    with Emulator(script) as emulator:
        server = start_server({**emulator.settings(), "AZURE_OPENAI_API": api})
        async with server.client() as client:
            answer = await chat(client, {"id": "cup", "message": "Who won?"})
            stored = (await client.get("/conversations/cup")).json()["messages"]
            ui = (await client.get("/conversations/cup?protocol=ui")).json()["messages"]
            following = await chat(client, {"id": "cup", "message": "And then?"})
    assert [(one["url"], one["title"]) for one in answer.values("h")] == PAGES
    kept = [part["source"] for part in stored[1]["parts"] if part["type"] == "source"]
    assert [(one["url"], one["title"]) for one in kept] == PAGES
    assert [(part["url"], part["title"]) for part in ui[1]["parts"] if part["type"] == "source-url"] == PAGES
    assert following.text == "You said: And then?"


async def test_the_emulator_sends_them_streamed_or_not(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(SCRIPT)
    with Emulator(script) as emulator:
        async with emulator.v1() as client:
            asked: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Who won?"}]}
            whole: Any = (await client.chat.completions.create(**asked)).to_dict()
            asked = {"model": "gpt-4o", "input": "Who won?"}
            response: Any = (await client.responses.create(**asked)).to_dict()
            events: list[Any] = [one.to_dict() async for one in await client.responses.create(**asked, stream=True)]
    urls = [page for page, _ in (PAGES[0], PAGES[0], PAGES[1])]
    assert [one["url_citation"]["url"] for one in whole["choices"][0]["message"]["annotations"]] == urls
    for ended in (response, events[-1]["response"]):
        assert [one["url"] for one in ended["output"][-1]["content"][0]["annotations"]] == urls
    kinds = [one["type"] for one in events]
    added = [one for one in events if one["type"] == "response.output_text.annotation.added"]
    assert [(one["annotation_index"], one["annotation"]["url"]) for one in added] == list(enumerate(urls))
    assert events.index(added[-1]) < kinds.index("response.output_text.done")


def cited(url: object, title: object = "A") -> dict[str, Any]:
    return {"type": "url_citation", "url_citation": {"url": url, "title": title}}


@pytest.mark.parametrize(
    "annotations",
    [
        [cited("javascript:alert(1)")],
        [cited("data:text/html,x")],
        [cited(7)],
        [cited(None)],
        [cited("https://a.org/" + "x" * 2_000)],
        [{"type": "file_citation", "file_id": "f", "url": "https://a.org/"}],
        [{"type": "url_citation", "url_citation": "https://a.org/"}],
        ["https://a.org/"],
        {"type": "url_citation"},
        "url_citation",
    ],
)
def test_what_is_no_page_of_the_web_is_no_source(annotations: Any) -> None:
    assert Citations().new(annotations) == []


def test_a_page_is_a_source_once_and_has_a_title() -> None:
    citations = Citations()
    assert citations.new([cited("https://a.org/", " The \n cup ")]) == [
        Source("", "The cup", "text/html", url="https://a.org/")
    ]
    assert citations.new([cited("https://a.org/", "Again"), cited("https://b.org/", None)]) == [
        Source("", "https://b.org/", "text/html", url="https://b.org/")
    ]
