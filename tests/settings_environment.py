"""The environment of the tests of settings: none of the developer's shell."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import pytest

from mockbackend.settings import Settings, SettingsError, load_settings

FIELDS = {field.name.upper(): field for field in dataclasses.fields(Settings)}
AZURE = {
    "AZURE_OPENAI_ENDPOINT": "https://team.openai.azure.com/",
    "AZURE_OPENAI_API_KEY": "0123456789abcdef",
    "AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "gpt",
}
OPENAI = {"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1", "OPENAI_MODEL": "llama"}


def load(env: Mapping[str, str], env_file: Path | None = None) -> Settings:
    """The settings of this environment."""
    with mock.patch.dict(os.environ):
        for name in FIELDS:
            os.environ.pop(name, None)
        os.environ.update(env)
        return load_settings(env_file)


def problems(env: Mapping[str, str]) -> list[str]:
    """What is wrong with the settings of this environment."""
    with pytest.raises(SettingsError) as caught:
        load(env)
    return caught.value.problems
