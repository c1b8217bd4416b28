"""What Azure refuses of a JSON Schema."""

from collections.abc import Iterator


def schema_problem(schema: object, *, strict: bool) -> str | None:
    """Why Azure refuses a schema, in its words; None if it takes it."""
    if not isinstance(schema, dict):
        return f"{schema!r} is not of type 'object', 'boolean'."
    kind = schema.get("type")
    # A schema without a type is taken if it is not strict.
    if kind != "object" and (kind is not None or strict):
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    if not isinstance(schema.get("properties", {}), dict):
        return f"{schema['properties']!r} is not of type 'object'."
    return next(_strict_problems(schema, ()), None) if strict else None


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
