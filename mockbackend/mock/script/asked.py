"""What one request asks of the mock: the header `X-Mock: cut=3`, and the line `/mock cut 3` at a message's start.

Both are pairs of a key and a value: a key of `wire`, or `corner`. A value in quotes may hold anything.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

import msgspec
from msgspec.structs import fields

from .corners import CORNERS, ModelFault
from .problems import find_problems, members
from .wire import Wire

HEADER, LINE, HELP = "X-Mock", "/mock", "help"
Place = Literal["X-Mock", "/mock"]
# In a text: the command at its start, to the end of the line.
COMMAND = re.compile(r"/mock(?:[ \t]+([^\r\n]*))?(?:\r?\n|\r|$)")
TOKEN = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s=,"'][^\s=,]*))\s*[=,]?""", re.ASCII)
NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
WORDS = {"true": True, "false": False}
KEYS = {field.name: members(field.type) for field in fields(Wire)}
KNOWN = [*KEYS, "corner", HELP]
SHOWN_CHARACTERS = 40


class AskedError(ValueError):
    """What is wrong with a header or a line, in words."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a fault of the front end's wire, a corner whose fault is the model's, or the list of it all."""

    wire: Wire | None = None
    corner: str | None = None
    help: bool = False


def split_message(text: str) -> tuple[list[str], str]:
    """The commands at the start of a message, each a line, and the message that is answered."""
    commands, end = [], 0
    while text.startswith(LINE, end) and (found := COMMAND.match(text, end)):
        commands.append(found[1] or "")
        end = found.end()
    rest = text[end:].lstrip("\r\n") if commands else text
    # With nothing after them the lines themselves are answered.
    return commands, rest if rest.strip() else text


def read_asked(header: str | None, commands: list[str]) -> Asked | None:
    """What a header and commands ask together; None for nothing. Raises AskedError."""
    texts: list[tuple[Place, str]] = [("/mock", command) for command in commands]
    if header is not None:
        texts.append(("X-Mock", header))
    if not texts:
        return None
    given: dict[str, Any] = {}
    for place, text in texts:
        for key, value in _pairs(place, text):
            if key in given:
                raise AskedError(f"{place}: '{key}' is given twice.")
            given[key] = value
    return _asked(texts[0][0], given)


def model_fault(asked: Asked | None, call: Literal["chat", "image"]) -> ModelFault | None:
    """The fault that a call of the model meets."""
    corner = CORNERS[asked.corner] if asked and asked.corner else None
    if corner is None or isinstance(corner.value, Wire) or corner.calls not in ("all", call):
        return None
    return corner.value


def _asked(place: Place, given: dict[str, Any]) -> Asked:
    is_help = bool(given.pop(HELP, False))
    name = given.pop("corner", None)
    if name is not None and name not in CORNERS:
        raise AskedError(f"{place}: there is no corner {_shown(name)}; {_nearest(name, CORNERS)}")
    if name is not None and isinstance(value := CORNERS[name].value, Wire):
        # What is given beside it changes the corner.
        given = _merged(msgspec.to_builtins(value), given)
        name = None
    if not given:
        return Asked(None, name, is_help)
    if problems := find_problems(given, Wire):
        raise AskedError(f"{place}: {'; '.join(map(str, problems))}.")
    return Asked(msgspec.convert(given, Wire), name, is_help)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    nested = {key: _merged(below[key], value) for key, value in above.items() if isinstance(below.get(key), dict)}
    return {**below, **above, **nested}


def _pairs(place: Place, text: str) -> Iterator[tuple[str, Any]]:
    """The keys of a text with their values; the keys within a mapping have a dot, or follow its name."""
    tokens = list(_tokens(place, text))
    if not tokens:
        raise AskedError(f"{place}: say what is to happen, for example {_example(place)}. /mock help lists all of it.")
    found: dict[str, dict[str, Any]] = {}
    while tokens:
        key, is_quoted = tokens.pop(0)
        key, _, part = key.partition(".")
        if is_quoted or key not in KNOWN:
            raise AskedError(f"{place}: unknown key {_shown(key)}; {_nearest(key, KNOWN)}")
        structs = [one for one in KEYS.get(key, []) if isinstance(one, type) and issubclass(one, msgspec.Struct)]
        if structs:
            parts = {field.name: members(field.type) for field in fields(structs[0])}
            if not part and tokens and tokens[0][0] in parts:
                part = tokens.pop(0)[0]
            if part not in parts:
                known = " and ".join(f"{key}.{name}" for name in parts)
                raise AskedError(f"{place}: '{key}' has parts: give {known}.")
            inner = found.setdefault(key, {})
            if part in inner:
                raise AskedError(f"{place}: '{key}.{part}' is given twice.")
            inner[part] = _value(place, f"{key}.{part}", tokens, parts[part])
            while tokens and tokens[0][0] in parts:
                part = tokens.pop(0)[0]
                inner[part] = _value(place, f"{key}.{part}", tokens, parts[part])
        elif part:
            raise AskedError(f"{place}: '{key}' has no parts: give {key} alone.")
        else:
            yield key, _value(place, key, tokens, KEYS.get(key, [bool if key == HELP else str]))
    yield from found.items()


def _value(place: Place, key: str, tokens: list[tuple[str, bool]], types: list[Any]) -> Any:
    """The next token as a value of one of these types. What can only be true need not say so."""
    if bool in types:
        return WORDS[tokens.pop(0)[0]] if tokens and tokens[0][0] in WORDS else True
    if not tokens:
        raise AskedError(f"{place}: '{key}' has no value.")
    word, _ = tokens.pop(0)
    if not {int, float}.intersection(types) or not (number := NUMBER.fullmatch(word)):
        return word
    return float(word) if number[1] else int(word)


def _tokens(place: Place, text: str) -> Iterator[tuple[str, bool]]:
    """The words of a text, and whether each was in quotes."""
    position, text = 0, text.strip()
    while position < len(text):
        found = TOKEN.match(text, position)
        if not found:
            rest = text[position:].lstrip()
            wrong = "a quotation mark has no partner" if rest[:1] in ("'", '"') else f"{_shown(rest)} has no key"
            raise AskedError(f"{place}: {wrong}.")
        position = found.end()
        double, single, bare = found.groups()
        quoted = double if double is not None else single
        yield (bare, False) if quoted is None else (re.sub(r"\\(.)", r"\1", quoted), True)


def _shown(word: object) -> str:
    text = str(word)
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…")


def _nearest(word: object, known: Mapping[str, object] | list[str]) -> str:
    close = get_close_matches(str(word)[:SHOWN_CHARACTERS], list(known), 1)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}."


def _example(place: Place) -> str:
    return "/mock cut 3" if place == "/mock" else "X-Mock: cut=3"
