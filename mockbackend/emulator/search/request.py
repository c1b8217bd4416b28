"""A search request, checked against the index's schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from . import errors
from .actions import wrong_length
from .filter import Test, read_filter
from .schema import Field, Schema

DEFAULT_TOP = 50
MAX_PER_PAGE = 1000
MAX_SKIP = 100_000
KNOWN = frozenset(
    {
        "search",
        "count",
        "filter",
        "select",
        "top",
        "skip",
        "orderby",
        "searchFields",
        "searchMode",
        "queryType",
        "vectorQueries",
        "vectorFilterMode",
    }
)


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """The `k` documents whose vectors in these fields are nearest."""

    vector: list[float]
    k: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """One query. `top` None: all results, in pages of the default size."""

    text: str
    mode: Literal["any", "all"]
    text_fields: tuple[str, ...]
    vectors: tuple[VectorQuery, ...]
    filter: Test | None
    fields: tuple[Field, ...]
    order: tuple[tuple[str, bool], ...]
    top: int | None
    skip: int
    count: bool


def read_search(body: Mapping[str, object], schema: Schema) -> Search:
    """Read a search; AzureError 400 where this index cannot answer it, or the emulator does not know it."""
    for name in body:
        if name not in KNOWN:
            raise errors.invalid_request(f"parameters : The parameter '{name}' is not emulated.")
    if body.get("queryType") not in (None, "simple"):
        raise errors.invalid_request("parameters : Only the query type 'simple' is emulated.")
    given = body.get("filter")
    if given is not None and not isinstance(given, str):
        raise errors.invalid_expression("The filter must be a string.", "$filter")
    count = body.get("count") or False
    if not isinstance(count, bool):
        raise errors.invalid_request("parameters : 'count' must be true or false.")
    return Search(
        text=_text(body, "search"),
        mode="all" if body.get("searchMode") == "all" else "any",
        text_fields=_text_fields(body, schema),
        vectors=tuple(_read_vector(one, schema) for one in _objects(body.get("vectorQueries"))),
        filter=read_filter(given, schema) if given and given.strip() else None,
        fields=_select(body, schema),
        order=_order_by(body, schema),
        top=_number(body, "top", None, 0, 2**31 - 1),
        skip=_number(body, "skip", 0, 0, MAX_SKIP) or 0,
        count=count,
    )


def _text_fields(body: Mapping[str, object], schema: Schema) -> tuple[str, ...]:
    names = _names(body, "searchFields")
    for name in names:
        if name not in schema.text_fields():
            raise errors.invalid_expression(
                f"The field '{name}' in the search field list is not searchable.", "searchFields"
            )
    return tuple(names or schema.text_fields())


def _select(body: Mapping[str, object], schema: Schema) -> tuple[Field, ...]:
    retrievable = {field.name: field for field in schema.fields.values() if field.retrievable}
    names = _names(body, "select")
    for name in names:
        if name != "*" and name not in retrievable:
            raise errors.unknown_field(name, "$select")
    return tuple(retrievable.values()) if not names or "*" in names else tuple(retrievable[name] for name in names)


def _order_by(body: Mapping[str, object], schema: Schema) -> tuple[tuple[str, bool], ...]:
    """Fields to sort by, and whether each is descending."""
    found: list[tuple[str, bool]] = []
    for one in _names(body, "orderby"):
        name, _, direction = one.partition(" ")
        field = schema.fields.get(name)
        if field is None:
            raise errors.unknown_field(name, "$orderby")
        if not field.sortable or direction.strip() not in ("", "asc", "desc"):
            raise errors.invalid_expression(
                f"'{one}' must be a sortable field, alone or with 'asc' or 'desc'.", "$orderby"
            )
        found.append((name, direction.strip() == "desc"))
    return tuple(found)


def _read_vector(given: Mapping[str, object], schema: Schema) -> VectorQuery:
    vector, k = given.get("vector"), given.get("k", DEFAULT_TOP)
    if given.get("kind") != "vector" or not isinstance(vector, list):
        raise errors.invalid_request("vectorQueries : Only the kind 'vector', with a list of numbers, is emulated.")
    if not all(type(number) in (int, float) for number in vector):
        raise errors.invalid_request("vectorQueries : A vector must be a list of numbers.")
    if type(k) is not int or k < 1:
        raise errors.invalid_request("vectorQueries : 'k' must be greater than zero.")
    names = _names(given, "fields")
    for name in names:
        field = schema.fields.get(name)
        if field is None or field.dimensions is None:
            raise errors.search_error(400, f"Unknown field '{name}' in vector field list.")
        if field.dimensions != len(vector):
            mismatch = wrong_length(name, field.dimensions, len(vector))
            raise errors.invalid_request(f"vectorQueries : {mismatch}", "InvalidVectorQuery")
    if not names:
        raise errors.invalid_request("vectorQueries : 'fields' must name a vector field.")
    return VectorQuery(vector, k, tuple(names))


def _objects(given: object) -> list[Mapping[str, object]]:
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise errors.invalid_request("vectorQueries : Expected a list of objects.")
    return given


def _names(body: Mapping[str, object], name: str) -> list[str]:
    return [one.strip() for one in _text(body, name).split(",") if one.strip()]


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise errors.invalid_request(f"parameters : '{name}' must be a string.")
    return value or ""


def _number(body: Mapping[str, object], name: str, default: int | None, low: int, high: int) -> int | None:
    value = body.get(name)
    if value is None:
        return default
    if type(value) is not int or not low <= value <= high:
        raise errors.invalid_request(f"parameters : Value must be between {low} and {high}.\nParameter name: {name}")
    return value
