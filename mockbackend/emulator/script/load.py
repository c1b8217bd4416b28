"""A script file: YAML, read whole and checked before anything is served."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar, get_args, get_type_hints

import orjson
import yaml

from ..gateway import tokens
from . import faults
from .reading import ReadingError, mapping, read, sequence
from .rules import ChatStep, EmbeddingStep, ImageStep, IndexingStep, Rule, Script, ScriptedCall, SearchStep, Usage

__all__ = ["Script", "ScriptError", "load_script"]

Kind = Literal["chat", "image", "embedding", "search", "indexing"]


class ScriptError(ValueError):
    """Names the file, the rule by its number from 1, and the key that is wrong."""


S = TypeVar("S", ImageStep, EmbeddingStep, SearchStep, IndexingStep)


@dataclass(frozen=True, slots=True)
class _Head:
    when: re.Pattern[str] | None = None
    deployment: str | None = None
    kind: Kind = "chat"
    times: int | None = None

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValueError("'times' must be at least one")


class _Loader(yaml.SafeLoader):
    """YAML whose strings may hold characters as JSON's escapes write them, as two surrogates."""

    def text(self, node: yaml.ScalarNode) -> str:
        value = str(self.construct_scalar(node))
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16")


_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.text)


def load_script(path: str | os.PathLike[str]) -> Script:
    """The script of a YAML file; ScriptError where it cannot be read or says what no emulator can do."""
    name = os.fspath(path)
    try:
        with open(path, encoding="utf-8") as file:
            document = _Loader(file).get_single_data()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScriptError(f"{name}: cannot be read: {error}") from error
    chat: list[Rule[ChatStep]] = []
    image: list[Rule[ImageStep]] = []
    embedding: list[Rule[EmbeddingStep]] = []
    search: list[Rule[SearchStep]] = []
    indexing: list[Rule[IndexingStep]] = []
    where = ""
    try:
        for number, given in enumerate(_rules(document), start=1):
            where = f"rule {number}: "
            keys = mapping(given, "")
            head, rest = _read_head(keys)
            match head.kind:
                case "chat":
                    chat.append(Rule(head.when, head.deployment, head.times, _read_steps(rest)))
                case "image":
                    image.append(_rule(head, ImageStep, rest))
                case "embedding":
                    embedding.append(_rule(head, EmbeddingStep, rest))
                case "search":
                    search.append(_rule(head, SearchStep, rest))
                case "indexing":
                    indexing.append(_rule(head, IndexingStep, rest))
    except ReadingError as error:
        raise ScriptError(f"{name}: {where}{error}") from error
    return Script(tuple(chat), tuple(image), tuple(embedding), tuple(search), tuple(indexing))


def _rule(head: _Head, kind: type[S], keys: Mapping[str, object]) -> Rule[S]:
    """A rule of one step, whose keys stand on the rule itself."""
    return Rule(head.when, head.deployment, head.times, (read(kind, keys, "", {"fault": _fault_reader(kind)}),))


def _rules(document: object) -> list[object]:
    top = mapping(document, "the file")
    for key in top:
        if key != "rules":
            raise ReadingError(f"{key}: unknown key; known is rules")
    return sequence(top.get("rules"), "rules")


def _read_head(keys: Mapping[str, object]) -> tuple[_Head, Mapping[str, object]]:
    """What says when a rule serves, and the other keys, which say how."""
    names = {field.name for field in fields(_Head)}
    head = {key: value for key, value in keys.items() if key in names}
    rest = {key: value for key, value in keys.items() if key not in names}
    return read(_Head, head, "", {"when": _read_when}), rest


def _read_steps(keys: Mapping[str, object]) -> tuple[ChatStep, ...]:
    """The list `steps`, or the one step whose keys stand on the rule itself."""
    if "steps" not in keys:
        return (_read_step(keys, ""),)
    for key in keys:
        if key != "steps":
            raise ReadingError(f"{key}: belongs in a step, since the rule has steps")
    steps = sequence(keys["steps"], "steps")
    if not steps:
        raise ReadingError("steps: wants at least one step")
    return tuple(_read_step(step, f"steps[{index}]") for index, step in enumerate(steps))


def _read_step(given: object, where: str) -> ChatStep:
    readers = {
        "reasoning": _read_deltas,
        "text": _read_deltas,
        "tool_calls": _read_calls,
        "usage": lambda value, at: read(Usage, value, at),
        "fault": _fault_reader(ChatStep),
    }
    return read(ChatStep, given, where, readers)


def _read_when(given: object, where: str) -> re.Pattern[str]:
    """A substring in any case, or `equals` or `regex`."""
    if isinstance(given, str):
        return re.compile(re.escape(given), re.IGNORECASE)
    match given:
        case {"equals": str(text), **others} if not others:
            return re.compile(rf"\A{re.escape(text)}\Z")
        case {"regex": str(text), **others} if not others:
            try:
                return re.compile(text)
            except re.error as error:
                raise ReadingError(f"{where}.regex: {error}") from error
    raise ReadingError(f"{where}: wants a text, {{equals: text}} or {{regex: text}}, not {given!r}")


def _read_deltas(given: object, where: str) -> tuple[str, ...]:
    """A text is split into words; a list is the deltas themselves."""
    if isinstance(given, str):
        return tokens.split(given)
    if isinstance(given, list) and all(isinstance(item, str) for item in given):
        return tuple(given)
    raise ReadingError(f"{where}: wants a text or a list of texts, not {given!r}")


def _read_calls(given: object, where: str) -> tuple[ScriptedCall, ...]:
    return tuple(
        read(ScriptedCall, call, f"{where}[{index}]", {"arguments": _read_arguments})
        for index, call in enumerate(sequence(given, where))
    )


def _read_arguments(given: object, where: str) -> str:
    if isinstance(given, str):
        return given
    try:
        return orjson.dumps(mapping(given, where)).decode()
    except orjson.JSONEncodeError as error:
        raise ReadingError(f"{where}: {error}") from error


def _fault_reader(
    step: type[ChatStep | ImageStep | EmbeddingStep | SearchStep | IndexingStep],
) -> Callable[[object, str], object]:
    """Reads the faults that a step can have, by the type of its field."""
    possible: tuple[Any, ...] = get_args(get_type_hints(step)["fault"])
    kinds = {kind: cls for kind, cls in faults.KINDS.items() if cls in possible}

    def read_fault(given: object, where: str) -> object:
        keys = mapping(given, where)
        kind = keys.get("kind")
        if not isinstance(kind, str) or kind not in kinds:
            raise ReadingError(f"{where}.kind: wants one of {', '.join(sorted(kinds))}, not {kind!r}")
        return read(kinds[kind], {key: value for key, value in keys.items() if key != "kind"}, where)

    return read_fault
