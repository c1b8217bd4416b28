"""Scripts that make searches and batches fail, and the page's example."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import orjson
import pytest
from azure.core.exceptions import HttpResponseError

from tests.emulator.conftest import Emulate
from tests.emulator.search.clients import (
    PAGE,
    definition,
    fill,
    found,
    managing,
    post,
    searching,
)
from tests.harness.emulator import Emulator


async def scripted(emulate: Emulate, rule: str) -> Emulator:
    """An emulator with one rule, and an empty index `docs`."""
    served = emulate(f"rules: [{rule}]")
    async with managing(served) as indexes:
        await indexes.create_index(definition("docs"))
    return served


async def test_a_script_throttles_searches_and_the_client_waits_as_long_as_it_says(emulate: Emulate) -> None:
    served = await scripted(
        emulate, "{kind: search, when: fox, times: 1, fault: {kind: status, status: 429, retry_after: 0.1}}"
    )
    async with searching(served, "docs") as docs:
        await fill(docs, a="a fox")
        assert await found(docs, "fox") == ["a"]
    statuses = [one["status"] for one in (await served.journal())["requests"] if one["path"].endswith("post.search")]
    assert statuses == [429, 200]


async def test_a_bare_429_of_a_post_fails_at_once(emulate: Emulate) -> None:
    served = await scripted(emulate, "{kind: search, times: 1, fault: {kind: status, status: 429}}")
    async with searching(served, "docs") as docs:
        with pytest.raises(HttpResponseError, match="too many requests"):
            await found(docs, "fox")
        assert await found(docs, "fox") == []


async def test_a_script_fails_documents_of_a_batch_by_its_text_and_its_index(emulate: Emulate) -> None:
    rule = "{kind: indexing, deployment: docs, when: füchse, fault: {kind: items_fail, count: 2, status: 429}}"
    served = await scripted(emulate, rule)
    async with searching(served, "docs") as docs:
        results = await docs.upload_documents([{"id": key, "content": "Füchse"} for key in "abc"])
        assert [(one.succeeded, one.status_code) for one in results] == [(False, 429), (False, 429), (True, 201)]
        assert [one["path"] for one in (await served.journal())["requests"] if one["status"] == 207] != []
        assert await found(docs, "*") == ["c"]
        assert [one.status_code for one in await docs.upload_documents([{"id": "d", "content": "Eulen"}])] == [201]


async def test_a_script_shows_documents_late(emulate: Emulate) -> None:
    served = await scripted(emulate, "{kind: indexing, times: 1, fault: {kind: shown_late, seconds: 0.3}}")
    async with searching(served, "docs") as docs:
        await fill(docs, a="a fox")
        await fill(docs, b="a fox")
        assert (await found(docs, "fox"), await docs.get_document_count()) == (["b"], 2)
        # That long it is late, and no longer.
        await asyncio.sleep(0.31)
        assert await found(docs, "fox") == ["a", "b"]


@pytest.mark.parametrize(("body", "content"), [("azure", "{"), ("html", "<"), ("empty", "")])
async def test_a_script_answers_with_a_status_in_three_shapes(emulate: Emulate, body: str, content: str) -> None:
    rule = f"{{kind: indexing, fault: {{kind: status, status: 503, body: {body}}}}}"
    served = await scripted(emulate, rule)
    answer = await post(served, "/indexes('docs')/docs/search.index", {"value": [{"id": "a"}]})
    assert (answer.status_code, answer.text[:1]) == (503, content)


@pytest.fixture
def pages_search() -> str:
    return PAGE.partition("## Azure AI Search")[2].partition("\n## ")[0]


def test_the_page_names_the_paths(pages_search: str) -> None:
    for path in ("search.index", "search.post.search", "search.stats", "$count"):
        assert path in pages_search


async def test_the_pages_example_works(plain: Emulator, pages_search: str) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", pages_search, re.DOTALL)
    settings: dict[str, Any] = {}
    exec(compile(example.replace("http://127.0.0.1:8081", plain.url), "example", "exec"), settings)  # noqa: S102
    async with managing(plain) as indexes:
        await indexes.delete_index("notes")
    assert orjson.dumps(settings["found"]) == b'["1"]'
