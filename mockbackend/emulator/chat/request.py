"""A chat request, checked as Azure checks it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..gateway import errors
from ..gateway.call import Call
from .conversation import Conversation, read_conversation

ARGUMENTS = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "modalities",
        "model",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "user_security_context",
        "verbosity",
    }
)
# A reasoning model takes these only at their default, or not at all.
DEFAULT_ONE = ("temperature", "top_p")
DEFAULT_ZERO = ("presence_penalty", "frequency_penalty")
NOT_REASONING = ("max_tokens", "logprobs", "top_logprobs", "logit_bias")
CONTEXT = 128_000
REASONING_CONTEXT = 272_000
# The first version whose documentation has `stream_options`.
USAGE_SINCE = "2024-10-21"


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat request. `limit` is the answer's token limit; `forced` is a tool that the model must call."""

    call: Call
    conversation: Conversation
    tools: tuple[str, ...]
    forced: str | None
    stream: bool
    include_usage: bool
    limit: int | None
    prompt_tokens: int


def read_chat(call: Call) -> ChatRequest:
    """Read a call's request; AzureError 400 where Azure refuses it."""
    body = call.body
    for argument in body:
        if argument not in ARGUMENTS:
            raise errors.unrecognized_argument(argument)
    conversation = read_conversation(body.get("messages"))
    if call.deployment.is_reasoning:
        _check_reasoning(body, conversation)
    limit = REASONING_CONTEXT if call.deployment.is_reasoning else CONTEXT
    used = conversation.tokens()
    if used > limit:
        raise errors.context_length(limit, used)
    if body.get("n", 1) != 1:
        raise errors.invalid_value("n", "this emulator gives one choice")
    tools = _tools(body.get("tools"))
    stream = _flag(body, "stream")
    return ChatRequest(
        call=call,
        conversation=conversation,
        tools=() if body.get("tool_choice") == "none" else tools,
        forced=_forced(body.get("tool_choice"), tools),
        stream=stream,
        include_usage=_include_usage(call, stream),
        limit=_token_limit(body),
        prompt_tokens=used,
    )


def _check_reasoning(body: Mapping[str, object], conversation: Conversation) -> None:
    for param in NOT_REASONING:
        if body.get(param) is not None:
            raise errors.unsupported_parameter(param)
    for params, default in ((DEFAULT_ONE, 1), (DEFAULT_ZERO, 0)):
        for param in params:
            value = body.get(param)
            if value is not None and value != default:
                if param == "temperature":
                    raise errors.unsupported_value(param, value)
                raise errors.unsupported_parameter(param)
    if {"system", "developer"} <= {message.role for message in conversation.messages}:
        raise errors.invalid_request("Messages with role 'developer' and 'system' cannot be used together.", "messages")


def _tools(given: object) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list):
        raise errors.wrong_type("tools", "an array of objects")
    if not given:
        raise errors.invalid_request(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "tools",
            "empty_array",
        )
    names = []
    for index, tool in enumerate(given):
        function = tool.get("function") if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(name, str):
            raise errors.missing_parameter(f"tools[{index}].function.name")
        names.append(name)
    return tuple(names)


def _forced(choice: object, tools: tuple[str, ...]) -> str | None:
    if choice is not None and not tools:
        raise errors.invalid_value("tool_choice", "'tool_choice' is only allowed when 'tools' are specified")
    if choice == "required":
        return tools[0]
    if not isinstance(choice, dict):
        return None
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if name not in tools:
        raise errors.invalid_value("tool_choice", "the named tool is not among 'tools'")
    return str(name)


def _include_usage(call: Call, stream: bool) -> bool:
    options = call.body.get("stream_options")
    if options is None:
        return False
    if not call.is_v1 and call.version < USAGE_SINCE:
        raise errors.unrecognized_argument("stream_options")
    if not stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise errors.invalid_request(message, "stream_options")
    if not isinstance(options, dict):
        raise errors.wrong_type("stream_options", "an object")
    return _flag(options, "include_usage")


def _flag(body: Mapping[str, object], param: str) -> bool:
    value = body.get(param)
    if value is not None and not isinstance(value, bool):
        raise errors.wrong_type(param, "a boolean")
    return value is True


def _token_limit(body: Mapping[str, object]) -> int | None:
    for param in ("max_completion_tokens", "max_tokens"):
        value = body.get(param)
        if value is None:
            continue
        if type(value) is not int:
            raise errors.wrong_type(param, "an integer")
        if value < 1:
            raise errors.invalid_value(param, "expected a whole number above zero")
        return value
    return None
