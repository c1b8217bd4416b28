"""The documents for people name only what exists."""

from __future__ import annotations

import dataclasses
import importlib.util
import pkgutil
import re
from functools import cache

import pytest

from mockbackend.documents.formats import FORMATS
from mockbackend.routes import API
from mockbackend.settings import Settings
from mockbackend.settings.limits import LIMITS, page
from tests.harness.processes import ROOT

NAMES = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "bench/README.md",
    *(f"docs/{page.name}" for page in ROOT.glob("docs/*.md")),
]
FOLDERS = "|".join(re.escape(path.name) for path in ROOT.iterdir() if path.is_dir())
PATH = re.compile(rf"(?<![\w/.:~-])(?:{FOLDERS})/[\w/.*-]*\w|(?<=`)[\w./-]+\.(?:py|toml|md|sample|txt)(?=`)")
TEXT = {name: (ROOT / name).read_text() for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_path_exists(name: str) -> None:
    assert [path for path in PATH.findall(TEXT[name]) if not any(ROOT.glob(path))] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", TEXT[name])
    assert [link for link in links if not ((ROOT / name).parent / link).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_dotted_name_is_there(name: str) -> None:
    for dotted in re.findall(r"\b(?:mockbackend|bench)\.[\w.]*\w", TEXT[name]):
        # A module need not be imported: one of the benchmark drives a browser, which the quick tests do without.
        if not _is_module(dotted):
            pkgutil.resolve_name(dotted)


def _is_module(dotted: str) -> bool:
    try:
        return importlib.util.find_spec(dotted) is not None
    except ModuleNotFoundError:
        return False


@cache
def constants() -> frozenset[str]:
    """All that look like constants in the code and its settings."""
    sources = [
        *ROOT.glob("mockbackend/**/*.py"),
        *ROOT.glob("tests/**/*.py"),
        ROOT / "env.sample",
        ROOT / ".ci" / "run",
    ]
    return frozenset(word for path in sources for word in re.findall(r"[A-Z]+(?:_[A-Z]+)+", path.read_text()))


@pytest.mark.parametrize("name", NAMES)
def test_every_constant_is_in_the_code(name: str) -> None:
    assert set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", TEXT[name])) <= constants()


def test_the_readme_has_a_row_for_each_call_of_the_api() -> None:
    table = re.findall(r"^\| (`[A-Z]+ /.*?) \|", TEXT["README.md"], re.MULTILINE)
    calls = [call.partition("?")[0] for cell in table for call in re.findall(r"`([A-Z]+ /[^`]*)`", cell)]
    pages = [route.path for route in API if route.path == "/" or route.path.startswith("/page/")]
    assert sorted(calls) == sorted(f"{route.method} {route.path}" for route in API if route.path not in pages)


def test_the_readme_names_every_format_of_documents() -> None:
    table = TEXT["README.md"].partition("| Files | Endings |")[2].partition("\n\n")[0]
    extensions = [extension for one in FORMATS.values() for extension in one.extensions]
    assert sorted(re.findall(r"`(\.\w+)`", table)) == sorted(extensions)


def test_the_page_about_limits_is_made_from_the_settings() -> None:
    assert TEXT["docs/limits.md"] == page(), "python -m mockbackend.settings.limits > docs/limits.md"


def test_the_page_about_limits_has_every_limit() -> None:
    named = {name for limits in LIMITS.values() for name in limits}
    assert {field.name for field in dataclasses.fields(Settings) if field.name.startswith("max_")} <= named
