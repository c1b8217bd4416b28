"""All that is wrong with a script, in plain words.

msgspec stops at the first error, so a value that it refuses is taken apart, and its keys and items tried one by one.
"""

import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from .checks import WRONG, Checked, Given, Mistake, defaults_of, given_in

Path = tuple[str | int, ...]

NAMES = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    tuple: "a list",
    datetime: "a time with its zone, as 2026-01-01T09:00:00Z",
}
BOUNDS = {">=": "at least", ">": "above", "<=": "at most"}
BOUND = re.compile(r"Expected `\w+` (>=|>|<=) (\S+)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `path` leads to it from the top: keys, and numbers of list items from 0.

    `line` is the line of the text, if it is known; `did_you_mean` the word that was perhaps meant.
    """

    path: Path
    message: str
    did_you_mean: str | None = None
    line: int | None = None

    @property
    def rule(self) -> int | None:
        """The rule's index."""
        return int(self.path[1]) if self.path[:1] == ("rules",) and len(self.path) > 1 else None

    @property
    def key(self) -> str:
        """The path as text, within the rule if there is one."""
        path = self.path if self.rule is None else self.path[2:]
        return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")

    def to_json(self) -> dict[str, object]:
        """The problem as the control API shows it."""
        return {
            "rule": self.rule,
            "key": self.key,
            "line": self.line,
            "message": self.message,
            "did_you_mean": self.did_you_mean,
        }

    def __str__(self) -> str:
        where = "" if self.rule is None else f"rule {self.rule + 1}: "
        return f"{where}{self.key}: {self.message}" if self.key else f"{where}{self.message}"


def find_problems(value: object, expected: Any, path: Path = ()) -> list[Problem]:
    """Find every problem of a value that should have the type `expected`."""
    return list(each_problem(value, expected, path))


def each_problem(value: object, expected: Any, path: Path = ()) -> Iterator[Problem]:
    """The same, one by one: a long script may have more than anybody reads."""
    try:
        converted = msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        types = members(expected)
        within = _within(value, types, path)
        yield next(within, None) or _of_the_whole(error, value, types, path)
        yield from within
    else:
        yield from _mistakes_in(converted, path)


def _mistakes_in(value: object, path: Path) -> Iterator[Problem]:
    """The mistakes in what has the right types."""
    if isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _mistakes_in(item, (*path, number))
    elif isinstance(value, msgspec.Struct):
        given = given_in(value)
        if isinstance(value, Checked):
            yield from (_mistake(one, path) for one in value.mistakes(given))
        for key, item in given.items():
            if isinstance(item, msgspec.Struct | tuple):
                yield from _mistakes_in(item, (*path, key))


def _mistake(mistake: Mistake, path: Path) -> Problem:
    return Problem((*path, mistake.key) if mistake.key else path, mistake.words)


def _within(value: object, types: list[Any], path: Path) -> Iterator[Problem]:
    """The problems of a mapping's keys, or of a list's items."""
    structs = [one for one in types if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    if isinstance(value, dict) and structs:
        yield from _mapping_problems(value, structs, path)
    for one in types:
        if isinstance(value, list) and get_origin(one) is tuple:
            for number, item in enumerate(value):
                yield from each_problem(item, get_args(one)[0], (*path, number))


def _mapping_problems(
    value: Mapping[object, object], structs: list[type[msgspec.Struct]], path: Path
) -> Iterator[Problem]:
    tag_field = structs[0].__struct_config__.tag_field
    by_tag = {one.__struct_config__.tag: one for one in structs}
    tag = value.get(tag_field) if tag_field else None
    if tag_field and tag not in list(by_tag):
        problem = f"unknown {tag_field} {tag!r}" if tag_field in value else "is missing"
        suggested = _with_suggestion((*path, tag_field), problem, tag, by_tag)
        yield suggested
        if suggested.did_you_mean is None:
            return
        # The other keys are those of what was probably meant.
        tag = suggested.did_you_mean
    struct = next(one for one in structs if one.__struct_config__.tag == tag)
    known = _keys_of(struct)
    for key, item in value.items():
        if isinstance(key, str) and key in known:
            yield from each_problem(item, known[key].type, (*path, key))
        elif key != tag_field:
            names = [*known, tag_field] if tag_field else known
            yield _with_suggestion((*path, str(key)), "unknown key", key, names)
    for field in known.values():
        if field.required and field.name not in value:
            yield Problem((*path, field.name), "is missing")
    if issubclass(struct, Checked):
        # What is not there may be what was misspelled.
        is_sure = set(value) <= {*known, tag_field}
        given = _given(value, struct)
        yield from (_mistake(one, path) for one in struct.mistakes(given) if is_sure or not one.lacks)


@cache
def _keys_of(struct: type[msgspec.Struct]) -> Mapping[str, FieldInfo]:
    """Its keys, by their names; to read the types of their annotations takes half a millisecond."""
    return {field.name: field for field in fields(struct)}


def _given(value: Mapping[object, object], struct: type[msgspec.Struct]) -> Given:
    """What is given for the keys of a struct, as far as it has the right types."""
    defaults = defaults_of(struct)
    keys = _keys_of(struct)
    found = ((name, _converted(value[name], one.type)) for name, one in keys.items() if name in value)
    return {name: item for name, item in found if item is WRONG or item != defaults[name]}


def _converted(value: object, expected: Any) -> object:
    try:
        return msgspec.convert(value, expected)
    except msgspec.ValidationError:
        return WRONG


def _with_suggestion(path: Path, message: str, word: object, known: Iterable[Any]) -> Problem:
    names = sorted(map(str, known))
    if close := get_close_matches(str(word)[:100], names, 1):
        return Problem(path, f"{message}; did you mean '{close[0]}'?", close[0])
    return Problem(path, f"{message}; known: {', '.join(names)}")


def _of_the_whole(error: msgspec.ValidationError, value: object, types: list[Any], path: Path) -> Problem:
    """What is wrong with a value itself, and the word that was perhaps meant."""
    words = [str(word) for one in types if get_origin(one) is Literal for word in get_args(one)]
    if isinstance(value, str) and (close := get_close_matches(value[:100], words, 1)):
        return Problem(path, f"unknown value {value[:100]!r}; did you mean '{close[0]}'?", close[0])
    return Problem(path, _explain(error, value, types))


def _explain(error: msgspec.ValidationError, value: object, types: list[Any]) -> str:
    if "of length >= 1" in str(error):
        return "must not be empty"
    if bound := BOUND.match(str(error)):
        return f"must be {BOUNDS[bound[1]]} {float(bound[2]):.15g}, not {value!r}"
    *names, last = dict.fromkeys(name for one in types for name in _names(one))
    expected = f"{', '.join(names)} or {last}" if names else last
    return f"must be {expected}, not {reprlib.repr(value)}"


def members(expected: Any) -> list[Any]:
    """The members of a union, or the type itself."""
    if get_origin(expected) is Annotated:
        return members(get_args(expected)[0])
    if get_origin(expected) in (Union, UnionType):
        return [one for member in get_args(expected) for one in members(member)]
    return [expected]


def _names(one: Any) -> list[str]:
    """What to call a type: a literal by its values, a mapping by that name, None not at all."""
    if get_origin(one) is Literal:
        return [repr(value) for value in get_args(one)]
    return [] if one is NoneType else [NAMES.get(get_origin(one) or one, "a mapping")]
