"""Batches that are too large, documents that fail, throttling, and documents that are shown late."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.index.azure.emulated import failing, scripted


async def test_a_batch_that_is_too_large_is_halved_until_it_fits(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, times: 2, fault: {kind: status, status: 413}}") as emulated:
        await emulated.publish("u1", "f1", *[f"fox {number}" for number in range(8)])
        assert await emulated.count() == 8
        assert await emulated.batches() == [(413, 8), (413, 4), (200, 2), (200, 2), (200, 4)]


async def test_a_passage_that_is_too_large_by_itself_fails_with_the_setting_to_lower(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, fault: {kind: status, status: 413}}") as emulated:
        async with failing() as words:
            await emulated.publish("u1", "f1", "fox", "owl")
        assert "PASSAGE_CHARACTERS" in words[0]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("status", [409, 422, 429, 503])
async def test_documents_that_fail_for_the_moment_are_sent_again_and_only_those(tmp_path: Path, status: int) -> None:
    fault = f"{{kind: items_fail, count: 2, status: {status}}}"
    async with scripted(tmp_path, f"{{kind: indexing, times: 1, fault: {fault}}}") as emulated:
        await emulated.publish("u1", "f1", *[f"fox {number}" for number in range(10)])
        assert await emulated.batches() == [(207, 10), (200, 2)]
        assert await emulated.count() == 10


async def test_documents_that_fail_for_good_fail_the_file_in_words(tmp_path: Path) -> None:
    fault = "{kind: items_fail, count: 1, status: 400}"
    async with scripted(tmp_path, f"{{kind: indexing, fault: {fault}}}") as emulated:
        async with failing() as words:
            await emulated.publish("u1", "f1", "fox", "owl")
        assert words == ["Azure AI Search refused the request. The operator can find the reason in the log."]
        assert len(await emulated.batches()) == 1


async def test_documents_that_keep_failing_are_given_up_in_words(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, fault: {kind: items_fail, count: 1}}") as emulated:
        await emulated.stage("u1", "f1", ["fox", "owl"])
        async with failing() as words:
            await emulated.open(wait_seconds=0.6).publish("u1", "f1", "notes.txt")
        assert words == ["Azure AI Search receives too many requests. Please try again in a minute."]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("retry_after", ["", ", retry_after: 0.1"])
@pytest.mark.parametrize("status", [429, 503])
async def test_throttling_is_waited_out_with_and_without_a_retry_after(
    tmp_path: Path, status: int, retry_after: str
) -> None:
    fault = f"{{kind: status, status: {status}{retry_after}}}"
    rules = [f"{{kind: {kind}, times: 1, fault: {fault}}}" for kind in ("search", "indexing")]
    async with scripted(tmp_path, *rules) as emulated:
        await emulated.publish("u1", "f1", "a fox")
        assert await emulated.texts("u1", "fox") == ["a fox"]


async def test_a_wait_that_is_too_long_fails_at_once(tmp_path: Path) -> None:
    fault = "{kind: status, status: 429, retry_after: 60}"
    async with scripted(tmp_path, f"{{kind: search, when: fox, fault: {fault}}}") as emulated:
        await emulated.publish("u1", "f1", "a fox")
        async with failing() as words:
            await emulated.found("u1", "fox")
        assert words == ["Azure AI Search receives too many requests. Please try again in a minute."]
        assert [one["status"] for one in (await emulated.served.journal())["requests"]].count(429) == 1


async def test_documents_that_searches_show_late_are_waited_for_and_can_be_forgotten(tmp_path: Path) -> None:
    async with scripted(tmp_path, "{kind: indexing, when: late, fault: {kind: shown_late, seconds: 0.4}}") as emulated:
        await emulated.publish("u1", "f1", "a late fox")
        assert await emulated.texts("u1", "fox") == ["a late fox"]


@pytest.mark.slow
async def test_what_was_sent_a_moment_ago_is_forgotten_though_no_search_shows_it(tmp_path: Path) -> None:
    rules = [
        "{kind: indexing, when: gone, times: 1, fault: {kind: shown_late, seconds: 60}}",
        "{kind: indexing, when: gone, times: 1, fault: {kind: status, status: 400}}",
    ]
    async with scripted(tmp_path, *rules) as emulated:
        async with failing():
            await emulated.publish("u1", "f1", *[f"gone {number}" for number in range(600)])
        assert await emulated.count() == 500
        await emulated.index.forget("u1", "f1")
        assert await emulated.count() == 0
