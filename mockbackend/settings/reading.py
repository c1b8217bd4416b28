"""Reading the settings.

An empty variable counts as unset. Nothing else reads the environment, except for how to reach the network
(`HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`), as curl does.
"""

from __future__ import annotations

import codecs
import dataclasses
import logging
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environs import Env, EnvError

from .addresses import understood
from .fields import Settings
from .names import OLD_NAMES, names_in, unknown_names, without_effect
from .problems import problems_of

log = logging.getLogger("mockbackend")


@dataclass(frozen=True, slots=True)
class _Kind:
    """How values of one type are read, and what is expected of them."""

    read: Callable[[Env, str], Any]
    expected: str


def _texts(env: Env, name: str) -> tuple[str, ...]:
    return tuple(item for item in map(str.strip, env.str(name).split(",")) if item)


_KINDS: Mapping[str, _Kind] = {
    "str": _Kind(lambda env, name: env.str(name).strip(), "text"),
    "int": _Kind(lambda env, name: env.int(name), "a whole number"),
    "float": _Kind(lambda env, name: env.float(name), "a number"),
    "bool": _Kind(lambda env, name: env.bool(name), "true or false"),
    "Path": _Kind(lambda env, name: env.path(name).expanduser(), "a path, and its ~user must exist"),
    "Literal['text', 'json']": _Kind(lambda env, name: env.str(name).strip().lower(), "text or json"),
    "Literal['chat', 'responses']": _Kind(lambda env, name: env.str(name).strip().lower(), "chat or responses"),
    "Literal['key', 'entra']": _Kind(lambda env, name: env.str(name).strip().lower(), "key or entra"),
    "tuple[str, ...]": _Kind(_texts, "texts with commas between them"),
}
# Made at the import, so that a setting of a type that nothing here reads fails then.
_KIND_OF = {field.name: _KINDS[str(field.type).removesuffix(" | None")] for field in dataclasses.fields(Settings)}


class SettingsError(Exception):
    """Settings that cannot be used. `problems` has a line for each of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_settings(
    env_file: Path | None = Path(".env"), defaults: Settings | None = None, fixed: Collection[str] = ()
) -> Settings:
    """Read the environment and, where it is silent, `env_file`. SettingsError lists everything that is wrong.

    What neither sets is as in `defaults`, if these are given. So are the fields named by `fixed`, which are not read.
    """
    env = Env()
    defaults = defaults or Settings()
    values: dict[str, Any] = {}
    problems: list[str] = []
    in_file: list[str] = []
    if env_file is not None and env_file.is_file():
        in_file = names_in(env_file)
        if env_file.read_bytes().startswith(codecs.BOM_UTF8):
            problems.append(
                f"{env_file}: begins with a byte order mark, which hides its first setting; save it without"
            )
        try:
            env.read_env(str(env_file), recurse=False)
        except UnicodeDecodeError:
            problems.append(f"{env_file}: not UTF-8; save it in that encoding")
    for field in dataclasses.fields(Settings):
        values[field.name] = getattr(defaults, field.name)
        if field.name in fixed:
            continue
        name = _name_in_use(env, field.name.upper())
        kind = _KIND_OF[field.name]
        if _is_set(env, name):
            try:
                values[field.name] = kind.read(env, name)
            except (EnvError, ValueError, RuntimeError):
                problems.append(f"{name}: must be {kind.expected}")
    # Where no engine's settings are read, names like theirs say nothing.
    for warning in () if "openai_base_url" in fixed else unknown_names(os.environ, in_file):
        log.warning("%s", warning)
    settings = understood(Settings(**values))
    for warning in without_effect(settings):
        log.warning("%s", warning)
    problems += problems_of(settings)
    if problems:
        # One of several problems with a setting is enough, and the first says most.
        raise SettingsError(list({problem.partition(":")[0]: problem for problem in reversed(problems)}.values())[::-1])
    return settings


def _is_set(env: Env, name: str) -> bool:
    return bool((env.str(name, None) or "").strip())


def _name_in_use(env: Env, name: str) -> str:
    old = OLD_NAMES.get(name)
    if old is None or not _is_set(env, old):
        return name
    log.warning("%s has been renamed to %s. The old name still works, but please change it.", old, name)
    return name if _is_set(env, name) else old
