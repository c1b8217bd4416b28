"""What engines refuse, in their own words, and which requests they refuse so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import openai

from mockbackend.errors import UpstreamError
from mockbackend.upstream.error_responses import from_body, from_status
from tests.harness.http_client import PLAIN


@dataclass(frozen=True, slots=True)
class Row:
    """A refusal: its status (200: an error in the stream), its body, and whether it concerns a request.

    `wants_more` where the engine misses something of a call.
    """

    name: str
    status: int
    body: Any
    concerns: Callable[[dict[str, Any]], bool]
    wants_more: bool = False


CLIENT = openai.AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(**PLAIN))
NAMES = {"address": "THE_ADDRESS", "key": "THE_KEY", "version": "THE_VERSION", "deployment": "THE_DEPLOYMENT"}


def failure_of(row: Row) -> UpstreamError:
    """What is made of a row's response."""
    if row.status == 200:
        return from_body(row.body["error"], NAMES)
    request = httpx2.Request("POST", "http://host.internal/openai")
    response = httpx2.Response(row.status, json=row.body, request=request)
    return from_status(CLIENT._make_status_error_from_response(response), NAMES)


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


def _has(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda body: name in body


def _roles(*roles: str) -> Callable[[dict[str, Any]], bool]:
    return lambda body: any(message["role"] in roles for message in body["messages"])


def _in_messages(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda body: any(name in message for message in body["messages"])


def _in_calls(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda body: any(name in call for message in body["messages"] for call in message.get("tool_calls", ()))


def _has_image(body: dict[str, Any]) -> bool:
    return "image_url" in str(body["messages"])


def _long_ids(body: dict[str, Any]) -> bool:
    return any(len(call["id"]) != 9 for message in body["messages"] for call in message.get("tool_calls", ()))


def _unsigned(body: dict[str, Any]) -> bool:
    return any("extra_content" not in call for message in body["messages"] for call in message.get("tool_calls", ()))


def _thoughtless(body: dict[str, Any]) -> bool:
    return any("tool_calls" in one and not one.get("reasoning_content") for one in body["messages"])


def _null_content(body: dict[str, Any]) -> bool:
    return any(message["content"] is None for message in body["messages"])


def _lists(body: dict[str, Any]) -> bool:
    return any(isinstance(message["content"], list) for message in body["messages"])


def _nameless(body: dict[str, Any]) -> bool:
    return any(message["role"] == "tool" and "name" not in message for message in body["messages"])


def _extra(*loc: Any) -> list[dict[str, Any]]:
    return [{"type": "extra_forbidden", "loc": list(loc), "msg": "Extra inputs are not permitted", "input": "x"}]


OPTIONAL = ("stream_options", "temperature", "max_completion_tokens", "reasoning_effort")
PARAMETERS = [
    Row(
        "Mistral: pydantic",
        422,
        {
            "object": "error",
            "message": {"detail": _extra("body", "stream_options")},
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
        _has("stream_options"),
    ),
    Row("FastAPI", 422, {"detail": _extra("body", "temperature")}, _has("temperature")),
    Row("Anthropic's words", 400, error("temperature: Extra inputs are not permitted"), _has("temperature")),
    Row("Azure", 400, error("x", param="temperature", code="unsupported_parameter"), _has("temperature")),
    Row("OpenAI", 400, error("Unrecognized request argument supplied: stream_options"), _has("stream_options")),
    Row(
        "Gemini: a list",
        400,
        [error('Invalid JSON payload received. Unknown name "stream_options": Cannot find field.', code=400)],
        _has("stream_options"),
    ),
    Row("serde", 422, error("unknown field `reasoning_effort`, expected one of `a`"), _has("reasoning_effort")),
    Row(
        "LiteLLM",
        400,
        error("litellm.UnsupportedParamsError: groq does not support parameters: ['reasoning_effort'], for model=x"),
        _has("reasoning_effort"),
    ),
    Row("xAI", 400, {"error": "Argument not supported on this model: reasoning_effort"}, _has("reasoning_effort")),
    Row("words of its own", 400, {"error": "This engine has not implemented stream_options."}, _has("stream_options")),
    Row("Ollama", 400, error("registry.ollama.ai/library/gemma3:4b does not support tools"), _has("tools")),
    Row("llama.cpp", 500, error("tools param requires --jinja flag", code=500, type="server_error"), _has("tools")),
    Row("OpenRouter", 404, error("No endpoints found that support tool use.", code=404), _has("tools")),
    Row("Hugging Face", 400, {"error": "Tool use is not supported for this model"}, _has("tools")),
    Row("SGLang", 400, error("tool_choice 'auto' is not supported without --tool-call-parser"), _has("tools")),
    Row(
        "within a parameter", 422, {"detail": _extra("body", "stream_options", "include_usage")}, _has("stream_options")
    ),
    Row("Anthropic, now", 400, error("`temperature` is deprecated for this model."), _has("temperature")),
    Row("Groq's values", 400, error("Must be `none`.", param="reasoning_effort"), _has("reasoning_effort")),
    Row("Ollama's thinking", 400, error('"gemma3" does not support thinking'), _has("reasoning_effort")),
]
FORMS = [
    Row("Gemma's template", 400, error("System role not supported", code=400), _roles("system")),
    Row(
        "Google's Gemma",
        400,
        error("Developer instruction is not enabled for models/gemma-3-27b-it", code=400),
        _roles("system"),
    ),
    Row("MLX", 400, error("jinja2.exceptions.TemplateError: System messages are not supported"), _roles("system")),
    Row(
        "in a list of roles",
        400,
        error("Only user, assistant and tool roles are supported, got system."),
        _roles("system"),
    ),
    Row(
        "o1-mini",
        400,
        error(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            param="messages[0].role",
            code="unsupported_value",
        ),
        _roles("system"),
    ),
    Row(
        "a template without tools",
        400,
        {"message": "Conversation roles must alternate user/assistant/user/assistant/...", "code": 400},
        _roles("tool"),
    ),
    Row("llama.cpp's template", 500, error("Conversation roles must alternate user/assistant"), _roles("tool")),
    Row(
        "Mistral's ids",
        400,
        {"message": "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.", "code": "3280"},
        _long_ids,
    ),
    Row(
        "OpenAI's ids",
        400,
        error(
            "Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum length 40.",
            code="string_above_max_length",
            param="messages[2].tool_calls[0].id",
        ),
        _long_ids,
    ),
    Row("Llama's template", 400, error("This model only supports single tool-calls at once!"), _roles("tool")),
    Row(
        "Gemini's signatures",
        400,
        [error("Function call is missing a thought_signature in functionCall parts.", code=400)],
        _unsigned,
        wants_more=True,
    ),
    Row(
        "Gemini's names",
        400,
        [error("* GenerateContentRequest.contents[2].parts[0].function_response.name: Name cannot be empty.")],
        _nameless,
    ),
    Row(
        "DeepSeek",
        400,
        error("The `reasoning_content` in the thinking mode must be passed back to the API."),
        _thoughtless,
        wants_more=True,
    ),
    Row(
        "Kimi",
        400,
        error("thinking is enabled but reasoning_content is missing in assistant tool call message at index 2"),
        _thoughtless,
        wants_more=True,
    ),
    Row("null", 400, error("Invalid value for 'content': expected a string, got null."), _null_content),
    Row("Groq's lists", 400, error("'messages.1' : 'content' must be a string"), _lists),
    Row(
        "Mistral's fields",
        422,
        {"message": {"detail": _extra("body", "messages", 2, "assistant", "reasoning_content")}},
        _in_messages("reasoning_content"),
    ),
    Row(
        "Groq's fields",
        400,
        error(
            "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : "
            "property 'reasoning_content' is unsupported, did you mean 'role'?)]"
        ),
        _in_messages("reasoning_content"),
    ),
    Row(
        "a call's field",
        422,
        {"detail": _extra("body", "messages", 2, "assistant", "tool_calls", 0, "extra_content")},
        _in_calls("extra_content"),
    ),
]
IMAGES = [
    Row(
        "DeepSeek",
        400,
        error("Failed to deserialize the JSON body: messages[0]: unknown variant `image_url`, expected `text`"),
        _has_image,
    ),
    Row("vLLM", 400, {"message": "At most 0 image(s) may be provided in one request.", "code": 400}, _has_image),
    Row("vLLM, another", 400, {"message": "qwen is not a multimodal model", "code": 400}, _has_image),
    Row(
        "llama.cpp",
        500,
        error("image input is not supported - hint: you may need to provide the mmproj", code=500),
        _has_image,
    ),
    Row("OpenRouter", 404, error("No endpoints found that support image input", code=404), _has_image),
    Row("OpenAI", 400, error("Invalid content type. image_url is only supported by certain models."), _has_image),
    Row("LM Studio", 400, {"error": "Model does not support images. Please use a model that does."}, _has_image),
    Row("Groq", 400, error("messages[1].content must be a string"), _lists),
    Row("SGLang", 400, error("Multimodal inputs are not supported by this model"), _has_image),
    Row("Mistral", 400, {"message": "Image input is not enabled for this model", "code": "3051"}, _has_image),
    Row("Cerebras", 422, {"message": "messages.0.user.content.str: Input should be a valid string"}, _lists),
    Row("in a 200", 200, error("This model does not support image input", code=400), _has_image),
]
