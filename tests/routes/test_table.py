"""The table of routes: unknown paths, other methods, HEAD."""

from __future__ import annotations

import httpx2
import pytest

from mockbackend.routes import API
from tests.harness.api import error_of, filled

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MISSING = [
    (path, method)
    for path in sorted({route.path for route in API})
    for method in METHODS
    if not any((method, path) == (route.method, route.path) for route in API)
]


@pytest.mark.parametrize("path", ["/none", "/chat/", "/conversations/", "/chat/a/b", "/conversations/a/b/c", "/%2e%2e"])
async def test_an_unknown_path_is_a_404(client: httpx2.AsyncClient, path: str) -> None:
    assert error_of(await client.get(path), 404)["code"] == "not_found"


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("path", "method"), MISSING)
async def test_another_method_is_a_405_that_names_those_of_the_path(
    client: httpx2.AsyncClient, path: str, method: str
) -> None:
    response = await client.request(method, filled(path))
    assert error_of(response, 405)["code"] == "method_not_allowed"
    listed = {name.strip() for name in response.headers["allow"].split(",")} - {"HEAD"}
    assert listed == {route.method for route in API if route.path == path}


@pytest.mark.parametrize("path", ["/livez", "/health", "/conversations"])
async def test_head_is_get_without_a_body(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.head(path)
    assert (response.status_code, response.content) == (200, b"")
