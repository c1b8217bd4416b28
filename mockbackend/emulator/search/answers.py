"""The documents of answers: what each call says when it succeeds."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..script import faults
from . import errors
from .actions import perform, read_actions
from .indexes import Index, Indexes
from .ranking import rank
from .request import DEFAULT_TOP, MOST_PER_PAGE, read_search
from .schema import read_schema


@dataclass(frozen=True, slots=True)
class Answered:
    """A status and a JSON value; None is no body at all."""

    value: object
    status: int = 200


def put_index(indexes: Indexes, body: Mapping[str, object], name: str) -> Answered:
    """Make or change an index; the path's name and the body's must be the same."""
    schema = read_schema({"name": name, **body})
    if schema.name != name:
        raise errors.invalid("index : The name in the URL must be that of the index.")
    return Answered(schema.definition, 201 if indexes.put(schema) else 200)


def create_index(indexes: Indexes, body: Mapping[str, object]) -> Answered:
    """Make an index that is not there yet."""
    schema = read_schema(body)
    if schema.name in (index.schema.name for index in indexes.all()):
        raise errors.coded(409, f"Cannot create index '{schema.name}' because it already exists.")
    indexes.put(schema)
    return Answered(schema.definition, 201)


def statistics(index: Index) -> Answered:
    return Answered(
        {
            "documentCount": len(index.documents),
            "storageSize": index.size,
            "vectorIndexSize": sum(vector.nbytes for vectors in index.vectors.values() for vector in vectors.values()),
        }
    )


def document(index: Index, key: str) -> Answered:
    """One document by its key: all that may be shown. A missing one is a 404 without a body."""
    if key not in index.documents:
        return Answered(None, 404)
    return Answered(index.shown(key, [field for field in index.schema.fields.values() if field.retrievable]))


def change_documents(
    indexes: Indexes, index: Index, body: Mapping[str, object], fault: faults.IndexingFault | None
) -> Answered:
    """A status for each document, and 207 where any failed."""
    results = perform(read_actions(body, index.schema), index, indexes, fault)
    return Answered({"value": results}, 200 if all(result["status"] for result in results) else 207)


def search(index: Index, body: Mapping[str, object], link: str) -> Answered:
    """One page of what was found; `@search.nextPageParameters` is the body that asks for the next."""
    asked = read_search(body, index.schema)
    found = rank(index, asked)
    size = min(DEFAULT_TOP if asked.top is None else asked.top, MOST_PER_PAGE)
    page = found[asked.skip : asked.skip + size]
    answer: dict[str, object] = {}
    if asked.count:
        answer["@odata.count"] = len(found)
    more = asked.skip + size < len(found) and (asked.top is None or asked.top > size)
    if more:
        answer["@search.nextPageParameters"] = {
            **body,
            "skip": asked.skip + size,
            **({} if asked.top is None else {"top": asked.top - size}),
        }
    answer["value"] = [{"@search.score": score, **index.shown(key, list(asked.fields))} for key, score in page]
    if more:
        answer["@odata.nextLink"] = link
    return Answered(answer)
