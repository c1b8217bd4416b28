"""A script from its text: read whole, and checked before anything is served by it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from .document import MAX_JSON_BYTES, MAX_YAML_BYTES, Document, TooLarge, Unreadable, read_document, read_yaml
from .named_files import read_named_files
from .problems import Problem, each_problem
from .rules import Rule, Script

# The form of recordings that is written and read.
RECORDING = 1
# Nobody reads more.
MAX_PROBLEMS = 1000


class InvalidScript(ValueError):
    """A text that is no script, with all that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class ScriptError(ValueError):
    """A script file that cannot be used; `problems` has a line for each, with the file, the rule and the key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_script(path: str | os.PathLike[str]) -> Script:
    """Load a script from a file; ScriptError with all that is wrong with it."""
    return to_script(load_document(path))


def load_document(path: str | os.PathLike[str]) -> Any:
    """The checked document that a script file is; ScriptError with all that is wrong with it."""
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            # JSON is YAML, and a person's is no larger.
            return read_script(file.read(), is_json=False, folder=Path(path).parent)
    except OSError as error:
        raise ScriptError([f"{name}: cannot be read: {error.strerror or error}"]) from error
    except InvalidScript as error:
        raise ScriptError([f"{name}: {in_file(problem)}" for problem in error.problems]) from None
    except TooLarge as error:
        raise ScriptError([f"{name}: cannot be read: {error}"]) from None


def read_script(raw: bytes, *, is_json: bool | None = None, folder: Path | None = None) -> Any:
    """The checked document that a text is; `to_script` makes a script of it. Raises InvalidScript and TooLarge.

    Within `folder` it may name files, which the document then holds.
    """
    return _checked(raw, is_json, Script, folder)


def read_rules(raw: bytes, *, is_json: bool | None = None) -> list[Any]:
    """The checked rules that a text is, which is one of them or a list. Raises InvalidScript and TooLarge."""
    rules = _checked(raw, is_json, Rule)
    return rules if isinstance(rules, list) else [rules]


def to_script(document: Any) -> Script:
    """The script of a checked document."""
    return msgspec.convert(_with_kinds(document), Script)


def to_rule(document: Any) -> Rule:
    """The rule of a checked document."""
    rule: Rule = msgspec.convert(_with_kind(document), Rule)
    return rule


def _checked(raw: bytes, is_json: bool | None, expected: Any, folder: Path | None = None) -> Any:
    try:
        # A file of this machine is read at the start, or in a thread, and nobody else can send one.
        most = MAX_YAML_BYTES if folder is None else MAX_JSON_BYTES
        document = read_document(raw, is_json=is_json, most_yaml=most)
        if newer := _newer(document.value):
            raise Unreadable(newer)
        unread = list(read_named_files(document.value, folder)) if folder else []
        # A name that stands where a file's content would have been is no second problem.
        known_paths = {problem.path for problem in unread}
        others = (one for one in _problems(document.value, expected) if one.path not in known_paths)
        problems = [*unread, *islice(others, MAX_PROBLEMS + 1)]
    except Unreadable as error:
        raise InvalidScript([error.problem]) from None
    except RecursionError:
        raise InvalidScript([Problem((), "is nested too deeply")]) from None
    if problems:
        known = _marked(document, raw)
        # A rule by itself, or a list of them, is not within the key `rules`.
        above = 0 if expected is Script else 1 if isinstance(document.value, list) else 2
        found = [replace(problem, line=known.line(problem.path[above:])) for problem in problems[:MAX_PROBLEMS]]
        more = [Problem((), "has more problems than are listed")] if len(problems) > MAX_PROBLEMS else []
        raise InvalidScript(found + more)
    return document.value


def _newer(value: object) -> Problem | None:
    """That a recording has a form which only a newer version reads; that comes before whatever else is unknown."""
    match value:
        case {"recording": int(version)} if version > RECORDING:
            words = f"was recorded by a newer version of Mock Backend (form {version}; this one reads {RECORDING})"
            return Problem(("recording",), f"{words}. Update this one, or record it again")
    return None


def _problems(value: Any, expected: Any) -> Iterator[Problem]:
    if expected is Script:
        yield from each_problem(_with_kinds(value), Script)
    elif isinstance(value, list):
        for number, rule in enumerate(value):
            yield from each_problem(_with_kind(rule), Rule, ("rules", number))
    else:
        yield from each_problem(_with_kind(value), Rule, ("rules", 0))


def _marked(document: Document, raw: bytes) -> Document:
    """The document with its lines: JSON has none, but is YAML."""
    if document.lines or len(raw) > MAX_YAML_BYTES:
        return document
    try:
        return read_yaml(raw)
    except Unreadable:
        return document


def _with_kinds(document: object) -> object:
    """The document with the default kind of its rules filled in."""
    match document:
        case {"rules": [*rules], **others}:
            return {**others, "rules": [_with_kind(rule) for rule in rules]}
    return document


def _with_kind(rule: object) -> object:
    return {"kind": "chat", **rule} if isinstance(rule, dict) else rule


def in_file(problem: Problem) -> str:
    """A problem as a line about its file."""
    if problem.path or not problem.message.startswith("is "):
        return str(problem)
    return f"cannot be read: {f'line {problem.line}' if problem.line else 'it'} {problem.message}"
