"""The tools that a request offers, refused where Azure refuses their schemas."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..gateway import errors
from .schema_problems import schema_problem
from .schema_values import Schema

NAME = re.compile("[a-zA-Z0-9_-]+")
LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool. `schema` is its arguments'; a custom tool's input is a text, which that describes."""

    name: str
    schema: Schema
    custom: bool = False


def read_tools(given: object) -> tuple[Tool, ...]:
    """The tools of a chat request; AzureError 400 where Azure refuses them."""
    return tuple(_chat_tool(tool, f"tools[{index}]") for index, tool in enumerate(tool_list(given)))


def tool_list(given: object) -> list[object]:
    """The list of tools; AzureError 400 for anything else, and for an empty one."""
    if given is None:
        return []
    if not isinstance(given, list):
        raise errors.wrong_type("tools", "an array of objects")
    if not given:
        raise errors.empty_array("tools")
    return given


def make_tool(definition: Mapping[str, object], where: str, custom: bool) -> Tool:
    """The tool of that definition; AzureError 400 names what is wrong with it."""
    name = checked_name(definition.get("name"), f"{where}.name")
    if custom:
        return Tool(name, _text_schema(definition.get("format")), custom=True)
    schema = definition.get("parameters")
    if schema is None:
        return Tool(name, {"type": "object", "properties": {}})
    if problem := schema_problem(schema, strict=definition.get("strict") is True):
        message = f"Invalid schema for function '{name}': {problem}"
        raise errors.invalid_request(message, f"{where}.parameters", "invalid_function_parameters")
    return Tool(name, schema if isinstance(schema, dict) else {})


def _text_schema(form: object) -> Schema:
    """What is known of a custom tool's input: the pattern of its grammar, unless that is Lark's."""
    grammar = form.get("grammar", form) if isinstance(form, dict) else {}
    match grammar:
        case {"syntax": "regex", "definition": str(pattern)}:
            return {"type": "string", "pattern": f"^({pattern})$"}
    return {}


def checked_name(name: object, where: str) -> str:
    """The name of a tool or of a schema; AzureError 400 for one that Azure refuses."""
    if not isinstance(name, str):
        raise errors.missing_parameter(where)
    if not NAME.fullmatch(name):
        message = (
            f"Invalid '{where}': string does not match pattern. Expected a string that matches the pattern "
            f"'^{NAME.pattern}$'."
        )
        raise errors.invalid_request(message, where, "invalid_value")
    if len(name) > LONGEST_NAME:
        message = (
            f"Invalid '{where}': string too long. Expected a string with maximum length {LONGEST_NAME}, but got a "
            f"string with length {len(name)} instead."
        )
        raise errors.invalid_request(message, where, "string_above_max_length")
    return name


def _chat_tool(tool: object, where: str) -> Tool:
    kind = tool.get("type", "function") if isinstance(tool, dict) else None
    if kind not in ("function", "custom"):
        raise errors.invalid_value(f"{where}.type", "supported values are: 'function' and 'custom'")
    definition = tool.get(kind) if isinstance(tool, dict) else None
    if not isinstance(definition, dict):
        raise errors.missing_parameter(f"{where}.{kind}.name")
    return make_tool(definition, f"{where}.{kind}", custom=kind == "custom")


def allowed_tools(choice: object, tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], bool]:
    """The tools that a choice leaves to the model, and whether it must call one of them."""
    match choice:
        case "none":
            return (), False
        case {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [*named]}} | {
            "type": "allowed_tools",
            "mode": mode,
            "tools": [*named],
        }:
            names = [_name_of(one) for one in named]
            return tuple(tool for tool in tools if tool.name in names), mode == "required"
    return tools, choice == "required"


def _name_of(tool: object) -> object:
    """The name of a tool as chat, or as the Responses API, refers to it."""
    definition = tool.get(str(tool.get("type")), tool) if isinstance(tool, dict) else None
    return definition.get("name") if isinstance(definition, dict) else None


def forced_tool(choice: object, tools: tuple[Tool, ...], name: object) -> Tool | None:
    """The tool that a request must call, by the name in its choice; AzureError 400 where it offers no such tool."""
    if choice is not None and not tools:
        raise errors.invalid_value("tool_choice", "'tool_choice' is only allowed when 'tools' are specified")
    if name is None:
        return None
    for tool in tools:
        if tool.name == name:
            return tool
    raise errors.invalid_value("tool_choice", "the named tool is not among 'tools'")
