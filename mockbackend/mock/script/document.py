"""A script's text as plain values, and the line that each key stands in.

YAML is taken apart event by event in Python, so that a long one, read in a thread, leaves room for the event loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from .problems import Path, Problem

MAX_YAML_BYTES = 1024 * 1024
MAX_JSON_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 100
PREFIX = "tag:yaml.org,2002:"
_made = SafeConstructor()
# Times stay texts: where one is meant, its field reads it.
SCALARS: Mapping[str, Callable[[yaml.ScalarNode], Any]] = {
    f"{PREFIX}int": _made.construct_yaml_int,
    f"{PREFIX}float": _made.construct_yaml_float,
    f"{PREFIX}bool": _made.construct_yaml_bool,
    f"{PREFIX}null": _made.construct_yaml_null,
}
TEXTS = frozenset({f"{PREFIX}str", f"{PREFIX}timestamp", f"{PREFIX}merge", f"{PREFIX}value", "!"})
# libyaml takes a tenth of the time.
PARSER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class Unreadable(ValueError):
    """A text that is no document; `problem` says why, and in which line."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class TooLarge(ValueError):
    """A text that is longer than is read."""


@dataclass(slots=True)
class Document:
    """A document, and for each of its mappings and lists the lines of what is in it."""

    value: Any
    lines: dict[int, dict[Any, int]] = field(default_factory=dict)

    def line(self, path: Path) -> int | None:
        """The line of what `path` leads to, or of the nearest above it."""
        found, value = None, self.value
        for key in path:
            lines = self.lines.get(id(value), {})
            found = lines.get(key, found)
            try:
                value = value[key]
            except (LookupError, TypeError):
                break
        return found


def read_document(raw: bytes, *, is_json: bool | None = None, most_yaml: int = MAX_YAML_BYTES) -> Document:
    """The document that a text is; JSON is recognized by its first character unless it is known. Raises Unreadable."""
    if is_json or (is_json is None and raw.lstrip()[:1] in (b"{", b"[")):
        if len(raw) > MAX_JSON_BYTES:
            raise TooLarge(f"A script in JSON may have {MAX_JSON_BYTES} bytes.")
        try:
            return Document(orjson.loads(raw))
        except orjson.JSONDecodeError as error:
            # A flow mapping of YAML begins in the same way.
            if is_json or len(raw) > most_yaml:
                raise Unreadable(Problem((), f"is not JSON: {error.msg}", line=error.lineno)) from None
    return read_yaml(raw, most_yaml)


def read_yaml(raw: bytes, most: int = MAX_YAML_BYTES) -> Document:
    """The document that a YAML text is. Raises Unreadable, and TooLarge."""
    if len(raw) > most:
        raise TooLarge(f"A script in YAML may have {most} bytes. Send it as JSON, of which 10 MB are read.")
    try:
        text = raw.decode()
        try:
            return _Builder().build(yaml.parse(text, PARSER))
        except yaml.YAMLError:
            # It refuses characters as JSON escapes them, as two surrogates.
            if "\\ud" not in text and "\\uD" not in text:
                raise
            return _Builder().build(yaml.parse(text, yaml.SafeLoader))
    except UnicodeDecodeError as error:
        raise Unreadable(Problem((), f"is not UTF-8: {error}")) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = ", ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(Problem((), f"is not YAML: {words}", line=mark.line + 1 if mark else None)) from None
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(Problem((), f"is not YAML: {error}")) from None


class _Builder:
    """Values from the parser's events."""

    def __init__(self) -> None:
        self._document = Document(None)
        self._resolver: Any = Resolver()
        # What is open: a mapping or a list, and a mapping's key that waits for its value.
        self._open: list[tuple[Any, Any]] = []
        self._documents = 0

    def build(self, events: Iterator[Any]) -> Document:
        """The one document of the events."""
        for event in events:
            match event:
                case yaml.AliasEvent():
                    raise _unreadable(event, "aliases (*) are not read; write it out")
                case yaml.DocumentStartEvent():
                    self._documents += 1
                    if self._documents > 1:
                        raise _unreadable(event, "there is a second document")
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    if len(self._open) >= MAX_DEPTH:
                        raise _unreadable(event, "it is nested too deeply")
                    if event.tag not in (None, f"{PREFIX}map", f"{PREFIX}seq"):
                        raise _unreadable(event, f"the tag {event.tag} is not read")
                    value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                    self._add(value, event)
                    self._document.lines[id(value)] = {}
                    self._open.append((value, _NO_KEY))
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._open.pop()
        return self._document

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        tag = event.tag or self._resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag == f"{PREFIX}bool" and event.value.lower() not in ("true", "false"):
            # As in YAML 1.2: `on` is a key of rules, and `no` a language.
            tag = f"{PREFIX}str"
        if make := SCALARS.get(tag):
            value = make(yaml.ScalarNode(tag, event.value))
            if not _is_json(value):
                raise _unreadable(
                    event, f"{event.value[:30]} is no number that JSON can carry; quote it if it is a text"
                )
        elif tag in TEXTS:
            text = event.value
            value = text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16")
        else:
            raise _unreadable(event, f"the tag {tag} is not read")
        self._add(value, event)

    def _add(self, value: Any, event: Any) -> None:
        if not self._open:
            self._document.value = value
            return
        place, key = self._open[-1]
        lines = self._document.lines[id(place)]
        if isinstance(place, list):
            lines[len(place)] = event.start_mark.line + 1
            place.append(value)
        elif key is _NO_KEY:
            if isinstance(value, dict | list):
                raise _unreadable(event, "a key must be a text")
            if value in place:
                raise _unreadable(event, f"the key {value!r} is here twice")
            lines[value] = event.start_mark.line + 1
            self._open[-1] = (place, value)
        else:
            place[key] = value
            self._open[-1] = (place, _NO_KEY)


_NO_KEY = object()


def _is_json(value: object) -> bool:
    """Whether JSON has such a scalar as we write it: whole numbers of 64 bits, and neither infinity nor nan."""
    return math.isfinite(value) if isinstance(value, float) else not isinstance(value, int) or abs(value) < 2**63


def _unreadable(event: Any, message: str) -> Unreadable:
    return Unreadable(Problem((), f"is not YAML: {message}", line=event.start_mark.line + 1))
