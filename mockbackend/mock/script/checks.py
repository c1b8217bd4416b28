"""What types cannot say of a script's values: mistakes of one key, and of keys that do not go together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from msgspec import Struct

from .raw import RawError, raw_of

# In place of a value that is not of its key's type.
WRONG: Final = object()
# The values of the keys that are there, and are not as if they were absent.
Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a key, or without one with the mapping; `lacks`: that another key is not there."""

    key: str
    words: str
    lacks: bool = False


class Checked(Struct, frozen=True):
    """The base of what is checked once its types are right, and as far as they are."""

    @classmethod
    def mistakes(cls, given: Given) -> Iterator[Mistake]:
        """All mistakes in what is given."""
        yield from ()


def given_in(struct: Struct) -> Given:
    """What a struct has that is not a default."""
    defaults = defaults_of(type(struct))
    values = ((name, getattr(struct, name)) for name in struct.__struct_fields__)
    return {name: value for name, value in values if value is not defaults[name] and value != defaults[name]}


def defaults_of(kind: type[Struct]) -> Mapping[str, Any]:
    """The default of each key; WRONG, which no value is, for a key without one."""
    names, defaults = kind.__struct_fields__, kind.__struct_defaults__
    return dict(zip(names, (*[WRONG] * (len(names) - len(defaults)), *defaults), strict=True))


def moved(given: Given, names: Iterable[str], key: str, place: str) -> Iterator[Mistake]:
    """The keys that stand beside a list of answers, and not in one of them."""
    for name in names:
        if name in given and key in given:
            yield Mistake(name, f"move it into {place}, since the rule has '{key}'")


def of_corner(given: Given) -> Iterator[Mistake]:
    """A corner that is not an answer's only fault."""
    if "corner" in given and {"fault", "wire"} & set(given):
        yield Mistake("corner", "is a fault of its own: leave 'fault' and 'wire' out")


def of_raw(given: Given) -> Iterator[Mistake]:
    """What is no recorded answer."""
    if isinstance(raw := given.get("raw"), str):
        try:
            raw_of(raw)
        except RawError as error:
            yield Mistake("raw", str(error))


def of_json(given: Given, name: str) -> Iterator[Mistake]:
    """A value that JSON does not have."""
    if name in given and given[name] is not WRONG:
        try:
            orjson.dumps(given[name])
        except orjson.JSONEncodeError as error:
            yield Mistake(name, f"cannot be written as JSON: {error}")


def of_header(given: Given, name: str) -> Iterator[Mistake]:
    """A text that no header can hold."""
    if isinstance(text := given.get(name), str) and not (text.isascii() and text.isprintable() and text.strip()):
        yield Mistake(name, "goes into a header: write it in printable ASCII")
