"""An index's schema: its fields, checked as Azure checks a definition."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from . import errors

NAME = re.compile(r"(?=.{2,128}\Z)[a-z0-9](?:-?[a-z0-9])*\Z")
FIELD = re.compile(r"[A-Za-z]\w{0,127}", re.ASCII)
STRING = "Edm.String"
VECTOR = "Collection(Edm.Single)"
NUMBERS = {"Edm.Int32": int, "Edm.Int64": int, "Edm.Double": float}
TYPES = {STRING, VECTOR, "Edm.Boolean", "Edm.DateTimeOffset", "Collection(Edm.String)", *NUMBERS}
ANALYSERS = {"keyword", "simple", "stop", "whitespace", "pattern", "standardasciifolding.lucene", "standard.lucene"}
LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]\w+)?\.(lucene|microsoft)")
MAX_DIMENSIONS = 4096


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `dimensions` is the length of a vector, None for other types."""

    name: str
    type: str
    key: bool
    searchable: bool
    filterable: bool
    sortable: bool
    retrievable: bool
    dimensions: int | None

    def accepts(self, value: object) -> bool:
        """Whether a document may have this value here. Any field but the key may be null."""
        if value is None:
            return not self.key
        match self.type:
            case "Edm.String" | "Edm.DateTimeOffset":
                return isinstance(value, str)
            case "Edm.Boolean":
                return isinstance(value, bool)
            case "Edm.Double":
                return isinstance(value, int | float) and not isinstance(value, bool)
            case "Edm.Int32" | "Edm.Int64":
                return isinstance(value, int) and not isinstance(value, bool)
            case "Collection(Edm.String)":
                return isinstance(value, list) and all(isinstance(item, str) for item in value)
            case _:
                return isinstance(value, list) and all(type(item) in (int, float) for item in value)


@dataclass(frozen=True, slots=True)
class Schema:
    """An index's name, its fields by name, and its definition as it was given."""

    name: str
    fields: Mapping[str, Field]
    definition: Mapping[str, object]

    @property
    def key(self) -> str:
        return next(field.name for field in self.fields.values() if field.key)

    def text_fields(self) -> list[str]:
        """The fields whose words are searched, unless a query names some."""
        return [field.name for field in self.fields.values() if field.searchable and field.dimensions is None]

    def check_change(self, other: "Schema") -> None:
        """Raise AzureError 400 unless `other` only adds fields to this schema."""
        for name, field in self.fields.items():
            if name not in other.fields:
                raise errors.search_error(400, f"Existing field(s) '{name}' cannot be deleted.", "OperationNotAllowed")
            if other.fields[name] != field:
                raise errors.search_error(400, f"Existing field '{name}' cannot be changed.", "OperationNotAllowed")


def read_schema(body: Mapping[str, object]) -> Schema:
    """Read an index definition as clients send it; AzureError 400 where Azure refuses it."""
    name = body.get("name")
    if not isinstance(name, str) or not NAME.match(name):
        raise errors.invalid_request(
            "index : Index name must only contain lowercase letters, digits or dashes, cannot start or end with "
            "dashes and is limited to 128 characters.",
            "InvalidName",
        )
    given = _objects(body.get("fields"), "fields")
    fields = {field.name: field for field in (_read_field(one, body) for one in given)}
    keys = [field for field in fields.values() if field.key]
    if len(fields) < len(given):
        raise errors.invalid_request("index : Two fields have the same name.")
    if len(keys) != 1 or keys[0].type != STRING:
        raise errors.invalid_request("index : The index must have exactly one key field, of type 'Edm.String'.")
    return Schema(name, fields, body)


def _read_field(given: Mapping[str, object], body: Mapping[str, object]) -> Field:
    name, kind = given.get("name"), given.get("type")
    if not isinstance(name, str) or not FIELD.fullmatch(name):
        raise errors.invalid_request(f"index : Invalid field name: '{name}'.", "InvalidName")
    if kind not in TYPES or not isinstance(kind, str):
        raise errors.invalid_request(f"index : The type '{kind}' of the field '{name}' is not supported.")
    plain = kind != VECTOR
    _check_analysers(name, given, body)
    return Field(
        name=name,
        type=kind,
        key=_flag(given, "key", default=False),
        searchable=_flag(given, "searchable", default=kind in (STRING, "Collection(Edm.String)")),
        filterable=_flag(given, "filterable", default=plain),
        sortable=_flag(given, "sortable", default=plain and not kind.startswith("Collection")),
        retrievable=_flag(given, "retrievable", default=True),
        dimensions=None if plain else _read_dimensions(name, given, body),
    )


def _read_dimensions(name: str, given: Mapping[str, object], body: Mapping[str, object]) -> int:
    dimensions = given.get("dimensions")
    if type(dimensions) is not int or not 2 <= dimensions <= MAX_DIMENSIONS:
        raise errors.invalid_request(
            f"index : The vector field '{name}' must have the property 'dimensions' set between 2 and {MAX_DIMENSIONS}."
        )
    search = body.get("vectorSearch")
    vectors = search if isinstance(search, dict) else {}
    algorithms = {one.get("name") for one in _objects(vectors.get("algorithms"), "vectorSearch.algorithms")}
    profiles = {one.get("name"): one for one in _objects(vectors.get("profiles"), "vectorSearch.profiles")}
    profile = profiles.get(given.get("vectorSearchProfile"))
    if profile is None or profile.get("algorithm") not in algorithms:
        raise errors.invalid_request(
            f"index : The vector field '{name}' must have the property 'vectorSearchProfile' set to a profile that "
            "names an algorithm."
        )
    return dimensions


def _check_analysers(name: str, given: Mapping[str, object], body: Mapping[str, object]) -> None:
    own = {one.get("name") for one in _objects(body.get("analyzers"), "analyzers")}
    for property_ in ("analyzer", "searchAnalyzer", "indexAnalyzer"):
        analyser = given.get(property_)
        if analyser is None or analyser in own or analyser in ANALYSERS:
            continue
        if not isinstance(analyser, str) or not LANGUAGE.fullmatch(analyser):
            raise errors.invalid_request(f"index : The analyzer '{analyser}' of the field '{name}' does not exist.")


def _flag(given: Mapping[str, object], name: str, *, default: bool) -> bool:
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise errors.invalid_request(f"index : '{name}' of the field '{given.get('name')}' must be true or false.")
    return default if value is None else value


def _objects(given: object, where: str) -> list[Mapping[str, object]]:
    """A list of objects; empty where nothing is given."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise errors.invalid_request(f"index : '{where}' must be a list of objects.")
    return given
