"""MOCK_SCRIPT while the service runs."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from mockbackend.mock.opening import load_scripts, open_mock
from mockbackend.mock.script.matching import Facts
from mockbackend.mock.script.rules import ChatRule
from mockbackend.mock.store import DEFAULT, MockStore
from mockbackend.settings import Settings, SettingsError
from tests.conftest import StartServer
from tests.harness.api import say
from tests.harness.waiting import until


@pytest.mark.slow
async def test_an_edit_takes_effect_and_a_broken_one_keeps_the_old_script(
    start_server: StartServer, tmp_path: Path
) -> None:
    script = tmp_path / "answers.yaml"
    script.write_text("rules: [{text: first}]")
    server = start_server({"MOCK_SCRIPT": str(script)})
    async with server.client("ada") as client:
        assert (await say(client, "hi")).text == "first"
        _replace(script, "rules: [{text: second}]")
        await until(lambda: _has(client, {"rules": [{"text": "second"}]}, []))
        assert (await say(client, "hi")).text == "second"
        _replace(script, "rules:\n- txt: third\n")
        problem = {
            "rule": 0,
            "key": "txt",
            "line": 2,
            "message": "unknown key; did you mean 'text'?",
            "did_you_mean": "text",
        }
        await until(lambda: _has(client, {"rules": [{"text": "second"}]}, [problem]))
        assert (await say(client, "hi")).text == "second"
        assert "rule 1: txt: unknown key" in server.log
        _replace(script, "rules: [{text: fourth}]")
        await until(lambda: _has(client, {"rules": [{"text": "fourth"}]}, []))
        await client.put("/__mock__/scenarios/default", json={"rules": [{"text": "put"}]})
        await client.delete("/__mock__/scenarios/default")
        assert await _has(client, {"rules": [{"text": "fourth"}]}, [])


def test_a_text_that_another_process_took_already_resets_no_counters() -> None:
    store = MockStore(None)
    script = {"rules": [{"text": "hi", "times": 1}]}
    assert store.scenarios.replace(DEFAULT, script, b"new")
    assert store.servings.serve(DEFAULT, ChatRule, Facts("m", "hi"))
    assert not store.scenarios.replace(DEFAULT, script, b"new")
    assert store.scenarios.served(DEFAULT) == {0: 1}
    store.close()


def test_two_services_of_one_folder_have_the_same_script(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("rules: [{text: one}]")
    (tmp_path / "same.yaml").symlink_to(tmp_path / "one.yaml")
    (tmp_path / "other.yaml").write_text("rules: [{text: one}]")

    def opened(script: str) -> MockStore:
        settings = Settings(data_dir=tmp_path / "data", mock_script=script and str(tmp_path / script))
        return open_mock(settings, load_scripts(settings))

    with closing(opened("one.yaml")), closing(opened("same.yaml")):
        for script in ("other.yaml", ""):
            with pytest.raises(
                SettingsError, match=r"has the script .*/one\.yaml\. Give both the same, or this one a DATA"
            ):
                opened(script)
    with closing(opened("other.yaml")), pytest.raises(SettingsError, match=r"other\.yaml"):
        opened("one.yaml")


async def _has(client: httpx2.AsyncClient, script: object, problems: list[object]) -> bool:
    found = (await client.get("/__mock__/scenarios/default")).json()
    return bool(found["script"] == script and found["problems"] == problems)


def _replace(script: Path, text: str) -> None:
    """As editors do: another file takes its place."""
    new = script.with_suffix(".new")
    new.write_text(text)
    os.replace(new, script)
