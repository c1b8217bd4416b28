"""Settings: what env.sample says of them, and every way in which they can be wrong."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from mockbackend.settings import Settings, SettingsError, load_settings
from tests.harness.processes import ROOT
from tests.settings_environment import AZURE, FIELDS, OPENAI, load, problems

SAMPLE = ROOT / "env.sample"
KEYLESS = {**AZURE, "AZURE_OPENAI_API_KEY": "", "AZURE_OPENAI_AUTH": "entra"}
SEARCH = {
    "AZURE_SEARCH_ENDPOINT": "https://team.search.windows.net",
    "AZURE_SEARCH_API_KEY": "0123456789abcdef",
    "AZURE_SEARCH_INDEX_NAME": "docs",
}
PRICES = ("PRICE_PER_MILLION_INPUT_TOKENS", "PRICE_PER_MILLION_OUTPUT_TOKENS", "PRICE_PER_IMAGE")


@pytest.fixture(autouse=True)
def bare_environment() -> Iterator[None]:
    """No setting of the developer's shell; what a test sets is undone."""
    with mock.patch.dict(os.environ):
        for name in FIELDS:
            os.environ.pop(name, None)
        yield


def sample_lines() -> list[tuple[str, str, bool, str]]:
    """Name, value, whether it is active, and the meaning above it, of each setting in env.sample."""
    found = re.findall(r"^# (.+)\n(# )?([A-Z_]+)=(.*)$", SAMPLE.read_text(), re.MULTILINE)
    return [(name, value, not commented, meaning) for meaning, commented, name, value in found]


def test_env_sample_lists_each_setting_once_in_order_with_its_meaning() -> None:
    found = [(name, meaning) for name, _, _, meaning in sample_lines()]
    assert found == [(name, field.metadata["meaning"]) for name, field in FIELDS.items()]


def test_env_sample_comments_out_what_has_no_default() -> None:
    for name, value, active, _ in sample_lines():
        sample = FIELDS[name].metadata["sample"]
        assert active == (not sample), name
        if sample:
            assert value == sample, name


def test_env_sample_active_lines_hold_the_defaults() -> None:
    for name, value, active, _ in sample_lines():
        if active and value:
            assert getattr(load({name: value}), name.lower()) == FIELDS[name].default, name
        elif active:
            assert FIELDS[name].default in ("", None), name


def test_env_sample_as_env_file_changes_nothing(tmp_path: Path) -> None:
    shutil.copy(SAMPLE, tmp_path / ".env")
    assert load_settings(tmp_path / ".env") == Settings()


def test_the_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\nSYSTEM_PROMPT=from the file\n")
    os.environ["LOG_LEVEL"] = "ERROR"
    settings = load_settings(tmp_path / ".env")
    assert (settings.log_level, settings.system_prompt) == ("ERROR", "from the file")


@pytest.mark.parametrize(
    ("env", "engine", "v1"),
    [
        ({}, "emulator", True),
        ({"OPENAI_API_KEY": "sk-of-the-shell"}, "emulator", True),
        ({"OPENAI_API_KEY": "op://vault/the shell's own"}, "emulator", True),
        (dict.fromkeys(AZURE, ""), "emulator", True),
        (AZURE, "azure", True),
        (KEYLESS, "azure", True),
        ({**KEYLESS, "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:8081"}, "azure", True),
        ({**OPENAI, **SEARCH, "AZURE_SEARCH_API_KEY": "", "AZURE_OPENAI_AUTH": " Entra "}, "openai", True),
        ({**AZURE, "AZURE_OPENAI_API_VERSION": "v1"}, "azure", True),
        ({**AZURE, "AZURE_OPENAI_API_VERSION": "2024-10-21"}, "azure", False),
        ({**AZURE, "AZURE_OPENAI_API_VERSION": "2025-04-01-preview"}, "azure", False),
        ({**AZURE, "OPENAI_API_KEY": "sk-of-the-shell"}, "azure", True),
        (OPENAI, "openai", True),
    ],
)
def test_engine(env: dict[str, str], engine: str, v1: bool) -> None:
    settings = load(env)
    assert settings.engine == engine
    assert settings.azure_v1 == v1


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("PORT", " 80 ", 80),
        ("DATA_DIR", "~/backend", Path.home() / "backend"),
        ("CORS_ALLOW_ORIGINS", "https://a.example, https://b.example,", ("https://a.example", "https://b.example")),
        ("CORS_ALLOW_ORIGINS", "tauri://localhost,*", ("tauri://localhost", "*")),
        ("TRUSTED_PROXIES", "10.0.0.7/8, ::1, *", ("10.0.0.7/8", "::1", "*")),
        ("CHAT_TEMPERATURE", "0", 0.0),
        ("DRAIN_SECONDS", "0", 0.0),
        ("LOG_LEVEL", "debug", "debug"),
        ("PRICE_PER_IMAGE", "0", 0.0),
        ("SYSTEM_PROMPT", "Answer in <b>HTML</b>.", "Answer in <b>HTML</b>."),
    ],
)
def test_value_is_read(name: str, value: str, read: Any) -> None:
    assert getattr(load({name: value}), name.lower()) == read


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"AZURE_OPENAI_ENDPOINT": AZURE["AZURE_OPENAI_ENDPOINT"]}, {*AZURE} - {"AZURE_OPENAI_ENDPOINT"}),
        ({"AZURE_OPENAI_API_KEY": "0123456789abcdef"}, {*AZURE} - {"AZURE_OPENAI_API_KEY"}),
        ({**AZURE, "AZURE_OPENAI_ENDPOINT": ""}, {"AZURE_OPENAI_ENDPOINT"}),
        ({**AZURE, "AZURE_OPENAI_ENDPOINT": "https://<resource>.openai.azure.com"}, {"AZURE_OPENAI_ENDPOINT"}),
        ({**AZURE, "AZURE_OPENAI_API_KEY": "your-api-key"}, {"AZURE_OPENAI_API_KEY"}),
        ({**AZURE, "AZURE_OPENAI_ENDPOINT": "team.openai.azure.com"}, {"AZURE_OPENAI_ENDPOINT"}),
        ({**AZURE, "AZURE_OPENAI_API_VERSION": "latest"}, {"AZURE_OPENAI_API_VERSION"}),
        ({**AZURE, **OPENAI}, {*AZURE}),
        ({**OPENAI, "AZURE_OPENAI_API_KEY": "0123456789abcdef"}, {"AZURE_OPENAI_API_KEY"}),
        ({**OPENAI, "AZURE_OPENAI_DALLE_DEPLOYMENT_NAME": "draw"}, {"AZURE_OPENAI_DALLE_DEPLOYMENT_NAME"}),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}, {"OPENAI_MODEL"}),
        ({**OPENAI, "OPENAI_BASE_URL": "http://[::1"}, {"OPENAI_BASE_URL"}),
        ({**OPENAI, "OPENAI_BASE_URL": "http://user:secret@127.0.0.1/v1"}, {"OPENAI_BASE_URL"}),
        ({**AZURE, "AZURE_OPENAI_AUTH": "entra"}, {"AZURE_OPENAI_API_KEY"}),
        ({**KEYLESS, "AZURE_OPENAI_GPT_DEPLOYMENT_NAME": ""}, {"AZURE_OPENAI_GPT_DEPLOYMENT_NAME"}),
        ({**KEYLESS, **SEARCH}, {"AZURE_SEARCH_API_KEY"}),
        ({**KEYLESS, **SEARCH, "AZURE_SEARCH_API_KEY": "", "AZURE_SEARCH_INDEX_NAME": ""}, {"AZURE_SEARCH_INDEX_NAME"}),
        ({"AZURE_OPENAI_AUTH": "entra"}, {"AZURE_OPENAI_ENDPOINT"}),
        ({**OPENAI, "AZURE_OPENAI_AUTH": "entra"}, {"AZURE_OPENAI_ENDPOINT"}),
        ({**AZURE, "AZURE_OPENAI_AUTH": "token"}, {"AZURE_OPENAI_AUTH"}),
        ({**KEYLESS, "AZURE_OPENAI_ENDPOINT": "http://team.openai.azure.com"}, {"AZURE_OPENAI_ENDPOINT"}),
        ({"DATABASE_URL": "mysql://database/mock"}, {"DATABASE_URL"}),
        ({"DATABASE_URL": "postgresql://<user>:<password>@<host>/<database>"}, {"DATABASE_URL"}),
        ({"DATABASE_DIRECT_URL": "postgres://database/mock"}, {"DATABASE_URL"}),
        ({"DATABASE_POOL_SIZE": "0"}, {"DATABASE_POOL_SIZE"}),
        ({"PUBLIC_URL": "ftp://files.example"}, {"PUBLIC_URL"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4317"}, {"OTEL_EXPORTER_OTLP_ENDPOINT"}),
        ({"LOG_FORMAT": "xml"}, {"LOG_FORMAT"}),
        ({"PUBLIC_URL": "https://files.example/a?b"}, {"PUBLIC_URL"}),
        ({"PUBLIC_URL": "https://files.example/#b"}, {"PUBLIC_URL"}),
        ({"CORS_ALLOW_ORIGINS": "https://app.example, http://localhost:3000/"}, {"CORS_ALLOW_ORIGINS"}),
        ({"CORS_ALLOW_ORIGINS": "localhost:3000"}, {"CORS_ALLOW_ORIGINS"}),
        ({"CORS_ALLOW_ORIGINS": "https://*.example"}, {"CORS_ALLOW_ORIGINS"}),
        ({"CORS_ALLOW_ORIGINS": "https://App.example"}, {"CORS_ALLOW_ORIGINS"}),
        ({"TRUSTED_PROXIES": "nginx,127.0.0.1"}, {"TRUSTED_PROXIES"}),
        ({"BACKEND_AUTH_USERNAME": "u"}, {"BACKEND_AUTH_PASSWORD"}),
        ({"BACKEND_AUTH_PASSWORD": "p"}, {"BACKEND_AUTH_USERNAME"}),
        ({"BACKEND_AUTH_USERNAME": "a:b", "BACKEND_AUTH_PASSWORD": "p"}, {"BACKEND_AUTH_USERNAME"}),
        ({"PORT": "http"}, {"PORT"}),
        ({"PORT": "0"}, {"PORT"}),
        ({"PORT": "65536"}, {"PORT"}),
        ({"WEB_CONCURRENCY": "0"}, {"WEB_CONCURRENCY"}),
        ({"DRAIN_SECONDS": "-1"}, {"DRAIN_SECONDS"}),
        ({"DRAIN_SECONDS": "nan"}, {"DRAIN_SECONDS"}),
        ({"TOOL_TIMEOUT_SECONDS": "0"}, {"TOOL_TIMEOUT_SECONDS"}),
        ({"MAX_BODY_BYTES": "10m"}, {"MAX_BODY_BYTES"}),
        ({"MAX_COST_PER_USER_PER_DAY": "5"}, {*PRICES}),
        ({"MAX_COST_PER_USER_PER_DAY": "5", "PRICE_PER_IMAGE": "0"}, {*PRICES} - {"PRICE_PER_IMAGE"}),
        ({"MAX_COST_PER_USER_PER_DAY": "5", **AZURE}, {*PRICES} - {"PRICE_PER_IMAGE"}),
        ({"MAX_COST_PER_USER_PER_DAY": "5", **OPENAI, "OPENAI_IMAGE_MODEL": "draw"}, {*PRICES}),
        ({"PRICE_PER_IMAGE": "-1"}, {"PRICE_PER_IMAGE"}),
        ({"MAX_TURNS_PER_USER_PER_DAY": "0"}, {"MAX_TURNS_PER_USER_PER_DAY"}),
        ({"LOG_LEVEL": "loud"}, {"LOG_LEVEL"}),
        ({"MOCK_SCRIPT": "no-such.yaml"}, {"MOCK_SCRIPT"}),
        ({"PORT": "http", "LOG_LEVEL": "loud", "OPENAI_BASE_URL": "x"}, {"PORT", "LOG_LEVEL", "OPENAI_BASE_URL"}
         | {"OPENAI_MODEL"}),
    ],
)  # fmt: skip
def test_every_problem_is_listed_by_name(env: dict[str, str], named: set[str]) -> None:
    found = problems(env)
    assert {problem.partition(":")[0] for problem in found} == named
    assert len(found) == len(named)


def test_an_env_file_in_another_encoding_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("SYSTEM_PROMPT=Grüße\nLOG_LEVEL=loud\n".encode("latin-1"))
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / ".env")
    assert caught.value.problems == [f"{tmp_path / '.env'}: not UTF-8; save it in that encoding"]


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({"PORT": "http"}, "PORT: must be a whole number"),
        ({"DRAIN_SECONDS": "long"}, "DRAIN_SECONDS: must be a number"),
        ({"RESUMABLE": "maybe"}, "RESUMABLE: must be true or false"),
        ({"DATA_DIR": "~no-such-user/data"}, "DATA_DIR: must be a path, and its ~user must exist"),
    ],
)
def test_a_value_that_cannot_be_read_says_what_to_write(env: dict[str, str], problem: str) -> None:
    assert problems(env) == [problem]


@pytest.mark.parametrize(("env", "read"), [({}, 1000), ({"MAX_IMAGE_BYTES": "2000"}, 2000)])
def test_an_old_name_is_read_with_a_warning(env: dict[str, str], read: int, caplog: pytest.LogCaptureFixture) -> None:
    assert load({"MAX_PICTURE_BYTES": "1000", **env}).max_image_bytes == read
    warning = "MAX_PICTURE_BYTES has been renamed to MAX_IMAGE_BYTES. The old name still works, but please change it."
    assert [(record.levelname, record.message) for record in caplog.records] == [("WARNING", warning)]


def test_a_problem_never_shows_a_key() -> None:
    env = {**AZURE, **OPENAI, "OPENAI_API_KEY": "sk-secret", "PORT": "http"}
    assert not any(secret in problem for problem in problems(env) for secret in ("sk-secret", "0123456789abcdef"))
