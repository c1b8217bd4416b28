"""A chat request, checked as Azure checks it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..gateway import errors
from ..gateway.call import Call, flag
from .conversation import Conversation, read_conversation
from .sampling import check_sampling
from .schema_problems import schema_problem
from .schema_values import Schema
from .tools import Tool, allowed_tools, checked_name, forced_tool, read_tools

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
    """A chat request.

    `limit` is the answer's token limit, `must_call` says that the model must call a tool, and `forced` which one, if
    it is named. `schema` is that of the answer, if it shall be JSON, and {} for any object. `stop` are the texts that
    end it.
    """

    call: Call
    conversation: Conversation
    tools: tuple[Tool, ...]
    must_call: bool
    forced: Tool | None
    schema: Schema | None
    stop: tuple[str, ...]
    choices: int
    logprobs: int | None
    stream: bool
    include_usage: bool
    limit: int | None
    prompt_tokens: int

    def tool(self, name: str) -> Tool | None:
        """The offered tool of that name."""
        return next((tool for tool in self.tools if tool.name == name), None)


def read_chat(call: Call, *, azures: bool = True) -> ChatRequest:
    """Read a call's request; AzureError 400 where Azure refuses it. `azures`: its models are Azure's."""
    body = call.body
    if azures:
        for argument in body:
            if argument not in ARGUMENTS:
                raise errors.unrecognized_argument(argument)
    conversation = read_conversation(body.get("messages"))
    is_reasoning = azures and call.deployment.is_reasoning
    if is_reasoning:
        _check_reasoning(body, conversation)
    if azures:
        check_sampling(body)
        if _shape(body.get("response_format")) == "json_object" and not conversation.mentions("json"):
            raise errors.json_not_mentioned("messages", "'messages'", "response_format")
    limit = REASONING_CONTEXT if is_reasoning else CONTEXT
    used = conversation.tokens()
    if used > limit:
        raise errors.context_length(limit, used)
    tools = read_tools(body.get("tools"))
    choice = body.get("tool_choice")
    allowed, must_call = allowed_tools(choice, tools)
    stream = flag(body, "stream")
    return ChatRequest(
        call=call,
        conversation=conversation,
        tools=allowed,
        must_call=must_call,
        forced=forced_tool(choice, tools, _chosen_name(choice)),
        schema=_schema(body.get("response_format")),
        stop=_stop(body.get("stop")),
        choices=_choices(body.get("n")),
        logprobs=_logprobs(body),
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


def _chosen_name(choice: object) -> object:
    """The name of the tool that a choice names; None if it names no tool."""
    if not isinstance(choice, dict):
        return None
    definition = choice.get(str(choice.get("type", "function")))
    return definition.get("name") if isinstance(definition, dict) else ""


def _shape(given: object) -> object:
    return given.get("type") if isinstance(given, dict) else None


def _schema(given: object) -> Schema | None:
    """The schema of an answer that shall be JSON; {} where any object will do."""
    if given is None:
        return None
    if not isinstance(given, dict):
        raise errors.wrong_type("response_format", "an object")
    match given.get("type"):
        case "text":
            return None
        case "json_object":
            return {}
        case "json_schema":
            return named_schema(given.get("json_schema"), "response_format", "json_schema.")
    allowed = "'json_object', 'json_schema', and 'text'"
    raise errors.invalid_value(f"{given.get('type')}", f"supported values are: {allowed}")


def named_schema(given: object, param: str, prefix: str) -> Schema:
    """The schema in `{name, schema, strict}`; AzureError 400 where Azure refuses it."""
    if not isinstance(given, dict):
        raise errors.missing_parameter(f"{param}.{prefix}name")
    name = checked_name(given.get("name"), f"{param}.{prefix}name")
    schema = given.get("schema")
    if problem := schema_problem({} if schema is None else schema, strict=given.get("strict") is True):
        message = f"Invalid schema for response_format '{name}': {problem}"
        raise errors.invalid_request(message, param)
    return schema if isinstance(schema, dict) else {}


def _stop(given: object) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else given or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise errors.wrong_type("stop", "a string or an array of strings")
    if len(texts) > 4:
        raise errors.invalid_value("stop", "array too long, expected an array with maximum length 4")
    return tuple(text for text in texts if text)


def _choices(given: object) -> int:
    if given is None:
        return 1
    if type(given) is not int:
        raise errors.wrong_type("n", "an integer")
    if not 1 <= given <= 128:
        raise errors.invalid_value("n", "expected a whole number from 1 to 128")
    return given


def _logprobs(body: Mapping[str, object]) -> int | None:
    """How many likely tokens to list beside each token; None for no log probabilities at all."""
    top = body.get("top_logprobs")
    if not flag(body, "logprobs"):
        if top is not None:
            raise errors.invalid_request("The 'top_logprobs' parameter requires 'logprobs' to be true.", "top_logprobs")
        return None
    if top is not None and (type(top) is not int or not 0 <= top <= 20):
        raise errors.invalid_value("top_logprobs", "expected a whole number from 0 to 20")
    return top if isinstance(top, int) else 0


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
    return flag(options, "include_usage")


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
