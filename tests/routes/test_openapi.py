"""GET /openapi.json: it describes every route and no other, and the server answers as described."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mockbackend.routes import API
from mockbackend.routes.openapi import describe
from tests.harness.examples import examples
from tests.harness.http_client import PLAIN
from tests.harness.service import AUTH, Server

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
OPERATIONS = [(route.path, route.method.lower()) for route in API]
# At an open path nothing can be invalid: any text will do.
SPOILABLE = [(route.path, route.method.lower()) for route in API if route.access != "open"]
# Bodies are where the surprises are; the rest are a few strings.
EXAMPLES = {"post": 30, "patch": 30}


def test_it_describes_every_route_and_no_other() -> None:
    described = {(method.upper(), path) for path, methods in describe(API)["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in API}


def test_it_says_which_routes_need_a_login_and_a_userid() -> None:
    paths = describe(API)["paths"]
    for route in API:
        path, access = route.path, route.access
        operation = paths[path][route.method.lower()]
        assert bool(operation["security"]) == (access != "open"), path
        named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
        assert named == ({"userid"} if access == "owner" else set()), path
        in_path = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
        assert in_path == re.findall(r"{(\w+)}", path)


def test_every_reference_has_its_target() -> None:
    document = describe(API)

    def references(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(reference := value.get("$ref"), str):
                yield reference
            for one in value.values():
                yield from references(one)
        elif isinstance(value, list):
            for one in value:
                yield from references(one)

    found = set(references(document))
    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


@pytest.fixture(scope="module")
def server(alone: Server) -> Server:
    """One whose conversations have random ids."""
    return alone


@pytest.fixture(scope="module")
def schema(server: Server) -> schemathesis.BaseSchema:
    """The description as the running server serves it."""
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def conform(
    operation: APIOperation[Any, Any, Any, Any], server: Server, strategy: SearchStrategy[Case[Any]]
) -> set[int]:
    """AssertionError where an answer is not what the description says; gives the statuses that were seen."""
    seen: set[int] = set()

    @settings(
        max_examples=examples(EXAMPLES.get(operation.method.lower(), 8)),
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def conforms(case: Case[Any]) -> None:
        headers = {"userid": "fuzz"}
        response = case.call_and_validate(base_url=server.url, headers=headers, auth=AUTH, checks=CHECKS)
        seen.add(response.status_code)

    conforms()
    return seen


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=map(" ".join, OPERATIONS))
def test_a_valid_request_is_answered_as_described(
    schema: schemathesis.BaseSchema, server: Server, path: str, method: str
) -> None:
    operation = schema[path][method]
    seen = conform(operation, server, operation.as_strategy())
    if there := existing(server, path):
        # What nobody has stored is one half; the other is something that is there.
        seen |= conform(operation, server, operation.as_strategy(path_parameters=there))
    assert seen & {200, 202, 204}, f"only {seen}"


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("path", "method"), SPOILABLE, ids=map(" ".join, SPOILABLE))
def test_an_invalid_request_is_answered_as_described(
    schema: schemathesis.BaseSchema, server: Server, path: str, method: str
) -> None:
    operation = schema[path][method]
    conform(operation, server, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))


def existing(server: Server, path: str) -> dict[str, str]:
    """Something that is there, by the name that the path has for it; nothing if the path has none."""
    match re.findall(r"{(\w+)}", path):
        case []:
            return {}
        case ["token"]:
            answer = begin(server, {"mode": "image", "message": "A lighthouse"})
            (token,) = re.findall(r"/images/([\w-]+)", answer)
            return {"token": token}
        case ["path"]:
            return {"path": "purify.es.js" if "vendor" in path else "main.js"}
    if path.startswith("/files"):
        return {"id": upload(server)}
    begin(server, {"id": "fuzzed", "message": "Hello"})
    return {"id": "fuzzed"}


def begin(server: Server, body: dict[str, str]) -> str:
    """A turn from its begin to its end; its stream."""
    headers = {"userid": "fuzz"}
    response = httpx2.post(f"{server.url}/chat", json=body, auth=AUTH, headers=headers, **PLAIN)
    assert response.status_code == 200
    return response.text


def upload(server: Server) -> str:
    """A file; its id."""
    files = {"files": ("fuzzed.txt", b"Fuzzed")}
    headers = {"userid": "fuzz"}
    response = httpx2.post(f"{server.url}/files", files=files, auth=AUTH, headers=headers, **PLAIN)
    file_id: str = response.json()[0]["id"]
    return file_id
