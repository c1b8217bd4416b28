"""Batches that are too large, documents that fail, throttling, and documents that are shown late."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.index.azure.azure_service import failing, scripted


async def test_a_batch_that_is_too_large_is_halved_until_it_fits(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, times: 2, fault: {kind: status, status: 413}}") as world:
        await world.publish("u1", "f1", *[f"fox {number}" for number in range(100)])
        assert await world.count() == 100
        assert await world.batches() == [(413, 100), (413, 50), (200, 25), (200, 25), (200, 50)]


async def test_a_passage_that_is_too_large_by_itself_is_told(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, fault: {kind: status, status: 413}}") as world:
        async with failing() as words:
            await world.publish("u1", "f1", "fox", "owl")
        assert "PASSAGE_CHARACTERS" in words[0]


@pytest.mark.parametrize("status", [409, 422, 429, 503])
async def test_documents_that_fail_for_the_moment_are_sent_again_and_only_those(tmp_path: Path, status: int) -> None:
    fault = f"{{kind: items_fail, count: 2, status: {status}}}"
    async with scripted(tmp_path, f"{{kind: indexing, times: 1, fault: {fault}}}") as world:
        await world.publish("u1", "f1", *[f"fox {number}" for number in range(10)])
        assert await world.batches() == [(207, 10), (200, 2)]
        assert await world.count() == 10


async def test_documents_that_fail_for_good_fail_the_file_in_words(tmp_path: Path) -> None:
    fault = "{kind: items_fail, count: 1, status: 400}"
    async with scripted(tmp_path, f"{{kind: indexing, fault: {fault}}}") as world:
        async with failing() as words:
            await world.publish("u1", "f1", "fox", "owl")
        assert words == ["Azure AI Search refused the request. The operator will find the reason in the log."]
        assert len(await world.batches()) == 1


async def test_documents_that_keep_failing_are_given_up_in_words(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, fault: {kind: items_fail, count: 1}}") as world:
        await world.stage("u1", "f1", ["fox", "owl"])
        async with failing() as words:
            await world.open(wait_seconds=0.6).publish("u1", "f1", "notes.txt")
        assert words == ["Azure AI Search is over its limit. Please try again in a minute."]


@pytest.mark.parametrize("retry_after", ["", ", retry_after: 0.1"])
@pytest.mark.parametrize("status", [429, 503])
async def test_throttling_is_waited_out_with_and_without_being_told_how_long(
    tmp_path: Path, status: int, retry_after: str
) -> None:
    fault = f"{{kind: status, status: {status}{retry_after}}}"
    rules = [f"{{kind: {kind}, times: 1, fault: {fault}}}" for kind in ("search", "indexing")]
    async with scripted(tmp_path, *rules) as world:
        await world.publish("u1", "f1", "a fox")
        assert await world.texts("u1", "fox") == ["a fox"]


async def test_a_wait_that_is_too_long_is_told_at_once(tmp_path: Path) -> None:
    fault = "{kind: status, status: 429, retry_after: 60}"
    async with scripted(tmp_path, f"{{kind: search, when: fox, fault: {fault}}}") as world:
        await world.publish("u1", "f1", "a fox")
        async with failing() as words:
            await world.found("u1", "fox")
        assert words == ["Azure AI Search is over its limit. Please try again in a minute."]
        assert [one["status"] for one in (await world.served.journal())["requests"]].count(429) == 1


async def test_documents_that_searches_show_late_are_waited_for_and_can_be_forgotten(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, when: late, fault: {kind: shown_late, seconds: 0.4}}") as world:
        await world.publish("u1", "f1", "a late fox")
        assert await world.texts("u1", "fox") == ["a late fox"]


async def test_what_was_sent_a_moment_ago_is_forgotten_though_no_search_shows_it(tmp_path: Path) -> None:
    rules = [
        "{kind: indexing, when: gone, times: 1, fault: {kind: shown_late, seconds: 60}}",
        "{kind: indexing, when: gone, times: 1, fault: {kind: status, status: 400}}",
    ]
    async with scripted(tmp_path, *rules) as world:
        async with failing():
            await world.publish("u1", "f1", *[f"gone {number}" for number in range(600)])
        assert await world.count() == 500
        await world.index.forget("u1", "f1")
        assert await world.count() == 0
