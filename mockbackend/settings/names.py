"""Names of variables that look like settings and are not, and settings that do nothing by themselves."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .fields import Settings

OLD_NAMES = {"MAX_IMAGE_BYTES": "MAX_PICTURE_BYTES"}
SETTINGS = tuple(field.name.upper() for field in dataclasses.fields(Settings))
# Of the openai package, and of programs that test a front end with the mock.
# fmt: off
OTHERS_NAMES = frozenset((
    "AZURE_OPENAI_AD_TOKEN", "OPENAI_ADMIN_KEY", "OPENAI_API_TYPE", "OPENAI_API_VERSION", "OPENAI_CUSTOM_HEADERS",
    "OPENAI_LOG", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_WEBHOOK_SECRET",
    "MOCK_URL", "MOCK_LOGIN",
))
# fmt: on
OUR_PREFIXES = ("AZURE_OPENAI_", "OPENAI_", "BACKEND_", "MOCK_")
# Names of other programs for our settings that are spelt too differently.
MEANT = {
    "AZURE_OPENAI_API_BASE": "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_API_INSTANCE_NAME": "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_BASE_URL": "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_HOST": "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_MODEL": "AZURE_OPENAI_GPT_DEPLOYMENT_NAME",
    "AZURE_OPENAI_RESOURCE": "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_RESOURCE_NAME": "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_SERVICE": "AZURE_OPENAI_ENDPOINT",
    "AZURE_OPENAI_URL": "AZURE_OPENAI_ENDPOINT",
    "BACKEND_HOST": "BIND_HOST",
    "OPENAI_API_BASE": "OPENAI_BASE_URL",
    "OPENAI_API_ENDPOINT": "OPENAI_BASE_URL",
    "OPENAI_API_HOST": "OPENAI_BASE_URL",
    "OPENAI_API_URL": "OPENAI_BASE_URL",
    "OPENAI_DEPLOYMENT": "AZURE_OPENAI_GPT_DEPLOYMENT_NAME",
    "OPENAI_DEPLOYMENT_NAME": "AZURE_OPENAI_GPT_DEPLOYMENT_NAME",
    "OPENAI_ENDPOINT": "OPENAI_BASE_URL",
    "OPENAI_HOST": "OPENAI_BASE_URL",
    "OPENAI_URL": "OPENAI_BASE_URL",
}
# How alike two names are: one that may be another program's, and one that must be ours. Then, two words of names.
NEAR, SOMEHOW_NEAR, SAME_WORD = 0.85, 0.6, 0.8
# Also of names with a character that nobody sees.
ASSIGNMENT = re.compile(r"^[ \t]*(?:export[ \t]+)?([^\s=#'\"]+)[ \t]*=", re.MULTILINE)


def names_in(env_file: Path) -> list[str]:
    """The names that the file sets."""
    return ASSIGNMENT.findall(env_file.read_text("utf-8-sig", "replace"))


def unknown_names(environment: Iterable[str], in_file: Iterable[str]) -> Iterator[str]:
    """A warning for each name that is not known: one with our prefixes, or near a setting's in the file."""
    mine = set(in_file)
    for name in sorted({*environment, *mine}):
        if name in SETTINGS or name in OTHERS_NAMES or name in OLD_NAMES.values():
            continue
        is_ours = name.upper().startswith(OUR_PREFIXES)
        if not is_ours and name not in mine:
            continue
        near = _meant(name.upper()) if is_ours else _nearest(name.upper(), SETTINGS, NEAR)
        if near:
            shown = name if name.isprintable() else ascii(name)
            yield f"{shown} is not a setting and has no effect. Did you mean {near}?"
        elif is_ours:
            yield f"{name} is not a setting and has no effect. env.sample lists all settings."


def without_effect(settings: Settings) -> Iterator[str]:
    """A warning for each setting of an engine that is not set."""
    if settings.openai_api != "chat" and settings.engine != "openai":
        yield "OPENAI_API has no effect without OPENAI_BASE_URL."
    if settings.azure_openai_api != "chat" and settings.engine == "openai":
        yield "AZURE_OPENAI_API has no effect with OPENAI_BASE_URL, which has OPENAI_API."
    if settings.engine != "emulator":
        return
    for name in ("openai_model", "openai_image_model", "openai_embedding_model"):
        if getattr(settings, name):
            yield f"{name.upper()} has no effect without OPENAI_BASE_URL."
    for name in ("api_version", "dalle_deployment_name", "embedding_deployment_name"):
        if getattr(settings, f"azure_openai_{name}"):
            yield f"AZURE_OPENAI_{name.upper()} has no effect without AZURE_OPENAI_ENDPOINT."


def _meant(name: str) -> str | None:
    """The setting that a name with one of our prefixes is meant for."""
    prefix = next(prefix for prefix in OUR_PREFIXES if name.startswith(prefix))
    rest = name.removeprefix(prefix)
    if known := MEANT.get(name) or next((setting for setting in SETTINGS if setting in (name, rest)), None):
        return known
    alike = [one for one in SETTINGS if one.startswith(prefix) and _shared(rest, one.removeprefix(prefix))]
    others = [
        one for one in SETTINGS if not one.startswith(OUR_PREFIXES) and _shared(rest, one) == len(rest.split("_"))
    ]
    return _nearest(name, alike, SOMEHOW_NEAR) or _nearest(rest, others, SOMEHOW_NEAR)


def _shared(name: str, setting: str) -> int:
    """How many words of a name are a setting's too, or a beginning of one."""
    return sum(any(_is_word(word, other) for other in setting.split("_")) for word in name.split("_"))


def _is_word(word: str, other: str) -> bool:
    if min(len(word), len(other)) > 3 and (word.startswith(other) or other.startswith(word)):
        return True
    return difflib.SequenceMatcher(None, word, other).ratio() >= SAME_WORD


def _nearest(name: str, settings: Sequence[str], likeness: float) -> str | None:
    return next(iter(difflib.get_close_matches(name, settings, 1, likeness)), None)
