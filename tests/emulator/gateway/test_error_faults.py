"""Faults in place of an answer: what is on the wire, and which exception the published client makes of it."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.emulator.conftest import Emulate
from tests.harness.emulator import Emulator

SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"


def served_with(emulate: Emulate, fault: str, kind: str = "chat") -> Emulator:
    return emulate(f"rules: [{{kind: {kind}, fault: {fault}}}]")


async def caught(served: Emulator, **options: Any) -> openai.APIStatusError:
    async with served.azure() as client:
        with pytest.raises(openai.APIStatusError) as error:
            await client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": "hi"}], **options
            )
    return error.value


@pytest.mark.sampled(3)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("status", "error", "code", "words"),
    [
        (400, openai.BadRequestError, "400", "Bad Request"),
        (
            401,
            openai.AuthenticationError,
            "401",
            "Access denied due to invalid subscription key or wrong API endpoint.",
        ),
        (403, openai.PermissionDeniedError, "403", "Access denied due to Virtual Network/Firewall rules."),
        (404, openai.NotFoundError, "DeploymentNotFound", "The API deployment for this resource does not exist."),
        (408, openai.APIStatusError, "Timeout", "The operation was timeout."),
        (409, openai.ConflictError, "409", "Conflict"),
        (429, openai.RateLimitError, "429", "Please retry after 1 seconds."),
        (500, openai.InternalServerError, None, SERVER_ERROR),
        (503, openai.InternalServerError, None, SERVER_ERROR),
    ],
)
async def test_status_answers_with_azures_words(
    emulate: Emulate, status: int, error: type[openai.APIStatusError], code: str | None, words: str, stream: bool
) -> None:
    raised = await caught(served_with(emulate, f"{{kind: status, status: {status}}}"), stream=stream)
    assert isinstance(raised, error)
    assert (raised.status_code, raised.code) == (status, code)
    assert words in raised.message


async def test_a_rate_limit_names_operation_version_and_wait(emulate: Emulate) -> None:
    raised = await caught(served_with(emulate, "{kind: status, status: 429, retry_after: 7, retry_after_ms: 6900}"))
    assert (
        "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded "
        "token rate limit of your current OpenAI S0 pricing tier. Please retry after 7 seconds."
    ) in raised.message
    assert raised.response.headers["retry-after"] == "7"
    assert raised.response.headers["retry-after-ms"] == "6900"


async def test_retry_headers_are_sent_only_where_given_and_may_be_a_date(emulate: Emulate) -> None:
    bare = await caught(served_with(emulate, "{kind: status, status: 429}"))
    assert not {"retry-after", "retry-after-ms"} & set(bare.response.headers)
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    dated = await caught(served_with(emulate, f"{{kind: status, status: 503, retry_after: '{date}'}}"))
    assert dated.response.headers["retry-after"] == date


async def test_status_takes_words_of_the_scripts_own(emulate: Emulate) -> None:
    fault = "{kind: status, status: 403, code: Forbidden, message: Public access is disabled.}"
    raised = await caught(served_with(emulate, fault))
    assert raised.body == {"code": "Forbidden", "message": "Public access is disabled."}


async def test_status_can_have_a_page_or_nothing_for_a_body(emulate: Emulate) -> None:
    page = await caught(served_with(emulate, "{kind: status, status: 502, body: html}"))
    assert page.response.headers["content-type"] == "text/html; charset=utf-8"
    assert page.response.text.startswith("<!DOCTYPE html>")
    empty = await caught(served_with(emulate, "{kind: status, status: 504, body: empty}"))
    assert empty.response.content == b""


async def test_a_refusal_has_the_request_ids_of_both(emulate: Emulate) -> None:
    raised = await caught(served_with(emulate, "{kind: status, status: 500}"))
    assert raised.request_id == raised.response.headers["x-request-id"]
    assert raised.response.headers["apim-request-id"] != raised.request_id


@pytest.mark.parametrize(
    ("variant", "key", "results"),
    [
        ("innererror", "innererror", "content_filter_result"),
        ("inner_error", "inner_error", "content_filter_results"),
        ("none", None, None),
    ],
)
async def test_prompt_filter_is_azures_400_in_its_three_variants(
    emulate: Emulate, variant: str, key: str | None, results: str | None
) -> None:
    raised = await caught(served_with(emulate, f"{{kind: prompt_filter, variant: {variant}}}"))
    body = raised.body
    assert isinstance(body, dict)
    assert body.keys() == {"message", "type", "param", "code", "status"} | ({key} if key else set())
    assert (body["type"], body["param"], body["code"], body["status"]) == (None, "prompt", "content_filter", 400)
    assert body["message"].startswith(
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
    )
    if key and results:
        assert body[key].keys() == {"code", results}
        assert body[key]["code"] == "ResponsibleAIPolicyViolation"
        filtered = [name for name, entry in body[key][results].items() if entry["filtered"]]
        assert filtered == ["violence"]


@pytest.mark.parametrize(
    ("style", "code", "param", "words"),
    [
        ("parameter", "unsupported_parameter", "top_p", "Unsupported parameter: 'top_p' is not supported"),
        ("value", "unsupported_value", "top_p", "Unsupported value: 'top_p' does not support 0.5"),
        ("unknown", None, None, "Unrecognized request argument supplied: top_p"),
    ],
)
async def test_refuse_refuses_only_a_request_with_the_parameter(
    emulate: Emulate, style: str, code: str | None, param: str | None, words: str
) -> None:
    served = served_with(emulate, f"{{kind: refuse, parameter: top_p, style: {style}}}")
    raised = await caught(served, top_p=0.5)
    assert (raised.status_code, raised.code, raised.param) == (400, code, param)
    assert words in raised.message
    assert (await served.chat()).status_code == 200


async def test_refuse_of_an_image_is_an_unknown_parameter(emulate: Emulate) -> None:
    served = served_with(emulate, "{kind: refuse, parameter: quality, style: unknown}", "image")
    error = (await served.post("images/generations", "gpt-image-1", {"prompt": "x", "quality": "low"})).json()["error"]
    assert (error["code"], error["param"]) == ("unknown_parameter", "quality")


async def test_context_length_is_the_models_own_refusal(emulate: Emulate) -> None:
    raised = await caught(served_with(emulate, "{kind: context_length}"))
    assert (raised.status_code, raised.code, raised.param, raised.type) == (
        400,
        "context_length_exceeded",
        "messages",
        "invalid_request_error",
    )


@pytest.mark.parametrize("kind", ["chat", "image"])
async def test_account_blocked_is_a_403_about_the_resource(emulate: Emulate, kind: str) -> None:
    served = served_with(emulate, "{kind: account_blocked}", kind)
    path, deployment = ("chat/completions", "gpt-4o") if kind == "chat" else ("images/generations", "dall-e-3")
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "x"}]} if kind == "chat" else {"prompt": "x"}
    response = await served.post(path, deployment, body)
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "Forbidden"
    assert response.json()["error"]["message"].startswith("Your resource has been temporarily blocked")


async def test_html_is_a_page_with_status_200(emulate: Emulate) -> None:
    served = served_with(emulate, "{kind: html}")
    async with served.azure() as client:
        whole: Any = await client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        chunks = [chunk async for chunk in stream]
    assert isinstance(whole, str)
    assert chunks == []


async def test_error_200_is_a_document_without_choices(emulate: Emulate) -> None:
    served = served_with(emulate, "{kind: error_200}")
    async with served.azure() as client:
        whole: Any = await client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
    assert whole.choices is None
    raw = await served.chat()
    assert (raw.status_code, list(raw.json())) == (200, ["error"])
