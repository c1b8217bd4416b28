"""The messages about a service that cannot be used: each names the setting to correct."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockbackend.documents.index.azure.index import AzureSearchIndex
from mockbackend.settings import SettingsError
from tests.documents.index.azure.emulated import EmulatedIndex, failing, scripted
from tests.harness.emulator import KEY
from tests.harness.processes import run


async def test_a_wrong_key_names_the_setting_to_correct(tmp_path: Path) -> None:
    async with scripted(tmp_path, api_key=KEY) as emulated:
        await emulated.publish("u1", "f1", "a fox")
        stranger = emulated.open(key="wrong")
        for call in (
            stranger.check(),
            stranger.search("u1", "fox", None, None, 5),
            stranger.forget("u1", "f1"),
            stranger.publish("u1", "f1", "notes.txt"),
        ):
            async with failing() as words:
                await call
            assert "AZURE_SEARCH_API_KEY" in words[0]


async def test_no_service_and_another_service_name_the_setting_to_correct(emulated: EmulatedIndex) -> None:
    nobody = emulated.open(endpoint="http://127.0.0.1:9", wait_seconds=0.1)
    async with failing() as words:
        await nobody.check()
    assert words == [
        "Azure AI Search cannot be reached. The operator should check AZURE_SEARCH_ENDPOINT and the network."
    ]
    async with failing() as words:
        await emulated.open(endpoint=f"{emulated.served.url}/openai/").check()
    assert "does not answer as Azure AI Search does" in words[0]


@pytest.mark.parametrize("kind", ["search", "indexing"])
async def test_a_page_instead_of_an_answer_fails_in_words(tmp_path: Path, kind: str) -> None:
    async with scripted(tmp_path, f"{{kind: {kind}, when: fox, fault: {{kind: html}}}}") as emulated:
        async with failing() as words:
            await emulated.publish("u1", "f1", "a fox")
            await emulated.found("u1", "fox")
        assert "does not answer as Azure AI Search does" in words[0]


async def test_a_full_service_fails_in_words(tmp_path: Path) -> None:
    message = '"Storage quota has been exceeded for this service."'
    fault = f"{{kind: status, status: 403, message: {message}}}"
    async with scripted(tmp_path, f"{{kind: indexing, fault: {fault}}}") as emulated:
        async with failing() as words:
            await emulated.publish("u1", "f1", "a fox")
        assert words[0].startswith("The Azure AI Search service is full.")


async def test_check_says_what_there_is(emulated: EmulatedIndex) -> None:
    assert await emulated.index.check() == f"index {emulated.name} does not exist yet; the first document creates it"
    await emulated.publish("u1", "f1", "a fox", "an owl")
    assert await emulated.index.check() == f"index {emulated.name}, 64 dimensions, 2 passages"


@pytest.mark.parametrize("name", ["Documents", "a", "-docs", "my_docs", "docs--1", "docs\n", "x" * 129, "docs')/"])
def test_a_name_that_no_index_can_have_is_a_settings_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="AZURE_SEARCH_INDEX_NAME: must consist of 2 to 128"):
        AzureSearchIndex("http://127.0.0.1:9", KEY, name, "small", passages=None, wait_seconds=5.0)  # type: ignore[arg-type]


def test_the_package_is_imported_only_where_the_index_is_opened_and_a_missing_one_is_named(tmp_path: Path) -> None:
    program = """
import sys
import mockbackend.documents.index.azure.index as index
assert not [name for name in sys.modules if name.partition(".")[0] == "azure"]
# As where it is not installed.
sys.modules["azure"] = None
try:
    index.AzureSearchIndex("http://127.0.0.1:9", "key", "docs", "small", None, 5.0)
except index.SettingsError as error:
    print(*error.problems)
"""
    ran = run(["azure", program], tmp_path, {}, module="tests.harness.unimported")
    assert ran.stdout == (
        "AZURE_SEARCH_ENDPOINT: the package azure-search-documents is not installed. Start with "
        "`uv run --extra azure-search mockbackend serve`, or run `pip install azure-search-documents`\n"
    ), ran.stderr
