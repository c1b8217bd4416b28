"""What engines say where a request is longer than their model can read."""

from __future__ import annotations

from typing import Any

from tests.upstream.refusals import error

# Words of a prompt of 7,000 tokens for a model that can read 4,096; the last column is what is learned.
CONTEXT: list[tuple[str, int, Any, int | None]] = [
    (
        "SGLang",
        400,
        error("The prompt has 7000 tokens, which exceeds the model's maximum context length of 4096 tokens"),
        4096,
    ),
    (
        "SGLang, now",
        400,
        {"message": "The input (7000 tokens) is longer than the model's context length (4096 tokens)."},
        4096,
    ),
    (
        "Gemini",
        400,
        [error("The input token count (7000) exceeds the maximum number of tokens allowed (4096).", code=400)],
        4096,
    ),
    ("OpenRouter", 200, error("prompt is too long: 7000 tokens > 4096 maximum", code=400), 4096),
    ("OpenRouter, no code", 200, error("prompt is too long: 7000 tokens > 4096 maximum"), 4096),
    (
        "OpenRouter, passed on",
        400,
        error(
            "Provider returned error",
            code=400,
            metadata={"raw": '{"type":"error","error":{"message":"prompt is too long: 7000 tokens > 4096 maximum"}}'},
        ),
        4096,
    ),
    (
        "Mistral",
        400,
        {
            "object": "error",
            "message": "Prompt contains 7000 tokens and 0 draft tokens, too large for model with 4096 maximum "
            "context length",
            "type": "invalid_request_prompt",
            "code": "3051",
        },
        4096,
    ),
    (
        "OpenAI",
        400,
        error(
            "This model's maximum context length is 4096 tokens. However, your messages resulted in 7000 tokens.",
            code="context_length_exceeded",
        ),
        4096,
    ),
    (
        "vLLM",
        400,
        {"message": "This model's maximum context length is 4096 tokens. However, your request has 7000 input tokens."},
        4096,
    ),
    (
        "vLLM's engine",
        400,
        {"message": "The decoder prompt (length 7000) is longer than the maximum model length of 4096."},
        4096,
    ),
    (
        "vLLM, now",
        400,
        error(
            "You passed 7000 input tokens and requested 0 output tokens. However, the model's context length is only "
            "4096 tokens, resulting in a maximum input length of 4096 tokens."
        ),
        4096,
    ),
    (
        "llama.cpp",
        400,
        error(
            "the request exceeds the available context size, try increasing it",
            code=400,
            type="exceed_context_size_error",
            n_prompt_tokens=7000,
            n_ctx=4096,
        ),
        4096,
    ),
    (
        "LM Studio",
        200,
        {
            "error": "Trying to keep the first 7000 tokens when context the overflows. However, the model is loaded "
            "with context length of only 4096 tokens, which is not enough."
        },
        4096,
    ),
    (
        "Groq",
        400,
        error("Please reduce the length of the messages or completion.", code="context_length_exceeded"),
        None,
    ),
    (
        "Groq's limit a minute",
        413,
        error(
            "Request too large for model `x` on tokens per minute (TPM): Limit 4096, Requested 7000, please reduce "
            "your message size and try again.",
            code="rate_limit_exceeded",
        ),
        4096,
    ),
    ("xAI", 400, {"error": "This model's maximum prompt length is 4096 but the request contains 7000 tokens."}, 4096),
    ("Bedrock", 400, {"message": "Input is too long for requested model."}, None),
    (
        "TGI",
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 7000 `inputs` "
            "tokens and 20 `max_new_tokens`",
            "error_type": "validation",
        },
        4096,
    ),
    (
        "Anthropic with an answer",
        400,
        error("input length and `max_tokens` exceed context limit: 3900 + 2000 > 4096, decrease input length"),
        4096,
    ),
    (
        "DashScope",
        400,
        error("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 4096]"),
        4096,
    ),
    (
        "Cohere",
        400,
        {"message": "too many tokens: size limit exceeded by 2904 tokens. The limit for this model is 4096 tokens."},
        None,
    ),
    ("MiniMax", 400, error("invalid params, context window exceeds limit (2013)", http_code="400"), None),
    ("TensorRT", 400, error("Prompt length (7000) exceeds maximum input length (4096)."), 4096),
    ("NIM", 400, error("Prompt length (7000) + max_tokens (1024) exceeds max_seq_len (4096)"), 4096),
    ("Vertex", 400, error("the input token count is 7000 but model only supports up to 4096"), 4096),
    ("GitHub", 413, error("Request body too large. Max size: 4096 tokens.", code="tokens_limit_reached"), 4096),
    ("Kimi", 400, error("Invalid request: Your request exceeded model token limit: 4096 (requested: 7000)"), 4096),
]
