"""A script file: YAML, read whole and checked before anything is served."""

import os
from contextlib import suppress

import msgspec
import yaml

from .problems import find_problems
from .rules import Script


class ScriptError(ValueError):
    """A script that cannot be used; `problems` has a line for each, with the file, the rule and the key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Loader(yaml.SafeLoader):
    """YAML whose strings may hold characters as JSON escapes them, as two surrogates."""

    def text(self, node: yaml.ScalarNode) -> str:
        value = str(self.construct_scalar(node))
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16")


_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.text)


def load_script(path: str | os.PathLike[str]) -> Script:
    """Load a script from a YAML file; ScriptError with all that is wrong with it."""
    name = os.fspath(path)
    try:
        with open(path, encoding="utf-8") as file:
            document = _with_kinds(_parse(file.read(), name))
    except RecursionError as error:
        raise ScriptError([f"{name}: cannot be read: it is nested too deeply"]) from error
    except OSError as error:
        raise ScriptError([f"{name}: cannot be read: {error.strerror or error}"]) from error
    except (ValueError, yaml.YAMLError) as error:
        raise ScriptError([f"{name}: cannot be read: {error}"]) from error
    problems = find_problems(document, Script)
    if problems:
        raise ScriptError([f"{name}: {problem}" for problem in problems])
    return msgspec.convert(document, Script)


def _parse(text: str, name: str) -> object:
    # PyYAML's parser in C takes a tenth of the time, but refuses surrogates.
    if yaml.__with_libyaml__:
        with suppress(yaml.YAMLError):
            return yaml.load(text, yaml.CSafeLoader)
    loader = _Loader(text)
    loader.name = name
    return loader.get_single_data()


def _with_kinds(document: object) -> object:
    """The document with the default kind of its rules filled in."""
    match document:
        case {"rules": [*rules], **others}:
            return {**others, "rules": [{"kind": "chat", **rule} if isinstance(rule, dict) else rule for rule in rules]}
    return document
