"""GET /openapi.json: it names every route and no other, and what the server answers is what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mockbackend.routes import API
from mockbackend.routes.openapi import CALLS, description
from tests.running import AUTH, Server

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = [(path, method) for path, method, *_ in CALLS]
# Bodies are where the surprises are; the rest are a few strings.
EXAMPLES = {"post": 40, "patch": 40}


def test_it_describes_every_route_and_no_other() -> None:
    described = {(method.upper(), path) for path, methods in description()["paths"].items() for method in methods}
    assert described == {(method, path) for method, path, _, _ in API}


def test_it_says_who_may_call() -> None:
    for method, path, _, access in API:
        operation = description()["paths"][path][method.lower()]
        assert bool(operation["security"]) == (access != "open"), path
        named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
        assert named == ({"userid"} if access == "owner" else set()), path
        in_path = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
        assert in_path == re.findall(r"{(\w+)}", path)


def test_every_reference_leads_somewhere() -> None:
    document = description()

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
def schema(server: Server) -> schemathesis.BaseSchema:
    """The description as the running server serves it."""
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_what_it_answers_is_what_it_says(
    schema: schemathesis.BaseSchema, server: Server, path: str, method: str, mode: GenerationMode
) -> None:
    operation = schema[path][method]

    @settings(
        max_examples=EXAMPLES.get(method, 12),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def conforms(case: Case) -> None:
        case.call_and_validate(base_url=server.url, headers={"userid": "fuzz"}, auth=AUTH, checks=CHECKS)

    conforms()
