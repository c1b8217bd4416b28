"""Who is let in, and to what: keys, paths, versions, deployments."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.emulator.conftest import Emulate
from tests.harness.emulator import HI, VERSION, Emulator

DATED = f"/openai/deployments/gpt-4o/chat/completions?api-version={VERSION}"
V1 = "/openai/v1/chat/completions"
ENTRA = "Bearer eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.c2ln"
BODY = {"model": "gpt-4o", "messages": HI}


async def ask(
    served: Emulator, path: str, headers: dict[str, str] | None = None, body: Any = BODY, method: str = "POST"
) -> tuple[int, Any]:
    """Status and document of an answer; the usual key unless headers are given."""
    async with served.http() as http:
        if headers is not None:
            del http.headers["api-key"]
        response = await http.request(method, path, headers=headers, json=body)
        return response.status_code, response.json()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (DATED, {"api-key": "right"}, 200),
        (DATED, {"api-key": "wrong"}, 401),
        (DATED, {"authorization": "Bearer right"}, 401),
        (DATED, {"authorization": ENTRA}, 200),
        (DATED, {}, 401),
        (V1, {"api-key": "right"}, 200),
        (V1, {"authorization": "Bearer right"}, 200),
        (V1, {"authorization": "Bearer wrong"}, 401),
        (V1, {"authorization": "Basic right"}, 401),
        (V1, {"authorization": ENTRA}, 200),
        (V1, {}, 401),
        ("/v1/chat/completions", {"authorization": "Bearer right"}, 200),
        ("/v1/chat/completions", {}, 401),
    ],
)
async def test_a_key_is_taken_where_azure_takes_it(
    emulate: Emulate, path: str, headers: dict[str, str], status: int
) -> None:
    assert (await ask(emulate(api_key="right"), path, headers))[0] == status


async def test_without_a_set_key_any_is_taken_but_one_must_be_there(plain: Emulator) -> None:
    assert (await ask(plain, DATED, {"api-key": "whatever"}))[0] == 200
    assert (await ask(plain, DATED, {"api-key": ""}))[0] == 401
    assert (await ask(plain, DATED, {}))[0] == 401


async def test_a_wrong_key_and_a_wrong_token_have_azures_own_bodies(plain: Emulator) -> None:
    _, key = await ask(plain, DATED, {})
    assert list(key) == ["error"]
    assert key["error"]["code"] == "401"
    assert key["error"]["message"].startswith(
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure"
    )
    _, token = await ask(plain, DATED, {"authorization": "Bearer nonsense"})
    assert token == {
        "statusCode": 401,
        "message": "Unauthorized. Access token is missing, invalid, audience is incorrect "
        "(https://cognitiveservices.azure.com), or have expired.",
    }


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/", "GET"),
        ("/openai/v1/files", "GET"),
        ("/openai/v1/audio/speech", "POST"),
        ("/v1/messages", "POST"),
        (DATED, "GET"),
    ],
)
async def test_other_paths_are_not_found(plain: Emulator, path: str, method: str) -> None:
    words = "Resource not found. This path is not emulated."
    assert await ask(plain, path, method=method) == (404, {"error": {"code": "404", "message": words}})


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("2024-10-21", 200),
        ("2025-04-01-preview", 200),
        ("v1", 400),
        ("2024-10", 400),
        ("latest", 400),
        ("", 404),
    ],
)
async def test_a_dated_path_wants_a_version_that_looks_like_a_date(plain: Emulator, version: str, status: int) -> None:
    path = f"/openai/deployments/gpt-4o/chat/completions?api-version={version}"
    answered, body = await ask(plain, path)
    assert answered == status
    if status == 400:
        assert body == {"error": {"code": "BadRequest", "message": "API version not supported"}}


@pytest.mark.parametrize(
    ("query", "status"), [("", 200), ("?api-version=v1", 200), ("?api-version=preview", 200), ("?api-version=x", 400)]
)
async def test_v1_takes_no_version_v1_and_preview(plain: Emulator, query: str, status: int) -> None:
    assert (await ask(plain, V1 + query))[0] == status


async def test_a_missing_deployment_is_azures_404(plain: Emulator) -> None:
    async with plain.azure() as client:
        with pytest.raises(openai.NotFoundError) as caught:
            await client.chat.completions.create(model="missing-gpt", messages=[{"role": "user", "content": "hi"}])
    assert caught.value.code == "DeploymentNotFound"
    assert "within the last 5 minutes" in str(caught.value)
    assert (await ask(plain, V1, body={**BODY, "model": "missing"}))[1]["error"]["code"] == "DeploymentNotFound"


async def test_v1_wants_a_model(plain: Emulator) -> None:
    status, body = await ask(plain, V1, body={"messages": HI})
    assert (status, body["error"]["param"]) == (400, "model")


@pytest.mark.parametrize(
    ("deployment", "path"),
    [
        ("dall-e-3", "chat/completions"),
        ("gpt-image-1", "embeddings"),
        ("text-embedding-3-small", "chat/completions"),
        ("gpt-4o", "images/generations"),
    ],
)
async def test_the_wrong_kind_of_deployment_is_refused(plain: Emulator, deployment: str, path: str) -> None:
    response = await plain.post(path, deployment, {"messages": HI, "prompt": "x", "input": "x"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "OperationNotSupported")


async def test_an_old_version_refuses_the_o_series(plain: Emulator) -> None:
    old = await plain.post("chat/completions", "o3-mini", {"messages": HI}, "2024-10-21")
    assert (old.status_code, old.json()["error"]["message"]) == (
        400,
        "Model o3-mini is enabled only for api versions 2024-12-01-preview and later",
    )
    assert (await plain.post("chat/completions", "o3-mini", {"messages": HI}, "2025-04-01-preview")).status_code == 200
