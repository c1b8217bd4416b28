"""The paths of Azure AI Search, as its clients call them, and the gateway in front of them."""

import re
from collections.abc import Callable, Mapping

import orjson
from starlette.requests import Request
from starlette.routing import Route

from ...mock import drawn
from ..gateway import wire
from ..gateway.auth import looks_like_entra, valid_key
from ..gateway.call import DATED
from ..gateway.endpoint import Endpoint, Gateway
from ..gateway.errors import AzureError
from ..gateway.reply import Reply
from . import errors
from .service import Answer, SearchService
from .shared import SharedIndexes

METADATA = re.compile(r"odata\.metadata=(none|minimal|full)")
# What the journal calls those calls that rules may serve.
KINDS = {
    "/indexes('{index}')/docs/search.index": "indexing",
    "/indexes('{index}')/docs/search.post.search": "search",
}
Handler = Callable[[Request, bytes], Answer | Reply]


def search_routes(gateway: Gateway) -> list[Route]:
    """Routes of a service with the indexes that all processes share."""
    service = SearchService(SharedIndexes(gateway.store.changes("search")))

    def route(path: str, method: str, handler: Handler) -> Route:
        async def serve(request: Request, raw: bytes) -> Reply:
            metadata = METADATA.search(request.headers.get("accept", ""))
            headers = _headers(metadata[1] if metadata else "minimal")
            try:
                _check_key(request.headers, gateway.api_key)
                _check_version(request.query_params.get("api-version", ""))
                answer = handler(request, raw)
            except AzureError as error:
                return Reply.of(wire.json_bytes(error.body), {**headers, **error.headers}, error.status)
            if isinstance(answer, Reply):
                return answer
            body = b"" if answer.value is None else orjson.dumps(answer.value)
            return Reply.of(body, headers, answer.status)

        return Route(path, Endpoint(serve, gateway, KINDS.get(path, "indexes")), methods=[method])

    return [
        route("/indexes", "GET", service.list_indexes),
        route("/indexes", "POST", service.create_index),
        route("/indexes('{index}')", "GET", service.get_index),
        route("/indexes('{index}')", "PUT", service.put_index),
        route("/indexes('{index}')", "DELETE", service.delete_index),
        route("/indexes('{index}')/search.stats", "GET", service.statistics),
        route("/indexes('{index}')/docs/$count", "GET", service.count_documents),
        route("/indexes('{index}')/docs('{key}')", "GET", service.get_document),
        route("/indexes('{index}')/docs/search.index", "POST", service.change_documents),
        route("/indexes('{index}')/docs/search.post.search", "POST", service.search),
    ]


def _headers(metadata: str) -> dict[str, str]:
    return {
        "content-type": f"application/json; odata.metadata={metadata}",
        "odata-version": "4.0",
        "request-id": str(drawn.uuid()),
        "elapsed-time": "1",
    }


def _check_key(headers: Mapping[str, str], api_key: str | None) -> None:
    """Raise AzureError 403 unless there is a valid key, or what looks like an Entra token."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = headers.get("api-key")
    if not key and scheme.lower() == "bearer" and looks_like_entra(token):
        return
    if not valid_key(key, api_key):
        raise errors.wrong_key()


def _check_version(version: str) -> None:
    if not version:
        raise errors.missing_version()
    if not DATED.fullmatch(version):
        raise errors.unsupported_version(version)
