"""The body of a search, read and checked against the index's schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from . import errors
from .actions import wrong_length
from .filter import Test, read_filter
from .schema import Field, Schema

DEFAULT_TOP = 50
MOST_PER_PAGE = 1000
MOST_SKIPPED = 100_000
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
    """One query. `top` None: as many as there are, in pages of the default size."""

    text: str
    mode: Literal["any", "all"]
    words: tuple[str, ...]
    vectors: tuple[VectorQuery, ...]
    test: Test | None
    fields: tuple[Field, ...]
    order: tuple[tuple[str, bool], ...]
    top: int | None
    skip: int
    count: bool


def read_search(body: Mapping[str, object], schema: Schema) -> Search:
    """AzureError 400 for what cannot be asked of this index, or is not emulated."""
    for name in body:
        if name not in KNOWN:
            raise errors.invalid(f"parameters : The parameter '{name}' is not emulated.")
    if body.get("queryType") not in (None, "simple"):
        raise errors.invalid("parameters : Only the query type 'simple' is emulated.")
    given = body.get("filter")
    if given is not None and not isinstance(given, str):
        raise errors.bad_expression("The filter must be a text.", "$filter")
    count = body.get("count") or False
    if not isinstance(count, bool):
        raise errors.invalid("parameters : 'count' must be true or false.")
    return Search(
        text=_text(body, "search"),
        mode="all" if body.get("searchMode") == "all" else "any",
        words=_searched(body, schema),
        vectors=tuple(_read_vector(one, schema) for one in _objects(body.get("vectorQueries"))),
        test=read_filter(given, schema) if given and given.strip() else None,
        fields=_selected(body, schema),
        order=_order(body, schema),
        top=_number(body, "top", None, 0, 2**31 - 1),
        skip=_number(body, "skip", 0, 0, MOST_SKIPPED) or 0,
        count=count,
    )


def _searched(body: Mapping[str, object], schema: Schema) -> tuple[str, ...]:
    names = _names(body, "searchFields")
    for name in names:
        if name not in schema.words():
            raise errors.bad_expression(
                f"The field '{name}' in the search field list is not searchable.", "searchFields"
            )
    return tuple(names or schema.words())


def _selected(body: Mapping[str, object], schema: Schema) -> tuple[Field, ...]:
    shown = {field.name: field for field in schema.fields.values() if field.retrievable}
    names = _names(body, "select")
    for name in names:
        if name != "*" and name not in shown:
            raise errors.unknown_field(name, "$select")
    return tuple(shown.values()) if not names or "*" in names else tuple(shown[name] for name in names)


def _order(body: Mapping[str, object], schema: Schema) -> tuple[tuple[str, bool], ...]:
    """Fields to sort by, and whether each is descending."""
    found: list[tuple[str, bool]] = []
    for one in _names(body, "orderby"):
        name, _, way = one.partition(" ")
        field = schema.fields.get(name)
        if field is None:
            raise errors.unknown_field(name, "$orderby")
        if not field.sortable or way.strip() not in ("", "asc", "desc"):
            raise errors.bad_expression(f"'{one}' is no sortable field and direction.", "$orderby")
        found.append((name, way.strip() == "desc"))
    return tuple(found)


def _read_vector(given: Mapping[str, object], schema: Schema) -> VectorQuery:
    vector, k = given.get("vector"), given.get("k", DEFAULT_TOP)
    if given.get("kind") != "vector" or not isinstance(vector, list):
        raise errors.invalid("vectorQueries : Only the kind 'vector', with a list of numbers, is emulated.")
    if not all(type(number) in (int, float) for number in vector):
        raise errors.invalid("vectorQueries : A vector must be a list of numbers.")
    if type(k) is not int or k < 1:
        raise errors.invalid("vectorQueries : 'k' must be greater than zero.")
    names = _names(given, "fields")
    for name in names:
        field = schema.fields.get(name)
        if field is None or field.dimensions is None:
            raise errors.coded(400, f"Unknown field '{name}' in vector field list.")
        if field.dimensions != len(vector):
            mismatch = wrong_length(name, field.dimensions, len(vector))
            raise errors.invalid(f"vectorQueries : {mismatch}", "InvalidVectorQuery")
    if not names:
        raise errors.invalid("vectorQueries : 'fields' must name a vector field.")
    return VectorQuery(vector, k, tuple(names))


def _objects(given: object) -> list[Mapping[str, object]]:
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise errors.invalid("vectorQueries : wants a list of objects.")
    return given


def _names(body: Mapping[str, object], name: str) -> list[str]:
    return [one.strip() for one in _text(body, name).split(",") if one.strip()]


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise errors.invalid(f"parameters : '{name}' must be a text.")
    return value or ""


def _number(body: Mapping[str, object], name: str, default: int | None, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return default
    if type(value) is not int or not least <= value <= most:
        raise errors.invalid(f"parameters : Value must be between {least} and {most}.\nParameter name: {name}")
    return value
