"""A YAML mapping into a frozen dataclass, by the types of its fields: unknown keys and wrong types are named."""

import dataclasses
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Custom = Mapping[str, Callable[[object, str], object]]

WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "nothing"}


class ReadingError(ValueError):
    """Says which key, by its path from the top, is unknown or has a value of the wrong type."""


def read(cls: type[T], given: object, where: str, custom: Custom | None = None) -> T:
    """An instance of a dataclass. `custom` reads the named fields itself, given the value and the path of its key."""
    values = mapping(given, where)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = get_type_hints(cls)
    for key in values:
        if key not in fields:
            raise ReadingError(f"{_at(where, key)}: unknown key; known are {', '.join(sorted(fields))}")
    found: dict[str, Any] = {}
    for name, field in fields.items():
        if name in values:
            found[name] = _value(values[name], hints[name], _at(where, name), (custom or {}).get(name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ReadingError(f"{_at(where, name)}: missing")
    try:
        return cls(**found)
    except ValueError as error:
        raise ReadingError(f"{where}: {error}" if where else str(error)) from error


def mapping(given: object, where: str) -> Mapping[str, object]:
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        raise ReadingError(f"{where or 'the rule'}: wants a mapping of keys, not {given!r}")
    return given


def sequence(given: object, where: str) -> list[object]:
    if not isinstance(given, list):
        raise ReadingError(f"{where}: wants a list, not {given!r}")
    return given


def _value(given: object, wanted: Any, where: str, custom: Callable[[object, str], object] | None) -> object:
    if custom:
        return custom(given, where)
    choices = get_args(wanted) if get_origin(wanted) in (Union, types.UnionType) else (wanted,)
    for choice in choices:
        if get_origin(choice) is Literal:
            if given in get_args(choice):
                return given
        elif type(given) is choice:
            return given
        elif choice is float and type(given) is int:
            return float(given)
    raise ReadingError(f"{where}: wants {_words(choices)}, not {given!r}")


def _words(choices: tuple[Any, ...]) -> str:
    named: list[str] = []
    for choice in choices:
        if get_origin(choice) is Literal:
            named.extend(repr(value) for value in get_args(choice))
        elif choice is not type(None):
            named.append(WORDS[choice])
    return " or ".join(named)


def _at(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
