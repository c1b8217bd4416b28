"""A request for a response, checked as OpenAI checks it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..chat.request import CONTEXT, REASONING_CONTEXT, ChatRequest, named_schema
from ..chat.sampling import check_sampling
from ..chat.schema_values import Schema
from ..chat.tools import Tool, allowed_tools, forced_tool, make_tool, tool_list
from ..gateway import errors
from ..gateway.call import Call, flag
from .items import Item, conversation_of, identified, read_items
from .store import ResponseStore

PARAMETERS = frozenset(
    {
        "background",
        "context_management",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
# What would need more than a model behind it.
NOT_EMULATED = ("background", "conversation", "prompt")
NOT_REASONING = ("temperature", "top_p", "top_logprobs")
FEWEST_TOKENS = 16
ENCRYPTED = "reasoning.encrypted_content"


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """A request. `chat` is what it asks of the model, `given` are its own items, `history` those before them.

    `summary` says that the reasoning shall be shown, `encrypted` that it shall come back sealed.
    """

    chat: ChatRequest
    given: Sequence[Item]
    history: Sequence[Item]
    store: bool
    summary: bool
    encrypted: bool

    @property
    def body(self) -> Mapping[str, object]:
        return self.chat.call.body


def read_request(call: Call, store: ResponseStore) -> ResponseRequest:
    """Read a call's request; AzureError 400 where OpenAI refuses it."""
    body = call.body
    for param in body:
        if param not in PARAMETERS:
            raise errors.unknown_parameter(param)
    for param in NOT_EMULATED:
        if body.get(param) not in (None, False):
            raise errors.invalid_value(param, "this emulator has nothing behind it")
    given = read_items(body.get("input"))
    if not given and body.get("previous_response_id") is None:
        raise errors.nothing_to_answer()
    history: list[Item] = []
    if (previous_id := body.get("previous_response_id")) is not None:
        previous = store.previous(previous_id)
        history = [*previous.history, *previous.input, *previous.output]
    # A reference stands for an item that is stored.
    known = [
        store.item(str(item.get("id"))) if item.get("type") == "item_reference" else identified(item) for item in given
    ]
    conversation = conversation_of(_instructions(body), history, known)
    reasoning = _reasoning(call)
    include = _strings(body, "include")
    if ENCRYPTED in include and not call.deployment.is_reasoning:
        raise errors.invalid_request("Encrypted content is not supported with this model.", "include")
    used = conversation.tokens()
    if used > (REASONING_CONTEXT if call.deployment.is_reasoning else CONTEXT):
        raise errors.input_too_long()
    check_sampling(body)
    schema = _schema(body.get("text"))
    if _form(body.get("text")).get("type") == "json_object" and not conversation.mentions("json"):
        raise errors.json_not_mentioned("input", "Response input messages", "text.format")
    tools = _tools(body.get("tools"))
    choice = body.get("tool_choice")
    allowed, must_call = allowed_tools(choice, tools)
    chat = ChatRequest(
        call=call,
        conversation=conversation,
        tools=allowed,
        must_call=must_call,
        forced=forced_tool(choice if choice not in ("auto", "none") else None, tools, _chosen_name(choice)),
        schema=schema,
        stop=(),
        choices=1,
        logprobs=_logprobs(body, include),
        stream=flag(body, "stream"),
        include_usage=True,
        limit=_limit(body.get("max_output_tokens")),
        prompt_tokens=used,
    )
    stored = body.get("store") is None or flag(body, "store")
    return ResponseRequest(chat, known, history, stored, reasoning.get("summary") is not None, ENCRYPTED in include)


def _instructions(body: Mapping[str, object]) -> str | None:
    given = body.get("instructions")
    if given is not None and not isinstance(given, str):
        raise errors.wrong_type("instructions", "a string")
    return given


def _reasoning(call: Call) -> Mapping[str, object]:
    """The `reasoning` object; AzureError 400 where the model has nothing to do with it."""
    given = call.body.get("reasoning")
    if given is not None and not isinstance(given, dict):
        raise errors.wrong_type("reasoning", "an object")
    if not call.deployment.is_reasoning:
        for key in given or {}:
            if given is not None and given[key] is not None:
                raise errors.unsupported_parameter(f"reasoning.{key}")
        return {}
    for param in NOT_REASONING:
        if call.body.get(param) is not None:
            raise errors.unsupported_parameter(param)
    return given or {}


def _strings(body: Mapping[str, object], param: str) -> list[str]:
    given = body.get(param) or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise errors.wrong_type(param, "an array of strings")
    return given


def _tools(given: object) -> tuple[Tool, ...]:
    return tuple(_tool(tool, f"tools[{index}]") for index, tool in enumerate(tool_list(given or None)))


def _tool(tool: object, where: str) -> Tool:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if not isinstance(tool, dict) or kind is None:
        raise errors.missing_parameter(f"{where}.type")
    if kind not in ("function", "custom"):
        message = f"Hosted tool '{kind}' is not emulated: there is nothing behind it. Use function or custom tools."
        raise errors.invalid_request(message, where, "unsupported_tool")
    return make_tool(tool, where, custom=kind == "custom")


def _chosen_name(choice: object) -> object:
    if not isinstance(choice, dict):
        return None
    if choice.get("type") in ("function", "custom"):
        return choice.get("name", "")
    if choice.get("type") == "allowed_tools":
        return None
    raise errors.invalid_value("tool_choice", "this emulator knows 'function', 'custom', and 'allowed_tools'")


def _form(given: object) -> Mapping[str, object]:
    """What `text` says of an answer's format."""
    form = given.get("format") if isinstance(given, dict) else None
    return form if isinstance(form, dict) else {}


def _schema(given: object) -> Schema | None:
    """The schema of an answer that shall be JSON."""
    if given is not None and not isinstance(given, dict):
        raise errors.wrong_type("text", "an object")
    if given is None or given.get("format") is None:
        return None
    match (form := _form(given)).get("type"):
        case "text":
            return None
        case "json_object":
            return {}
        case "json_schema":
            return named_schema(form, "text.format", "")
    raise errors.invalid_value("text.format.type", "supported values are: 'json_object', 'json_schema', and 'text'")


def _logprobs(body: Mapping[str, object], include: Sequence[str]) -> int | None:
    top = body.get("top_logprobs")
    if top is not None and (type(top) is not int or not 0 <= top <= 20):
        raise errors.invalid_value("top_logprobs", "expected a whole number from 0 to 20")
    if "message.output_text.logprobs" not in include:
        return None
    return top if isinstance(top, int) else 0


def _limit(given: object) -> int | None:
    if given is None:
        return None
    if type(given) is not int:
        raise errors.wrong_type("max_output_tokens", "an integer")
    if given < FEWEST_TOKENS:
        message = (
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {FEWEST_TOKENS}, but got "
            f"{given} instead."
        )
        raise errors.invalid_request(message, "max_output_tokens", "integer_below_min_value")
    return given
