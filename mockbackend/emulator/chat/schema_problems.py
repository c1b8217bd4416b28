"""What Azure refuses of a JSON Schema."""

from collections.abc import Iterator, Mapping
from itertools import chain

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
# Keywords that hold a schema, a list of schemas, and a mapping of names to schemas.
INNER = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
LISTED = ("anyOf", "allOf", "oneOf", "prefixItems")
NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")


def schema_problem(schema: object, *, strict: bool) -> str | None:
    """Why Azure refuses a schema, in its words; None if it takes it."""
    if not isinstance(schema, dict):
        return f"{schema!r} is not of type 'object', 'boolean'."
    kind = schema.get("type")
    # A schema without a type is taken if it is not strict.
    if kind != "object" and (kind is not None or strict):
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    if problem := next(_malformed(schema), None):
        return problem
    return next(chain(_strict_problems(schema, ()), _lost_references(schema)), None) if strict else None


def _inner(schema: Mapping[str, object]) -> Iterator[object]:
    """The schemas that are directly within it."""
    yield from (schema[key] for key in INNER if key in schema)
    for key in LISTED:
        yield from listed if isinstance(listed := schema.get(key), list) else ()
    for key in NAMED:
        yield from named.values() if isinstance(named := schema.get(key), dict) else ()


def _each(schema: object) -> Iterator[object]:
    """It, and every schema within it."""
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, dict):
            waiting += reversed([*_inner(one)])


def _malformed(schema: object) -> Iterator[str]:
    """What makes it no JSON Schema at all, in the words of a validator."""
    for one in _each(schema):
        if not isinstance(one, dict | bool):
            yield f"{one!r} is not of type 'object', 'boolean'."
            continue
        if not isinstance(one, dict):
            continue
        kind = one.get("type", "object")
        if kind not in TYPES and not (isinstance(kind, list) and kind and all(name in TYPES for name in kind)):
            yield f"{kind!r} is not valid under any of the given schemas."
        for key in NAMED:
            if not isinstance(one.get(key, {}), dict):
                yield f"{one[key]!r} is not of type 'object'."
        for key in (*LISTED, "enum", "required"):
            if not isinstance(one.get(key, []), list):
                yield f"{one[key]!r} is not of type 'array'."


def _lost_references(root: Mapping[str, object]) -> Iterator[str]:
    for one in _each(root):
        if isinstance(one, dict) and "$ref" in one and referenced(root, one["$ref"]) is None:
            yield f"Reference to {one['$ref']!r} not found: it can only point to what the schema itself defines."


def referenced(root: Mapping[str, object], reference: object) -> Mapping[str, object] | None:
    """The schema that a local reference means, if there is one."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: object = root
    for key in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
        found = found.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else None


def _strict_problems(schema: object, path: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    where = f"In context=({', '.join(map(repr, path))}{',' * (len(path) == 1)}), "
    properties = schema.get("properties")
    if schema.get("type") == "object" or properties is not None:
        properties = properties if isinstance(properties, dict) else {}
        if schema.get("additionalProperties") is not False:
            yield f"{where}'additionalProperties' is required to be supplied and to be false."
        required = schema.get("required")
        missing = [name for name in properties if not isinstance(required, list) or name not in required]
        if missing:
            yield (
                f"{where}'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )
        for name, inner in properties.items():
            yield from _strict_problems(inner, (*path, "properties", name))
    yield from _strict_problems(schema.get("items"), (*path, "items"))
    for keyword in ("anyOf", "allOf"):
        options = schema.get(keyword)
        for number, inner in enumerate(options if isinstance(options, list) else ()):
            yield from _strict_problems(inner, (*path, keyword, str(number)))
    for keyword in ("$defs", "definitions"):
        named = schema.get(keyword)
        for name, inner in named.items() if isinstance(named, dict) else ():
            yield from _strict_problems(inner, (*path, keyword, name))
