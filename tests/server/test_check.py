"""`mockbackend check` as it is run: a line for each probe, and what to mend where one fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.harness.emulator import KEY, Emulator, Rule, emulating
from tests.harness.processes import free_port, run
from tests.harness.raw_model import STREAM, RawUpstream, event
from tests.server.commands import run_here

RULES: list[Rule] = [
    {"deployment": "gpt-busy", "fault": {"kind": "status", "status": 429}},
    {"deployment": "gpt-role", "fault": {"kind": "status", "status": 401, "code": "PermissionDenied"}},
    {"deployment": "gpt-network", "fault": {"kind": "status", "status": 403}},
    {"deployment": "gpt-broken", "text": "ok", "fault": {"kind": "error_event", "after": 0}},
    {"deployment": "gpt-version", "fault": {"kind": "status", "status": 400, "message": "API version not supported"}},
    {"deployment": "gpt-page", "fault": {"kind": "html"}},
    {"deployment": "gpt-4o-old", "fault": {"kind": "refuse", "parameter": "max_completion_tokens"}},
]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulating(tmp_path_factory.mktemp("check"), RULES, KEY) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all of them are run, on data that the first of them makes."""
    return tmp_path_factory.mktemp("folder")


def _check(folder: Path, settings: dict[str, str], *, forked: bool = False) -> tuple[int, list[str]]:
    """Exit status and lines."""
    data = {"DATA_DIR": str(folder / "data")}
    ran = run(["check"], folder, data | settings) if forked else run_here(["check"], folder, data | settings)
    assert KEY not in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.returncode, ran.stdout.splitlines() + ran.stderr.splitlines()


def _failure(folder: Path, settings: dict[str, str], *, forked: bool = False) -> str:
    """The one line that reports a failure."""
    status, lines = _check(folder, settings, forked=forked)
    failed = [line for line in lines if line.startswith("FAILED")]
    assert (status, len(failed)) == (1, 1), lines
    return failed[0]


@pytest.mark.parametrize("version", ["2024-10-21", "v1", ""])
def test_all_that_is_set_works(emulator: Emulator, folder: Path, version: str) -> None:
    before = len(emulator.requests())
    status, lines = _check(folder, emulator.settings(version, image="gpt-image-1"))
    works = [line.split(":")[0] for line in lines if line.startswith("works")]
    assert status == 0
    assert [line.split()[1] for line in works] == ["chat", "images", "storage"]
    # Nothing else is said, though the image deployment refused what it was tried with.
    assert {line.split()[0] for line in lines} == {"engine:", "works", "absent"}
    assert "gpt-4o" in works[0]
    assert "gpt-image-1" in works[1]
    # No image was made, and paid for.
    asked = emulator.requests()[before:]
    drawn = [request for request in asked if request["path"].split("?")[0].endswith("generations")]
    assert {request["status"] for request in drawn} == {400}


def test_the_emulator_is_checked_where_nothing_is_set(folder: Path) -> None:
    status, lines = _check(folder, {}, forked=True)
    assert status == 0
    assert lines[0].startswith("engine: emulator")
    assert lines[1].startswith("works   chat (mock-gpt): ")


def test_no_image_deployment_is_said_and_is_no_failure(emulator: Emulator, folder: Path) -> None:
    status, lines = _check(folder, emulator.settings())
    assert status == 0
    assert any(line.startswith("absent") and "AZURE_OPENAI_DALLE_DEPLOYMENT_NAME" in line for line in lines)


def test_an_embedding_deployment_is_tried_and_its_absence_is_said(emulator: Emulator, folder: Path) -> None:
    status, lines = _check(folder, emulator.settings(embedding="text-embedding-3-small"))
    assert status == 0
    assert any(line.startswith("works   embeddings") and line.endswith("1536 dimensions") for line in lines), lines
    status, lines = _check(folder, emulator.settings())
    assert status == 0
    assert any(line.startswith("absent  embeddings: AZURE_OPENAI_EMBEDDING_DEPLOYMENT_NAME") for line in lines), lines


def test_a_deployment_that_refuses_a_parameter_works(emulator: Emulator, folder: Path) -> None:
    assert _check(folder, emulator.settings(chat="gpt-4o-old"))[0] == 0


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("azure_openai_api_key", "wrong", "refused the key. The operator should check AZURE_OPENAI_API_KEY"),
        ("azure_openai_gpt_deployment_name", "missing-1", "check AZURE_OPENAI_GPT_DEPLOYMENT_NAME"),
        ("azure_openai_gpt_deployment_name", "gpt-image-1", "cannot answer this kind of request"),
        ("azure_openai_dalle_deployment_name", "missing-2", "check AZURE_OPENAI_DALLE_DEPLOYMENT_NAME"),
        ("azure_openai_dalle_deployment_name", "gpt-4o", "cannot answer this kind of request"),
        ("azure_openai_embedding_deployment_name", "missing-3", "check AZURE_OPENAI_EMBEDDING_DEPLOYMENT_NAME"),
        ("azure_openai_embedding_deployment_name", "gpt-4o", "cannot answer this kind of request"),
        ("azure_openai_gpt_deployment_name", "gpt-version", "check AZURE_OPENAI_API_VERSION"),
        ("azure_openai_gpt_deployment_name", "gpt-busy", "rate limit is reached"),
        ("azure_openai_gpt_deployment_name", "gpt-role", "role"),
        ("azure_openai_gpt_deployment_name", "gpt-network", "network rules"),
        ("azure_openai_gpt_deployment_name", "gpt-broken", "failed while answering"),
        ("azure_openai_gpt_deployment_name", "gpt-page", "an invalid response"),
    ],
)
def test_each_failure_says_what_to_check(emulator: Emulator, folder: Path, setting: str, value: str, says: str) -> None:
    assert says in _failure(folder, {**emulator.settings(), setting.upper(): value})


def test_the_models_own_words_stand_below_a_failure(emulator: Emulator, folder: Path) -> None:
    _, lines = _check(folder, {**emulator.settings(), "AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "missing-1"})
    below = lines[next(index for index, line in enumerate(lines) if line.startswith("FAILED")) + 1]
    assert re.match(r" {8}upstream chat failed after \d+ ms: status 404 apim-request-id=\S+ ", below)
    assert "DeploymentNotFound" in below


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "name.invalid"])
def test_a_host_that_cannot_be_reached_is_named_by_its_setting(folder: Path, host: str) -> None:
    settings = {
        "AZURE_OPENAI_ENDPOINT": f"http://{host.format(port=free_port())}",
        "AZURE_OPENAI_API_KEY": KEY,
        "AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "gpt-4o",
    }
    assert "cannot be reached. The operator should check AZURE_OPENAI_ENDPOINT" in _failure(folder, settings)


def test_a_wrong_path_and_a_missing_model_differ(emulator: Emulator, folder: Path) -> None:
    settings = {"OPENAI_BASE_URL": f"{emulator.url}/wrong", "OPENAI_API_KEY": KEY, "OPENAI_MODEL": "gpt-4o"}
    assert "does not know this path. The operator should check OPENAI_BASE_URL" in _failure(folder, settings)
    settings |= {"OPENAI_BASE_URL": f"{emulator.url}/v1", "OPENAI_MODEL": "missing"}
    assert "check OPENAI_MODEL" in _failure(folder, settings)


def test_a_stream_that_says_nothing_is_a_failure(folder: Path) -> None:
    with RawUpstream({"Say ok.": (STREAM, event({"odd": 1}))}) as upstream:
        settings = {name: value for name, value in upstream.settings.items() if name != "OPENAI_IMAGE_MODEL"}
        assert "an invalid response" in _failure(folder, settings, forked=True)


def test_a_data_folder_that_cannot_be_used_is_a_failure(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "conversation_metadata.db").write_bytes(b"no database" * 1000)
    assert "storage (DATA_DIR" in _failure(tmp_path, emulator.settings())


WRONG_WAYS: dict[str, tuple[dict[str, str], str]] = {
    "no endpoint": ({"AZURE_OPENAI_ENDPOINT": ""}, "AZURE_OPENAI_ENDPOINT"),
    "no key": ({"AZURE_OPENAI_API_KEY": ""}, "AZURE_OPENAI_API_KEY"),
    "no deployment": ({"AZURE_OPENAI_GPT_DEPLOYMENT_NAME": ""}, "AZURE_OPENAI_GPT_DEPLOYMENT_NAME"),
    "a placeholder": ({"AZURE_OPENAI_ENDPOINT": "https://<resource>.openai.azure.com"}, "AZURE_OPENAI_ENDPOINT"),
    "an endpoint without a scheme": ({"AZURE_OPENAI_ENDPOINT": "team.openai.azure.com"}, "AZURE_OPENAI_ENDPOINT"),
    "the portal's address": ({"AZURE_OPENAI_ENDPOINT": "https://ai.azure.com/x"}, "AZURE_OPENAI_ENDPOINT"),
    "OpenAI's address": ({"AZURE_OPENAI_ENDPOINT": "https://api.openai.com/v1"}, "AZURE_OPENAI_ENDPOINT"),
    "a resource that does not exist": (
        {"AZURE_OPENAI_ENDPOINT": "https://name.invalid", "UPSTREAM_CONNECT_TIMEOUT_SECONDS": "1"},
        "AZURE_OPENAI_ENDPOINT",
    ),
    "https where there is none": ({"AZURE_OPENAI_ENDPOINT": "https://127.0.0.1:{port}"}, "AZURE_OPENAI_ENDPOINT"),
    "another web server": ({"AZURE_OPENAI_ENDPOINT": "{page}"}, "AZURE_OPENAI_ENDPOINT"),
    "another's key": ({"AZURE_OPENAI_API_KEY": "wrong"}, "AZURE_OPENAI_API_KEY"),
    "a key with a blank": ({"AZURE_OPENAI_API_KEY": f"api-key: {KEY}"}, "AZURE_OPENAI_API_KEY"),
    "a key in quotes": ({"AZURE_OPENAI_API_KEY": f'"{KEY}"'}, "AZURE_OPENAI_API_KEY"),
    "a key with what nobody sees": ({"AZURE_OPENAI_API_KEY": f"{KEY}\u200b"}, "AZURE_OPENAI_API_KEY"),
    "the endpoint as the key": ({"AZURE_OPENAI_API_KEY": "https://team.openai.azure.com"}, "AZURE_OPENAI_API_KEY"),
    "no such deployment": ({"AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "missing"}, "AZURE_OPENAI_GPT_DEPLOYMENT_NAME"),
    "a deployment for images": (
        {"AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "gpt-image-1"},
        "AZURE_OPENAI_GPT_DEPLOYMENT_NAME",
    ),
    "no such image deployment": (
        {"AZURE_OPENAI_DALLE_DEPLOYMENT_NAME": "missing"},
        "AZURE_OPENAI_DALLE_DEPLOYMENT_NAME",
    ),
    "a chat model for embeddings": (
        {"AZURE_OPENAI_EMBEDDING_DEPLOYMENT_NAME": "gpt-4o"},
        "AZURE_OPENAI_EMBEDDING_DEPLOYMENT_NAME",
    ),
    "a version that is no date": ({"AZURE_OPENAI_API_VERSION": "latest"}, "AZURE_OPENAI_API_VERSION"),
    "a version that is not served": (
        {"AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "gpt-version"},
        "AZURE_OPENAI_API_VERSION",
    ),
    "a misspelt name": (
        {"AZURE_OPENAI_GPT_DEPLOYMENT_NAME": "", "AZURE_OPENAI_DEPLOYMENT_NAME": "gpt-4o"},
        "Did you mean AZURE_OPENAI_GPT_DEPLOYMENT_NAME?",
    ),
    "two engines": ({"OPENAI_BASE_URL": "{url}/v1", "OPENAI_MODEL": "gpt-4o"}, "OPENAI_BASE_URL"),
}
WRONG_WAYS_ELSEWHERE: dict[str, tuple[dict[str, str], str]] = {
    "no model": ({"OPENAI_MODEL": ""}, "OPENAI_MODEL"),
    "no such model": ({"OPENAI_MODEL": "missing"}, "OPENAI_MODEL"),
    "a wrong path": ({"OPENAI_BASE_URL": "{url}/wrong"}, "OPENAI_BASE_URL"),
    "nobody there": ({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "OPENAI_BASE_URL"),
    "another web server": ({"OPENAI_BASE_URL": "{page}/v1"}, "OPENAI_BASE_URL"),
    "no key": ({"OPENAI_API_KEY": ""}, "OPENAI_API_KEY"),
    "the name of long ago": ({"OPENAI_BASE_URL": "", "OPENAI_API_BASE": "{url}/v1"}, "Did you mean OPENAI_BASE_URL?"),
}


@pytest.mark.parametrize(
    ("parameter", "setting", "value"),
    [("reasoning_effort", "CHAT_REASONING_EFFORT", "extreme"), ("temperature", "CHAT_TEMPERATURE", "7")],
)
def test_a_value_that_the_model_refuses_is_named_by_its_setting(
    folder: Path, parameter: str, setting: str, value: str
) -> None:
    error = {"code": "invalid_value", "param": parameter, "message": f"Invalid value: '{value}'."}
    body = orjson.dumps({"error": error})
    head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    with RawUpstream({"Say ok.": (head + body,)}) as upstream:
        settings = {name: one for name, one in upstream.settings.items() if name != "OPENAI_IMAGE_MODEL"}
        failure = _failure(folder, {**settings, setting: value})
    assert f"'{parameter}'" in failure
    assert failure.endswith(f"The operator should check {setting}.")


def page() -> RawUpstream:
    """A web server that answers everything with a page."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n"
    return RawUpstream({"Say ok.": (head + b"<html>Welcome</html>",)})


def named(emulator: Emulator, folder: Path, settings: dict[str, str], wrong: dict[str, str]) -> str:
    """The lines that say what is wrong, where one thing is."""
    with page() as other:
        places = {"{port}": str(emulator.port), "{url}": emulator.url, "{page}": f"http://127.0.0.1:{other.port}"}
        for name, value in wrong.items():
            for place, meant in places.items():
                value = value.replace(place, meant)
            settings[name] = value
        _, lines = _check(folder, {name: value for name, value in settings.items() if value})
    said = [line for line in lines if not line.startswith(("engine:", "works", "absent", " "))]
    return "\n".join(said)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WRONG_WAYS)
def test_each_wrong_way_to_set_azure_names_its_setting(emulator: Emulator, folder: Path, way: str) -> None:
    wrong, setting = WRONG_WAYS[way]
    said = named(emulator, folder, emulator.settings(image="gpt-image-1"), wrong)
    assert setting in said
    assert all(line.count(setting) == 1 for line in said.splitlines() if setting in line)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", WRONG_WAYS_ELSEWHERE)
def test_each_wrong_way_to_set_another_engine_names_its_setting(emulator: Emulator, folder: Path, way: str) -> None:
    wrong, setting = WRONG_WAYS_ELSEWHERE[way]
    settings = {"OPENAI_BASE_URL": f"{emulator.url}/v1", "OPENAI_API_KEY": KEY, "OPENAI_MODEL": "gpt-4o"}
    said = named(emulator, folder, settings, wrong)
    assert setting in said
    assert all(line.count(setting) == 1 for line in said.splitlines() if setting in line)


def test_settings_that_are_wrong_are_listed_with_exit_status_2(folder: Path) -> None:
    status, lines = _check(folder, {"AZURE_OPENAI_API_KEY": KEY, "PORT": "x"})
    assert status == 2
    assert any("AZURE_OPENAI_ENDPOINT" in line for line in lines)
    assert any("PORT" in line for line in lines)
