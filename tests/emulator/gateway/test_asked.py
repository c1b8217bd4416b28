"""Corners of the model, asked by the header X-Mock on a call of any program."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from mockbackend.mock.script.corners import CORNERS
from mockbackend.mock.script.wire import Wire
from tests.harness.emulator import HI, KEY, VERSION, Emulator
from tests.harness.http_client import PLAIN

CHAT: dict[str, Any] = {"messages": HI, "stream": True, "temperature": 0.5}
IMAGE = {"prompt": "a fox", "response_format": "url"}
# What each is answered with: a status, and words that are in the body.
MET = {
    "empty_choices_first": (CHAT, 200, '{"choices":[],"created":0,'),
    "async_filter": (CHAT, 200, "content_filter_offsets"),
    "filter_mid_answer": (CHAT, 200, '"finish_reason":"content_filter"'),
    "prompt_refused": (CHAT, 400, '"violence":{"filtered":true'),
    "jailbreak": (CHAT, 400, '"jailbreak":{"filtered":true,"detected":true}'),
    "retry_after_a_day": (CHAT, 429, "retry after 86400 seconds"),
    "deployment_not_found": (CHAT, 404, "DeploymentNotFound"),
    "reasoning_model_refuses_temperature": (CHAT, 400, '"param":"temperature","code":"unsupported_value"'),
    "gpt_image_refuses_response_format": (IMAGE, 400, "Unknown parameter: 'response_format'."),
    "dalle_retired": (IMAGE, 410, "ModelRetired"),
    "context_length": (CHAT, 400, "context_length_exceeded"),
    "tokens_per_minute_exceeded": (CHAT, 429, "exceeded token rate limit"),
    "account_blocked": (CHAT, 403, "temporarily blocked"),
}


async def ask(served: Emulator, body: dict[str, Any], asked: str) -> httpx2.Response:
    kind = "dall-e-3/images/generations" if "prompt" in body else "gpt-4o/chat/completions"
    async with httpx2.AsyncClient(base_url=served.url, headers={"api-key": KEY, "x-mock": asked}, **PLAIN) as http:
        return await http.post(f"/openai/deployments/{kind}?api-version={VERSION}", json=body)


def test_every_corner_of_the_model_is_met() -> None:
    assert set(MET) == {name for name, corner in CORNERS.items() if not isinstance(corner.value, Wire)}


@pytest.mark.parametrize("corner", MET)
async def test_a_call_meets_the_corner(plain: Emulator, corner: str) -> None:
    body, status, words = MET[corner]
    answer = await ask(plain, body, f"corner={corner}")
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    if corner == "empty_choices_first":
        usual = await ask(plain, body, "help")
        assert (answer.text.count(words), usual.text.count(words)) == (3, 1)


@pytest.mark.parametrize(("body", "corner"), [(CHAT, "dalle_retired"), (IMAGE, "context_length")])
async def test_a_corner_of_other_calls_changes_nothing(plain: Emulator, body: dict[str, Any], corner: str) -> None:
    assert (await ask(plain, body, f"corner={corner}")).status_code == 200


@pytest.mark.parametrize("asked", ["cut=3", "corner=proxy_buffers", "corner=asyncfilter", "x"])
async def test_what_is_not_the_models_is_refused(plain: Emulator, asked: str) -> None:
    answer = await ask(plain, CHAT, asked)
    assert (answer.status_code, answer.json()["error"]["message"][:8]) == (400, "X-Mock: ")
