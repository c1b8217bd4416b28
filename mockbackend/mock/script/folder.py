"""A folder of scripts, as a recording is: one scenario of the files in it, and one of each folder in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from .document import TooLarge
from .load import RECORDING, InvalidScript, ScriptError, in_file, load_document, read_script
from .names import DEFAULT, NAME, NAMES

ENDINGS = (".yaml", ".yml", ".json")
# Keys of which a scenario has one value.
COMMON = ("seed", "now", "engine", "strict", "dialect")
# Of all files of a scenario together, and of those that they name.
MAX_BYTES = 64 * 1024 * 1024
# Which rules answer the same calls.
SAME = ("kind", "when", "deployment", "on", "nth")


def load_scenarios(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The checked document of each scenario that a script, or a folder of them, is. Raises ScriptError.

    A script is `default`. So are the files of a folder; a folder in it is the scenario of its name.
    """
    folder = Path(path)
    if not folder.is_dir():
        return {DEFAULT: load_document(path)}
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, within in _folders(folder, problems):
        try:
            found[name] = load_folder(within)
        except ScriptError as error:
            problems += error.problems
    if not problems and not any(document["rules"] for document in found.values()):
        problems.append(f"{folder}: there is no script or recording in it (a file that ends in .yaml)")
    if problems:
        raise ScriptError(problems)
    return found


def load_folder(folder: Path) -> Any:
    """The checked document that the files of one folder are together. Raises ScriptError."""
    problems: list[str] = []
    merged: dict[str, Any] = {"recording": RECORDING}
    given_by: dict[str, str] = {}
    rules: list[dict[str, Any]] = []
    size = 0
    for file in _files(folder, problems):
        document = _read(file, problems)
        if document is None:
            continue
        for key in COMMON:
            if key not in document or document[key] == merged.get(key, document):
                continue
            if key in merged:
                words = f"{key} is {document[key]!r} here, but {merged[key]!r} in {given_by[key]}; a scenario has one"
                problems.append(f"{file}: {words}")
            merged[key], given_by[key] = document[key], file.name
        rules += [{"source": file.name, **rule} for rule in document["rules"]]
        size += len(orjson.dumps(document))
        if size > MAX_BYTES:
            problems.append(f"{folder}: all its files together have more than {MAX_BYTES} bytes; use folders in it")
            break
    if problems:
        raise ScriptError(problems)
    _take_turns(rules)
    return {**merged, "rules": rules}


def _folders(folder: Path, problems: list[str]) -> Iterator[tuple[str, Path]]:
    """The folders of scenarios by their names, that of `default` first."""
    yield DEFAULT, folder
    for within in _listed(folder, problems):
        if within.is_dir():
            if within.name == DEFAULT:
                problems.append(f"{within}: the files of {DEFAULT} stand beside the folders of other scenarios")
            elif not NAME.fullmatch(within.name):
                problems.append(f"{within}: this cannot be a scenario's name. {NAMES}")
            else:
                yield within.name, within


def _files(folder: Path, problems: list[str]) -> Iterator[Path]:
    for file in _listed(folder, problems):
        if file.suffix.lower() in ENDINGS and not file.is_dir():
            yield file


def _listed(folder: Path, problems: list[str]) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        words = f"{folder}: cannot be read: {error.strerror or error}"
        if words not in problems:
            problems.append(words)
        return []


def _read(file: Path, problems: list[str]) -> Any:
    try:
        return read_script(file.read_bytes(), is_json=False, folder=file.parent)
    except OSError as error:
        problems.append(f"{file}: cannot be read: {error.strerror or error}")
    except InvalidScript as error:
        problems += [f"{file}: {in_file(problem)}" for problem in error.problems]
    except TooLarge as error:
        problems.append(f"{file}: cannot be read: {error}")
    return None


def _take_turns(rules: list[dict[str, Any]]) -> None:
    """Let rules for the same calls serve in their order: each as often as it has answers, the last without end."""
    last: dict[bytes, dict[str, Any]] = {}
    for rule in rules:
        key = orjson.dumps([rule.get(name) for name in SAME], option=orjson.OPT_SORT_KEYS)
        if (earlier := last.get(key)) and not {"times", "once"} & set(earlier):
            earlier["times"] = _answers(earlier)
        last[key] = rule


def _answers(rule: Mapping[str, Any]) -> int:
    if rule.get("wire"):
        return 1
    return sum(len(item.get("steps") or [item]) for item in rule.get("respond") or [rule])
