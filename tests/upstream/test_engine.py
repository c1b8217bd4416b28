"""Every engine that the settings can name has its row in the table, and settings that choose it."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest

from mockbackend.settings import EngineName, Settings
from mockbackend.upstream.engine import ENGINES

ENGINE_NAMES = get_args(EngineName)
FIELDS = {field.name.upper() for field in dataclasses.fields(Settings)}
# Some settings that choose each.
CHOSEN_BY: dict[str, dict[str, Any]] = {
    "azure": {
        "azure_openai_endpoint": "https://team.openai.azure.com/",
        "azure_openai_api_key": "k",
        "azure_openai_gpt_deployment_name": "gpt",
    },
    "openai": {"openai_base_url": "http://127.0.0.1:11434/v1/", "openai_model": "llama"},
    "emulator": {},
}


def test_every_engine_has_its_row_in_every_table() -> None:
    assert ENGINES.keys() == set(ENGINE_NAMES)
    assert CHOSEN_BY.keys() == set(ENGINE_NAMES)


@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_an_engine_is_chosen_by_its_settings_and_names_those_to_correct(name: EngineName) -> None:
    settings = Settings(**CHOSEN_BY[name])
    assert settings.engine == name
    engine = ENGINES[name].open(settings, "http://127.0.0.1:9")
    assert engine.address.startswith(("http://", "https://"))
    assert not engine.address.endswith("/")
    assert engine.key
    assert engine.chat
    assert engine.settings.keys() == {"address", "key", "version"}
    # Its client's connection, and the model API's.
    assert ENGINES[name].connections_per_turn >= 2
    models = (engine.chat, engine.images, engine.embeddings)
    assert {*engine.settings.values(), *(model.setting for model in models)} <= FIELDS
