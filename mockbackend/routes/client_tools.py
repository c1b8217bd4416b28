"""The tools that a chat request declares: a map, as assistant-ui sends it, or a list."""

from __future__ import annotations

import re
from typing import Any

import orjson

from ..agent.client_tool import ClientTool
from ..errors import ServiceError, bad_request, unusable

MAX_TOOLS = 32
MAX_BYTES = 64 * 1024
# What the model API takes.
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
# Deeper ones are no parameters that a model could fill in.
DEEPEST = 32
TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}
# Keywords whose values are schemas: one, a list of them, a map of them.
OF_SCHEMA = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
OF_NAMED_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


def client_tools(value: object) -> tuple[ClientTool, ...]:
    """The tools of a body's `tools`. Raises ServiceError: 400, 422, which names the tool."""
    if value is None:
        return ()
    if isinstance(value, dict):
        named = [(f"tools.{name}"[:100], name, tool) for name, tool in value.items()]
    elif isinstance(value, list):
        named = [(f"tools[{index}]", None, tool) for index, tool in enumerate(value)]
    else:
        raise bad_request("tools must be a list, or an object with a tool under each name.")
    if len(named) > MAX_TOOLS:
        raise unusable(f"tools: at most {MAX_TOOLS} tools can be sent.")
    tools = tuple(_tool(field, name, tool) for field, name, tool in named)
    if sum(_size(tool) for tool in tools) > MAX_BYTES:
        raise unusable(f"tools: their names, descriptions and schemas can have at most {MAX_BYTES // 1024} kB.")
    if len({tool.name for tool in tools}) < len(tools):
        raise unusable("tools: two of them have one name.")
    return tools


def _tool(field: str, name: object, value: object) -> ClientTool:
    if not isinstance(value, dict):
        raise bad_request(f"{field} must be an object.")
    # OpenAI has the tool in an object of its own.
    value = value["function"] if isinstance(value.get("function"), dict) else value
    name = value.get("name") if name is None else name
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise unusable(f"{field}: a tool's name has 1 to 64 letters, digits, _ and -.")
    description = value.get("description")
    if description is not None and not isinstance(description, str):
        raise bad_request(f"{field}.description must be a string.")
    key = "inputSchema" if value.get("inputSchema") is not None else "parameters"
    return ClientTool(name, description or "", _parameters(value.get(key), f"{field}.{key}"))


def _parameters(schema: object, field: str) -> dict[str, Any]:
    if schema is None:
        return {"type": "object", "properties": {}}
    # The AI SDK's own schemas have the JSON schema inside.
    if isinstance(schema, dict) and isinstance(schema.get("jsonSchema"), dict):
        schema = schema["jsonSchema"]
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise unusable(f'{field} must be a JSON schema with "type": "object".')
    _check(schema, field, DEEPEST)
    return {"type": "object", "properties": {}, **schema}


def _check(schema: object, field: str, depth: int) -> None:
    """Raise a 422 for what is no schema."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise unusable(f"{field[:200]} is no JSON schema: it must be an object.")
    if not depth:
        raise unusable(f"{field[:200]} is nested too deeply.")
    kinds = schema.get("type", [])
    if not all(isinstance(kind, str) and kind in TYPES for kind in (kinds if isinstance(kinds, list) else [kinds])):
        raise unusable(f"{field[:200]}.type must be one of {', '.join(sorted(TYPES))}.")
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(one, str) for one in required):
        raise unusable(f"{field[:200]}.required must be a list of names.")
    if not isinstance(schema.get("enum", []), list):
        raise unusable(f"{field[:200]}.enum must be a list.")
    for key in OF_SCHEMA:
        # Before 2020-12, `items` may be a list.
        if key in schema and not isinstance(schema[key], list):
            _check(schema[key], f"{field}.{key}", depth - 1)
    for key in OF_SCHEMAS:
        if key in schema:
            if not isinstance(schema[key], list):
                raise unusable(f"{field[:200]}.{key} must be a list.")
            for index, one in enumerate(schema[key]):
                _check(one, f"{field}.{key}[{index}]", depth - 1)
    for key in OF_NAMED_SCHEMAS:
        if key in schema:
            if not isinstance(schema[key], dict):
                raise unusable(f"{field[:200]}.{key} must be an object.")
            for name, one in schema[key].items():
                _check(one, f"{field}.{key}.{name}", depth - 1)


def _size(tool: ClientTool) -> int:
    try:
        return len(orjson.dumps([tool.name, tool.description, tool.parameters]))
    except TypeError:
        raise _too_deep(tool) from None


def _too_deep(tool: ClientTool) -> ServiceError:
    return unusable(f"tools: the schema of {tool.name} is nested too deeply.")
