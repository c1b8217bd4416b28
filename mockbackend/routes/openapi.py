"""The API's description in OpenAPI, made from the table of routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .auth import Access, Endpoint
from .schemas import COMPONENTS, ERROR, ID, TEXT, USERID, Schema


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path: the endpoint that answers, who may call it, and its description."""

    method: str
    path: str
    endpoint: Endpoint
    access: Access
    summary: str
    responses: dict[int, Schema]
    query: tuple[Schema, ...] = ()
    body: Schema | None = None


def describe(operations: Iterable[Operation]) -> Schema:
    """The OpenAPI document of these operations."""
    paths: dict[str, Schema] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mock Backend", "version": "1"},
        "paths": paths,
        "components": {"schemas": COMPONENTS, "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
    }


def _describe(operation: Operation) -> Schema:
    responses = {str(status): response for status, response in operation.responses.items()}
    description: Schema = {
        "summary": operation.summary,
        "operationId": f"{operation.method.lower()} {operation.path}",
        "parameters": _parameters(operation),
        "security": [] if operation.access == "open" else [{"basic": []}],
        "responses": {**responses, "default": ERROR},
    }
    if operation.body:
        description["requestBody"] = operation.body
    return description


def _parameters(operation: Operation) -> list[Schema]:
    parameters = list(operation.query)
    for name in re.findall(r"{(\w+)}", operation.path):
        schema = ID if name == "id" else TEXT
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    if operation.access == "owner":
        parameters.append({"name": "userid", "in": "header", "required": True, "schema": USERID})
    return parameters
