"""The search service: what each call does to the indexes, and the value that it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from starlette.requests import Request

from ...mock.script import faults
from ...mock.script.matching import Facts
from ...mock.script.rules import IndexingRule, SearchRule
from ..gateway.call import parse_object
from ..gateway.mocked import mocked
from ..gateway.reply import Reply
from . import errors
from .actions import MAX_BYTES, apply_actions, read_actions
from .error_faults import error_reply
from .indexes import Index, Indexes
from .ranking import rank
from .request import DEFAULT_TOP, MAX_PER_PAGE, read_search
from .schema import read_schema
from .shared import Batch, Change, Put, Removed, SharedIndexes, T


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON value; None stands for no body."""

    value: object
    status: int = 200


class SearchService:
    """The calls. Each gets the request and its body, and may raise AzureError."""

    def __init__(self, indexes: SharedIndexes) -> None:
        self._indexes = indexes

    def list_indexes(self, request: Request, raw: bytes) -> Answer:
        indexes = self._indexes.of(mocked(request).scenario)
        return Answer({"value": [index.schema.definition for index in indexes.all()]})

    def create_index(self, request: Request, raw: bytes) -> Answer:
        schema = read_schema(_parse(raw))

        def create(indexes: Indexes) -> None:
            if schema.name in (index.schema.name for index in indexes.all()):
                raise errors.search_error(409, f"Cannot create index '{schema.name}' because it already exists.")
            indexes.put(schema)

        self._change(request, Put(dict(schema.definition)), create)
        return Answer(schema.definition, 201)

    def get_index(self, request: Request, raw: bytes) -> Answer:
        return Answer(self._index(request).schema.definition)

    def put_index(self, request: Request, raw: bytes) -> Answer:
        """Create or change an index."""
        name = request.path_params["index"]
        schema = read_schema({"name": name, **_parse(raw)})
        if schema.name != name:
            raise errors.invalid_request("index : The name in the URL must be that of the index.")
        is_new = self._change(request, Put(dict(schema.definition)), lambda indexes: indexes.put(schema))
        return Answer(schema.definition, 201 if is_new else 200)

    def delete_index(self, request: Request, raw: bytes) -> Answer:
        name = request.path_params["index"]
        self._change(request, Removed(name), lambda indexes: indexes.remove(name))
        return Answer(None, 204)

    def statistics(self, request: Request, raw: bytes) -> Answer:
        index = self._index(request)
        return Answer(
            {
                "documentCount": len(index.documents),
                "storageSize": index.size,
                "vectorIndexSize": sum(
                    vector.nbytes for vectors in index.vectors.values() for vector in vectors.values()
                ),
            }
        )

    def count_documents(self, request: Request, raw: bytes) -> Answer:
        return Answer(len(self._index(request).documents))

    def get_document(self, request: Request, raw: bytes) -> Answer:
        """One document, without the fields that are hidden. A missing one is a 404 without a body."""
        index, key = self._index(request), request.path_params["key"]
        if key not in index.documents:
            return Answer(None, 404)
        return Answer(index.render(key, [field for field in index.schema.fields.values() if field.retrievable]))

    def change_documents(self, request: Request, raw: bytes) -> Answer | Reply:
        """Apply a batch: 200 with a status for each document, or 207 if any failed."""
        if len(raw) > MAX_BYTES:
            raise errors.search_error(413, errors.TOO_LARGE)
        fault = _indexing_fault(request, raw)
        if isinstance(fault, faults.SearchFault):
            return error_reply(fault)
        name, body = request.path_params["index"], dict(_parse(raw))

        def apply(indexes: Indexes) -> list[dict[str, object]]:
            index = indexes.find(name)
            return apply_actions(read_actions(body, index.schema), index, indexes, fault)

        results = self._change(request, Batch(name, body, fault), apply)
        return Answer({"value": results}, 200 if all(result["status"] for result in results) else 207)

    def search(self, request: Request, raw: bytes) -> Answer | Reply:
        """One page of results; `@search.nextPageParameters` is the body that asks for the next."""
        body = _parse(raw)
        facts = Facts(request.path_params["index"], str(body.get("search") or ""))
        if (serving := mocked(request).serve(SearchRule, facts)) and (fault := serving.item.fault):
            return error_reply(fault)
        index = self._index(request)
        search = read_search(body, index.schema)
        found = rank(index, search)
        size = min(DEFAULT_TOP if search.top is None else search.top, MAX_PER_PAGE)
        page = found[search.skip : search.skip + size]
        answer: dict[str, object] = {}
        if search.count:
            answer["@odata.count"] = len(found)
        more = search.skip + size < len(found) and (search.top is None or search.top > size)
        if more:
            answer["@search.nextPageParameters"] = {
                **body,
                "skip": search.skip + size,
                **({} if search.top is None else {"top": search.top - size}),
            }
        answer["value"] = [{"@search.score": score, **index.render(key, search.fields)} for key, score in page]
        if more:
            answer["@odata.nextLink"] = str(request.url)
        return Answer(answer)

    def _index(self, request: Request) -> Index:
        return self._indexes.of(mocked(request).scenario).find(request.path_params["index"])

    def _change(self, request: Request, change: Change, make: Callable[[Indexes], T]) -> T:
        return self._indexes.change(mocked(request).scenario, change, make)


def _indexing_fault(request: Request, raw: bytes) -> faults.SearchFault | faults.BatchFault | None:
    if not mocked(request).has(IndexingRule):
        return None
    # A rule's `when` is text as people write it; in the body, JSON may have escaped it.
    facts = Facts(request.path_params["index"], orjson.dumps(_parse(raw)).decode())
    serving = mocked(request).serve(IndexingRule, facts)
    return serving.item.fault if serving else None


def _parse(raw: bytes) -> Mapping[str, object]:
    body = parse_object(raw)
    if body is None:
        raise errors.invalid_request("The request body must be a JSON object.")
    return body
