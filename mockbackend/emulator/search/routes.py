"""The paths of Azure AI Search, as its clients call them, and the gateway in front of them."""

import re
import secrets
import uuid
from collections.abc import Callable, Mapping

import orjson
from starlette.requests import Request
from starlette.routing import Route

from ..gateway import wire
from ..gateway.auth import looks_like_entra
from ..gateway.call import DATED
from ..gateway.endpoint import Endpoint
from ..gateway.errors import AzureError
from ..gateway.journal import Journal
from ..gateway.reply import Reply, whole
from ..script.rules import IndexingStep, Rulebook
from . import answers, errors
from . import error_faults as scripted
from .actions import MOST_BYTES
from .answers import Answered
from .indexes import Indexes

METADATA = re.compile(r"odata\.metadata=(none|minimal|full)")
Serving = Callable[[Request, bytes], Answered | Reply]


def search_routes(journal: Journal, rulebook: Rulebook, api_key: str | None) -> list[Route]:
    """Routes of a service with no indexes yet. `api_key` None takes any key, but wants one."""
    service = Service(rulebook)

    def route(path: str, method: str, serve: Serving) -> Route:
        async def answer(request: Request, raw: bytes) -> Reply:
            metadata = METADATA.search(request.headers.get("accept", ""))
            headers = _headers(metadata[1] if metadata else "minimal")
            try:
                _check_key(request.headers, api_key)
                _check_version(request.query_params.get("api-version", ""))
                answered = serve(request, raw)
            except AzureError as error:
                return whole(wire.json_bytes(error.body), {**headers, **error.headers}, error.status)
            if isinstance(answered, Reply):
                return answered
            body = b"" if answered.value is None else orjson.dumps(answered.value)
            return whole(body, headers, answered.status)

        return Route(path, Endpoint(answer, journal), methods=[method])

    return [
        route("/indexes", "GET", service.list_indexes),
        route("/indexes", "POST", service.create_index),
        route("/indexes('{index}')", "GET", service.get_index),
        route("/indexes('{index}')", "PUT", service.put_index),
        route("/indexes('{index}')", "DELETE", service.delete_index),
        route("/indexes('{index}')/search.stats", "GET", service.statistics),
        route("/indexes('{index}')/docs/$count", "GET", service.count),
        route("/indexes('{index}')/docs('{key}')", "GET", service.document),
        route("/indexes('{index}')/docs/search.index", "POST", service.change_documents),
        route("/indexes('{index}')/docs/search.post.search", "POST", service.search),
    ]


class Service:
    """The calls; each is given the request and its body, and may raise AzureError."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._indexes = Indexes()

    def list_indexes(self, request: Request, raw: bytes) -> Answered:
        return Answered({"value": [index.schema.definition for index in self._indexes.all()]})

    def create_index(self, request: Request, raw: bytes) -> Answered:
        return answers.create_index(self._indexes, _parse(raw))

    def get_index(self, request: Request, raw: bytes) -> Answered:
        return Answered(self._indexes.find(request.path_params["index"]).schema.definition)

    def put_index(self, request: Request, raw: bytes) -> Answered:
        return answers.put_index(self._indexes, _parse(raw), request.path_params["index"])

    def delete_index(self, request: Request, raw: bytes) -> Answered:
        self._indexes.remove(request.path_params["index"])
        return Answered(None, 204)

    def statistics(self, request: Request, raw: bytes) -> Answered:
        return answers.statistics(self._indexes.find(request.path_params["index"]))

    def count(self, request: Request, raw: bytes) -> Answered:
        return Answered(len(self._indexes.find(request.path_params["index"]).documents))

    def document(self, request: Request, raw: bytes) -> Answered:
        return answers.document(self._indexes.find(request.path_params["index"]), request.path_params["key"])

    def change_documents(self, request: Request, raw: bytes) -> Answered | Reply:
        name = request.path_params["index"]
        if len(raw) > MOST_BYTES:
            raise errors.coded(413, errors.TOO_LARGE)
        step = self._step(name, raw) if self._rulebook.script.indexing else IndexingStep()
        if refused := scripted.refusal(step.fault):
            return refused
        return answers.change_documents(self._indexes, self._indexes.find(name), _parse(raw), step.fault)

    def search(self, request: Request, raw: bytes) -> Answered | Reply:
        name, body = request.path_params["index"], _parse(raw)
        steps = self._rulebook.serve(self._rulebook.script.search, name, str(body.get("search") or ""))
        if steps and (refused := scripted.refusal(steps[0].fault)):
            return refused
        return answers.search(self._indexes.find(name), body, str(request.url))

    def _step(self, name: str, raw: bytes) -> IndexingStep:
        # A rule's `when` looks for a text as people write it, which JSON may have escaped.
        steps = self._rulebook.serve(self._rulebook.script.indexing, name, orjson.dumps(_parse(raw)).decode())
        return steps[0] if steps else IndexingStep()


def _headers(metadata: str) -> dict[str, str]:
    return {
        "content-type": f"application/json; odata.metadata={metadata}",
        "odata-version": "4.0",
        "request-id": str(uuid.uuid4()),
        "elapsed-time": "1",
    }


def _check_key(headers: Mapping[str, str], api_key: str | None) -> None:
    """AzureError 403 unless there is a key that fits, or what looks like an Entra token."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = headers.get("api-key")
    if not key and scheme.lower() == "bearer" and looks_like_entra(token):
        return
    if not key or not (api_key is None or secrets.compare_digest(key.encode(), api_key.encode())):
        raise errors.bad_key()


def _check_version(version: str) -> None:
    if not version:
        raise errors.no_version()
    if not DATED.fullmatch(version):
        raise errors.bad_version(version)


def _parse(raw: bytes) -> Mapping[str, object]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise errors.invalid("The request body must be a JSON object.")
    return body
