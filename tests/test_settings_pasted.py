"""Settings as people paste them: with the paths of calls, with characters that nobody sees, under other names."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from mockbackend.settings import SettingsError, load_settings
from tests.settings_environment import AZURE, OPENAI, load, problems

HOST = "https://team.openai.azure.com"
TARGET = f"{HOST}/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01-preview"


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        (f"{HOST}/", f"{HOST}/"),
        (f"{HOST}/openai", HOST),
        (f"{HOST}/openai/", HOST),
        (f"{HOST}/openai/v1/", HOST),
        (f"{HOST}/openai/v1/chat/completions", HOST),
        (f"{HOST}/openai/v1/responses?api-version=preview", HOST),
        (f"{HOST}/openai/responses?api-version=2025-04-01-preview", HOST),
        (f"{HOST}/openai/deployments/draw/images/generations?api-version=2025-04-01-preview", HOST),
        ("https://team.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
         "https://team.services.ai.azure.com"),
        ("https://team.cognitiveservices.azure.com/openai/deployments/gpt/", "https://team.cognitiveservices.azure.com"),
        (f"{HOST}/OPENAI/V1/", HOST),
        ("https://team.services.ai.azure.com/api/projects/x", "https://team.services.ai.azure.com"),
        ("https://team.services.ai.azure.com/api/projects/x/openai/v1/", "https://team.services.ai.azure.com"),
        ("https://gateway.example/api/projects/x", "https://gateway.example/api/projects/x"),
        ("https://gateway.example/ai/openai/v1", "https://gateway.example/ai"),
        ("https://gateway.example/openai-proxy", "https://gateway.example/openai-proxy"),
    ],
)  # fmt: skip
def test_an_endpoint_of_azure_is_understood_with_what_follows_it(pasted: str, meant: str) -> None:
    assert load({**AZURE, "AZURE_OPENAI_ENDPOINT": pasted}).azure_openai_endpoint == meant


def test_a_target_uri_names_deployment_and_version_where_no_setting_does() -> None:
    env = {**AZURE, "AZURE_OPENAI_ENDPOINT": TARGET, "AZURE_OPENAI_GPT_DEPLOYMENT_NAME": ""}
    settings = load(env)
    assert settings.azure_openai_endpoint == HOST
    assert (settings.azure_openai_gpt_deployment_name, settings.azure_openai_api_version) == (
        "gpt-4o",
        "2025-01-01-preview",
    )
    settings = load({**env, "AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "mine", "AZURE_OPENAI_API_VERSION": "v1"})
    assert (settings.azure_openai_gpt_deployment_name, settings.azure_openai_api_version) == ("mine", "v1")


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:8000/v1/chat/completions", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/chat/completions", "http://127.0.0.1:8000/v1"),
        ("https://api.openai.com/v1/responses", "https://api.openai.com/v1"),
        ("https://api.example/v1/models/", "https://api.example/v1"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1"),
        ("https://api.perplexity.ai/chat/completions", "https://api.perplexity.ai"),
        ("http://127.0.0.1:11434/api", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/api/chat", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/api/tags", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:3000/api/chat/completions", "http://127.0.0.1:3000/api"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1"),
        ("https://api.perplexity.ai", "https://api.perplexity.ai"),
        ("https://openrouter.ai", "https://openrouter.ai/api/v1"),
        ("https://openrouter.ai/api/", "https://openrouter.ai/api/v1"),
        ("https://api.groq.com", "https://api.groq.com/openai/v1"),
        ("https://api.groq.com/v1", "https://api.groq.com/openai/v1"),
        ("https://generativelanguage.googleapis.com", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("https://generativelanguage.googleapis.com/v1beta/models/gemini-3:generateContent?key=k",
         "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("https://api.z.ai/api/coding/paas/v4", "https://api.z.ai/api/coding/paas/v4"),
        (f"{HOST}/", f"{HOST}/openai/v1"),
        (f"{HOST}/openai/v1/", f"{HOST}/openai/v1"),
        (f"{HOST}/OPENAI/V1/Chat/Completions", f"{HOST}/openai/v1"),
        ("https://team.services.ai.azure.com/api/projects/x", "https://team.services.ai.azure.com/openai/v1"),
        ("https://team.services.ai.azure.com/api/projects/x/openai/v1",
         "https://team.services.ai.azure.com/api/projects/x/openai/v1"),
    ],
)  # fmt: skip
def test_a_base_url_is_understood(pasted: str, meant: str) -> None:
    assert load({**OPENAI, "OPENAI_BASE_URL": pasted}).openai_base_url == meant


def test_an_address_of_azure_ai_search_is_understood_with_what_follows_it() -> None:
    search = {"AZURE_SEARCH_API_KEY": "k", "AZURE_SEARCH_INDEX_NAME": "documents"}
    for path in ("", "/indexes", "/indexes/documents/docs?api-version=2024-07-01", "/indexes('documents')"):
        env = {**search, "AZURE_SEARCH_ENDPOINT": f"https://team.search.windows.net{path}"}
        assert load(env).azure_search_endpoint == "https://team.search.windows.net"


LOGIN = {"BACKEND_AUTH_USERNAME": "u", "BACKEND_AUTH_PASSWORD": "p"}
ENDPOINT, KEY = "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (KEY, "01234 56789", "contains a blank,"),
        (KEY, "Bearer abc", "contains a blank,"),
        (KEY, "01234\n56789", "contains U+000A"),
        (KEY, "'0123456789'", "contains a quotation mark (')"),
        (KEY, '"0123456789', 'contains a quotation mark (")'),
        (KEY, "“0123456789”", "contains a quotation mark (“)"),
        (KEY, "0123456789\u200b", "contains U+200B (zero width space)"),
        (KEY, "\ufeff0123456789", "contains U+FEFF"),
        (KEY, "01234…", "contains U+2026 (horizontal ellipsis)"),
        (KEY, "•••••", "contains U+2022 (bullet)"),
        (KEY, HOST, "is an address; paste the key here"),
        (KEY, "AZURE_OPENAI_API_KEY=01234", "is a whole line"),
        (KEY, "export AZURE_OPENAI_API_KEY = 01234", "is a whole line"),
        (KEY, "api-key: 01234", "is a whole line"),
        (ENDPOINT, f"AZURE_OPENAI_ENDPOINT={HOST}", "is a whole line"),
        (ENDPOINT, "https://team.openai.azure.com:443443", "has a port that is no number"),
        (ENDPOINT, f"{HOST}\u2060", "contains U+2060 (word joiner)"),
        (ENDPOINT, f'"{HOST}"', "contains a quotation mark"),
        (ENDPOINT, "https://te\u00adam.openai.azure.com", "contains U+00AD"),
        (ENDPOINT, "https://portal.azure.com/#@team/resource", "is a page"),
        (ENDPOINT, "https://ai.azure.com/resource/overview", "is a page"),
        (ENDPOINT, "https://api.openai.com/v1", "is OpenAI's own address"),
        (ENDPOINT, f"{HOST}/?api-version=2024-10-21", "must not have a query"),
        ("AZURE_OPENAI_GPT_DEPLOYMENT_NAME", "gpt‑4o", "contains U+2011"),
        ("AZURE_OPENAI_API_VERSION", "2024-10-21 (GA)", "contains a blank"),
        ("OPENAI_API_KEY", "sk-\u200eabc", "contains U+200E (left-to-right mark)"),
        ("OPENAI_MODEL", "'llama'", "contains a quotation mark (')"),
        ("OPENAI_MODEL", "llama\u00a03", "contains U+00A0 (no-break space)"),
        ("OPENAI_BASE_URL", TARGET.partition("?")[0], "is the address of a deployment of Azure"),
        ("OPENAI_BASE_URL", "http://h:99999/v1", "has a port that is no number from 1 to 65535"),
        ("OPENAI_BASE_URL", "http://h:abc", "has a port that is no number"),
        ("OPENAI_BASE_URL", "https://https://h/v1", "begins with http:// or https:// twice"),
        ("OPENAI_BASE_URL", "http://https//h/v1", "begins with http:// or https:// twice"),
        ("OPENAI_BASE_URL", "http://h/v1?key=k", "must not have a query"),
        ("BACKEND_AUTH_PASSWORD", '"p"', "contains a quotation mark"),
        ("BACKEND_AUTH_USERNAME", "u\u200b", "contains U+200B"),
        ("DATABASE_URL", "'postgresql://u:p@h/d'", "contains a quotation mark"),
        ("DATA_DIR", '"./data"', "contains a quotation mark"),
        ("CORS_ALLOW_ORIGINS", "https://a.example,https://b.example\u200b", "contains U+200B"),
    ],
)  # fmt: skip
def test_what_no_value_has_is_one_problem_with_the_settings_name(name: str, value: str, says: str) -> None:
    engine = OPENAI if name.startswith("OPENAI") else AZURE
    (found,) = problems({**engine, **LOGIN, name: value})
    assert found.startswith(f"{name}: {says}")
    assert found.count(name) == 1
    # Nothing of a secret is shown.
    assert not any(secret in found for secret in ("01234", "sk-", "postgresql://u"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYSTEM_PROMPT", '"Yes" is\u00a0all you say,\n«oui» or "no"'),
        ("BACKEND_AUTH_PASSWORD", "correct horse 'battery' stäple\""),
        ("OPENAI_MODEL", "My Model (Q4) – größer"),
    ],
)
def test_words_of_the_operators_own_may_have_any_characters(name: str, value: str) -> None:
    env = {**OPENAI, "BACKEND_AUTH_USERNAME": "u", "BACKEND_AUTH_PASSWORD": "p", name: value}
    assert getattr(load(env), name.lower()) == value


def test_blanks_around_a_value_are_left_out() -> None:
    assert load({**AZURE, "AZURE_OPENAI_API_KEY": " 0123456789\u00a0\r\n"}).azure_openai_api_key == "0123456789"


def test_a_message_names_a_setting_once_whatever_is_wrong_with_it() -> None:
    env = {**AZURE, "AZURE_OPENAI_ENDPOINT": "<your resource>", "CORS_ALLOW_ORIGINS": "a,b", "TRUSTED_PROXIES": "c,d"}
    found = problems(env)
    assert [problem.partition(":")[0] for problem in found] == [
        "AZURE_OPENAI_ENDPOINT",
        "CORS_ALLOW_ORIGINS",
        "TRUSTED_PROXIES",
    ]
    assert found[1].startswith("CORS_ALLOW_ORIGINS: a, b is not")


def warnings(caplog: pytest.LogCaptureFixture, env: dict[str, str], env_file: Path | None = None) -> list[str]:
    """What is said of names."""
    with caplog.at_level(logging.WARNING):
        load(env, env_file)
    return [record.message for record in caplog.records]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("AZURE_OPENAI_KEY", "AZURE_OPENAI_API_KEY"),
        ("AZURE_OPENAI_ENDPIONT", "AZURE_OPENAI_ENDPOINT"),
        ("AZURE_OPENAI_DEPLOYMENT_NAME", "AZURE_OPENAI_GPT_DEPLOYMENT_NAME"),
        ("AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "AZURE_OPENAI_GPT_DEPLOYMENT_NAME"),
        ("AZURE_OPENAI_MODEL", "AZURE_OPENAI_GPT_DEPLOYMENT_NAME"),
        ("AZURE_OPENAI_VERSION", "AZURE_OPENAI_API_VERSION"),
        ("OPENAI_API_BASE", "OPENAI_BASE_URL"),
        ("OPENAI_MODEL_NAME", "OPENAI_MODEL"),
        ("openai_base_url", "OPENAI_BASE_URL"),
        ("OPENAI_ENDPOINT", "OPENAI_BASE_URL"),
        ("OPENAI_MAX_TOKENS", "CHAT_MAX_TOKENS"),
        ("BACKEND_USERNAME", "BACKEND_AUTH_USERNAME"),
        ("BACKEND_PORT", "PORT"),
        ("BACKEND_CORS_ORIGINS", "CORS_ALLOW_ORIGINS"),
        ("MOCK_SCRIPTS", "MOCK_SCRIPT"),
    ],
)
def test_a_name_with_our_prefix_that_is_no_setting_is_a_warning(
    name: str, meant: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert warnings(caplog, {name: "x"}) == [f"{name} is not a setting and has no effect. Did you mean {meant}?"]


@pytest.mark.parametrize(
    "name",
    ["MOCK_QUUX_ZORG_BLAH", "BACKEND_URL", "BACKEND_API_KEY", "OPENAI_ORGANIZATION", "OPENAI_PROXY", "MOCK_MODE"],
)
def test_a_name_that_is_near_no_setting_is_a_warning_too(name: str, caplog: pytest.LogCaptureFixture) -> None:
    said = warnings(caplog, {name: "x"})
    assert said == [f"{name} is not a setting and has no effect. env.sample lists all settings."]


def test_names_that_other_programs_read_are_known(caplog: pytest.LogCaptureFixture) -> None:
    names = """
        AZURE_OPENAI_AD_TOKEN OPENAI_ADMIN_KEY OPENAI_API_TYPE OPENAI_API_VERSION OPENAI_CUSTOM_HEADERS OPENAI_LOG
        OPENAI_ORG_ID OPENAI_PROJECT_ID OPENAI_WEBHOOK_SECRET MOCK_URL MOCK_LOGIN OPENAI_API_KEY
    """
    assert warnings(caplog, dict.fromkeys(names.split(), "x")) == []


def test_a_name_near_a_settings_is_a_warning_in_the_env_file_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("LOGLEVEL=DEBUG\nexport DATABASE_URI = x\n# MAX_TURN_SECOND=5\nREDIS_URL=y\nHTTP_PORT=1\n")
    assert warnings(caplog, {"DATA_DIRS": "of another program"}, env_file) == [
        "DATABASE_URI is not a setting and has no effect. Did you mean DATABASE_URL?",
        "LOGLEVEL is not a setting and has no effect. Did you mean LOG_LEVEL?",
    ]


def test_a_name_with_what_nobody_sees_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("LOG_LEVEL\u200b=DEBUG\n")
    assert warnings(caplog, {}, env_file) == [
        "'LOG_LEVEL\\u200b' is not a setting and has no effect. Did you mean LOG_LEVEL?"
    ]


def test_an_env_file_with_a_byte_order_mark_is_a_problem(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("LOG_LEVEL=DEBUG\n", "utf-8-sig")
    with pytest.raises(SettingsError, match="begins with a byte order mark"):
        load({}, env_file)


def test_a_setting_of_an_engine_that_is_not_set_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    said = warnings(caplog, {"OPENAI_API_KEY": "k", "OPENAI_MODEL": "gpt", "AZURE_OPENAI_API_VERSION": "v1"})
    assert said == [
        "OPENAI_MODEL has no effect without OPENAI_BASE_URL.",
        "AZURE_OPENAI_API_VERSION has no effect without AZURE_OPENAI_ENDPOINT.",
    ]


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({**OPENAI, "OPENAI_API": "responses"}, []),
        ({**AZURE, "AZURE_OPENAI_API": "responses"}, []),
        ({"AZURE_OPENAI_API": "responses"}, []),
        ({**AZURE, "OPENAI_API": "responses"}, ["OPENAI_API has no effect without OPENAI_BASE_URL."]),
        (
            {**OPENAI, "AZURE_OPENAI_API": "responses"},
            ["AZURE_OPENAI_API has no effect with OPENAI_BASE_URL, which has OPENAI_API."],
        ),
    ],
)
def test_the_wire_of_another_engine_is_a_warning(
    env: dict[str, str], said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert warnings(caplog, env) == said


def test_an_env_file_in_another_encoding_has_names_as_well(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("SYSTEM_PROMPT=Grüße\n".encode("latin-1"))
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(tmp_path / ".env")
